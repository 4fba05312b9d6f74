"""What breaks around the services: each says so, waits where waiting helps, and nothing is lost."""

import os
import re
import socket
import subprocess
import time

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from kit.hall import READS, SERVICES, TOPICS, Hall, inventory, orders, payments, shipping
from kit.kafka import Kafka
from kit.load import WITHDRAWN, Client, Customers, Order, statuses
from kit.load import orders as new_orders
from kit.processes import BINARIES, DRAIN_S, ENVIRONMENT, Carrier, Gateway
from kit.totals import DONE, RECEIPT, RECEIPTS, Totals, files
from kit.wait import until, until_still

ORDERS = int(os.environ.get("QUADRILLE_ORDERS", "2000")) // 2
OUTAGE_S = float(os.environ.get("QUADRILLE_OUTAGE_SECONDS", "20"))
# A group waits for members that it takes for living: after a long outage these are the dead ones
# that its members were before, for as long as a session lasts.
STANDSTILL_S = 120
PARTITIONS = 6
NOBODY = "127.0.0.1:9"


# --- the broker -----------------------------------------------------------------------------------


def test_a_broker_that_is_away_at_the_start_is_waited_for(new_kafka, folder, tell):
    """Shows what a service says while no broker is there, that it goes on by itself, and that it
    ends where that takes too long."""
    # Given an address where a broker was, and will be again.
    kafka = new_kafka().start()
    kafka.stop()

    # When services start.
    gateway = Gateway(folder)
    limit = "--set=kafka.connect_timeout_ms=1000"
    impatient = inventory(kafka.address, folder, limit, opening=False, log="impatient")
    door = orders(kafka.address, folder)
    services = [
        door,
        inventory(kafka.address, folder),
        payments(kafka.address, folder, gateway),
        shipping(kafka.address, folder, Carrier(folder)),
    ]

    # Then each is alive and not ready, and says why, with the address.
    for service in services:
        reason = service.until_waiting(kafka.address)
        assert "is the broker running and the address right?" in reason
        assert service.is_alive()
        service.says(f"broker in trouble.*{kafka.address}")
    # And whoever places an order is told to come again.
    assert not is_taken(door, Order("too-early", [("tea", 1, 1, 1)]))
    # And one that may not wait that long ends, and says why.
    assert impatient.end() == 69
    assert f"error: kafka at {kafka.address} did not answer for 1 s: is it running" in impatient.text

    # When the broker is there, then all go on by themselves.
    began = time.monotonic()
    kafka.start()
    back = time.monotonic()
    for service in services:
        service.until_ready()
    tell(f"all ready {time.monotonic() - back:.1f} s after the broker, which took {back - began:.1f} s")
    order = Order("in-time", [("tea", 1, 1, 1)])
    until("the order is taken", lambda: is_taken(door, order))
    until("the order is confirmed", lambda: status_of(door, order) in ("confirmed", "cancelled"))
    assert [service.stop()[0] for service in services] == [0, 0, 0, 0]


def test_a_broker_that_is_killed_under_load_costs_nothing(new_kafka, schemas, folder, tell):
    """Shows that every order ends once, and that all adds up and nothing is parked, where the only
    broker dies in the middle and stays away for a while."""
    # Given a load of orders, on a broker that is let in again soon after it was killed.
    kafka = new_kafka("broker.session.timeout.ms=3000").start()
    hall = Hall(kafka, folder)
    first, second = new_orders(ORDERS // 2, "before"), new_orders(ORDERS - ORDERS // 2, "after", seed=7)
    customers = Customers(hall.door, first, withdrawals=len(first) * WITHDRAWN // 100).start()
    until("a third is placed", lambda: customers.placed >= len(first) // 3)

    # When the broker dies and stays away.
    kafka.kill()
    began = time.monotonic()
    for service in hall.services:
        service.until_waiting(kafka.address)
    tell(f"all said so {time.monotonic() - began:.1f} s after the broker was killed")
    time.sleep(OUTAGE_S)  # the story, not a wait for anything
    assert all(service.is_alive() for service in hall.services)
    kafka.start()
    back = time.monotonic()
    # And the load goes on when it is there again.
    for service in hall.services:
        service.until_ready()
    tell(f"all ready {time.monotonic() - back:.1f} s after the broker was back from {OUTAGE_S:.0f} s")
    later = Customers(hall.door, second, withdrawals=len(second) * WITHDRAWN // 100).start()
    customers.join(600)
    later.join(600)
    until_still("records that no service has finished", hall.lag, STANDSTILL_S)
    tell(f"{ORDERS} orders were finished {time.monotonic() - back:.1f} s after the broker was back")
    placed = first + second
    said = statuses(hall.door, placed)
    exits = hall.stop()

    # Then it is as if nothing had happened.
    totals = Totals(kafka, schemas, TOPICS)
    totals.check_outcomes(placed)
    totals.check_statuses(placed, said)
    totals.check_flows()
    totals.check_stock(placed)
    totals.check_money(placed, hall.gateway.ledger)
    totals.check_shipments(placed, hall.carrier.ledger)
    totals.check_mails(placed, files(hall.mails))
    totals.check_receipts()
    totals.check_emitted()
    totals.check_one_content()
    assert totals.parked == []
    assert {name: code for name, (code, _) in exits.items()} == dict.fromkeys(SERVICES, 0)
    tell(f"records that stood twice: {totals.twice or 'none'}")


# --- topics ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(folder_of_module):
    """A cluster where rights can be taken away."""
    cluster = Kafka(
        folder_of_module / "kafka-guarded",
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found=true",
    )
    yield cluster.start()
    cluster.wipe()


def test_a_topic_that_a_service_may_not_create_is_waited_for(guarded, folder):
    """Shows that a service that is not to create topics says which one it lacks, whose it is and
    what it should be like, and goes on once somebody has created it."""
    # Given a service that may create nothing, and somebody who creates what it asks for.
    service = orders(guarded.address, folder, "--set=topics.create=false")
    asked = {}

    def create():
        ready, said = service.readiness()
        for reason in said["waiting_for"]:
            topic, partitions, owner = wanted(reason)
            if topic and topic not in guarded.topics():
                assert service.is_alive()
                service.says(f"topic.*{re.escape(topic)}.*{owner}|{owner}.*{re.escape(topic)}")
                guarded.create(topic, partitions)
                asked[topic] = owner
        return ready

    # Then it is ready in the end, and has named each topic that was not there, with its owner.
    until("it is ready", create)
    assert asked["orders"] == asked["parked.orders.inventory"] == "orders"
    for topic in ("inventory", "payments", "shipping"):
        assert asked[topic] == topic
    assert service.stop()[0] == 0
    assert "topic created" not in service.text


def wanted(reason: str) -> tuple[str | None, int, str]:
    """Name, partitions and owner of the topic that a service waits for."""
    found = re.search(r"topic `(\S+)` does not exist; (\S+) creates it(?:.* create it with (\d+) partitions)?", reason)
    return (found[1], int(found[3] or PARTITIONS), found[2]) if found else (None, 0, "")


def test_a_cluster_that_refuses_to_create_a_topic_is_waited_for(guarded, folder):
    """Shows the cluster's own refusal, that a stop does not wait for its end, and that the service
    creates its topics by itself once it may."""
    # Given a cluster that lets nobody create a topic, and a service that has one of its own.
    admin = guarded.admin
    kinds = ((ResourceType.BROKER, "kafka-cluster"), (ResourceType.TOPIC, "*"))
    allow = [acl(kind, name, AclOperation.ALL, AclPermissionType.ALLOW) for kind, name in kinds]
    deny = [acl(kind, name, AclOperation.CREATE, AclPermissionType.DENY) for kind, name in kinds]
    done(admin.create_acls(allow + deny))
    service = inventory(guarded.address, folder, opening=False)
    leaving = inventory(guarded.address, folder, opening=False, log="leaving")

    # Then it is alive, and says which topic it lacks, whose it is, and why.
    for waiting in (service, leaving):
        reason = waiting.until_waiting("creates it, and cannot: ")
        topic, _, owner = wanted(reason)
        assert owner == "inventory"
        assert "does not allow it to this user" in reason, reason
        assert waiting.is_alive()
        waiting.says(f"topic `{re.escape(topic)}` does not exist; inventory creates it, and cannot: ")
    # And it can be stopped.
    code, took = leaving.stop()
    assert code == 0
    assert took < DRAIN_S

    # When it may, then it creates all that is its own, and waits for what others own.
    done(admin.delete_acls([*map(filter_of, deny)]))
    until("its own topics are there", lambda: {"inventory", "deliveries"} <= guarded.topics().keys())
    until("it has what it needs of its own", lambda: "and cannot" not in str(service.readiness()[1]))
    assert service.is_alive()
    assert service.stop()[0] == 0


def acl(kind, name: str, operation, permission) -> AclBinding:
    """A rule for everybody on one kind of thing."""
    return AclBinding(kind, name, ResourcePatternType.LITERAL, "User:*", "*", operation, permission)


def filter_of(rule: AclBinding) -> AclBindingFilter:
    return AclBindingFilter(
        rule.restype,
        rule.name,
        rule.resource_pattern_type,
        rule.principal,
        rule.host,
        rule.operation,
        rule.permission_type,
    )


def done(futures: dict) -> None:
    for future in futures.values():
        future.result(30)


# --- stops ----------------------------------------------------------------------------------------


def test_a_stop_under_load_drains_and_a_restart_goes_on(kafka, schemas, folder, tell):
    """Shows that SIGTERM under load ends a service within the limit of a drain, with all that it
    did committed, and that with its restart nothing is lost and nothing is done twice."""
    # Given a load of orders that all end well, and services that remember.
    hall = Hall(kafka, folder, state=folder / "state")
    door = hall.door
    placed = new_orders(ORDERS, declined=0)
    customers = Customers(door, placed).start()

    # When services are stopped in the middle of it, and started again.
    until("a fifth is placed", lambda: customers.placed >= ORDERS // 5)
    took = {"payments": stopped(hall, schemas, "payments")}
    hall.start("payments").until_ready()
    until("two fifths are placed", lambda: customers.placed >= 2 * ORDERS // 5)
    took["orders"] = stopped(hall, schemas, "orders")
    hall.start("orders", f"--set=http.listen={door}")
    customers.join(600)
    until_still("records that no service has finished", hall.lag, STANDSTILL_S)

    # Then nothing is lost and nothing is done twice.
    totals = Totals(kafka, schemas, TOPICS)
    totals.check_outcomes(placed)
    totals.check_stock(placed)
    totals.check_money(placed, hall.gateway.ledger)
    totals.check_shipments(placed, hall.carrier.ledger)
    totals.check_mails(placed, files(hall.mails))
    totals.check_receipts()
    totals.check_emitted()
    totals.check_one_content()
    assert totals.parked == []
    tell(f"records that stood twice: {totals.twice or 'none'}")

    # And the others drain as well.
    more = new_orders(ORDERS // 2, "more", declined=0)
    customers = Customers(door, more).start()
    until("a fifth is placed", lambda: customers.placed >= len(more) // 5)
    for name in ("inventory", "shipping", "notifications"):
        took[name] = stopped(hall, schemas, name)
    customers.join(600)
    tell("seconds from SIGTERM to the end: " + ", ".join(f"{name} {s:.1f}" for name, s in took.items()))


def stopped(hall: Hall, schemas, name: str) -> float:
    """Stops a service under load, and holds what it committed against what it has done. Gives back
    how long it took."""
    service = getattr(hall, name)
    code, took = service.stop()
    assert code == 0
    assert took < DRAIN_S
    committed = hall.kafka.committed(name)
    receipts = [schemas.decode(RECEIPT, record.value) for record in hall.kafka.read([RECEIPTS])]
    done_by = {(r.topic, r.partition, r.offset) for r in receipts if r.service == name}
    assert all(schemas.word(r, "outcome") == DONE for r in receipts if r.service == name)
    late = [at for at in done_by if at[2] >= committed.get(at[:2], 0)]
    assert not late, f"{name} did {len(late)} without committing them: {late[:5]}"
    left = sum(hall.kafka.lag(name, [topic]) for topic in READS[name])
    assert done_by or left, f"{name} had nothing to do"
    return took


# --- what a person got wrong ----------------------------------------------------------------------


@pytest.mark.parametrize("option", ["health.listen", "http.listen"])
def test_a_port_that_is_taken_is_named(option):
    """Shows exit code, port, option and mend."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ports = {"health.listen": "127.0.0.1:0", "http.listen": "127.0.0.1:0", option: address}
        ended = refused("orders", *[f"--set={name}={port}" for name, port in ports.items()])
    assert ended.returncode == 64, ended.stderr
    assert f"error: cannot listen on {address}, as `{option}` says (--set {option})" in ended.stderr
    assert f"mend: stop what listens there, or give another address by --set {option}=IP:PORT" in ended.stderr


def test_a_typo_in_a_file_is_named_with_what_was_meant(tmp_path):
    """Shows exit code, file, line, option and the nearest one."""
    file = tmp_path / "inventory.toml"
    file.write_text("[limits]\nreaction_timeout_ms = 1000\natempts_max = 3\n")
    ended = refused("inventory", f"--config={file}", "--set=health.listen=127.0.0.1:0")
    assert ended.returncode == 64, ended.stderr
    assert f"error: {file}:3:1: unknown option `limits.atempts_max`" in ended.stderr
    assert "mend: did you mean `limits.attempts_max`?" in ended.stderr


def refused(name: str, *flags: str) -> subprocess.CompletedProcess:
    """Runs a program that ends by itself, before it asks for a broker."""
    call = [BINARIES / f"quadrille-{name}", "--kafka", NOBODY, "--ephemeral", *flags]
    return subprocess.run(call, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


# --- what the stories say -------------------------------------------------------------------------


def is_taken(service, order: Order) -> bool:
    """Asks once for an order."""
    door = service.says(r"http port open.*address=(\S+)")[1]
    status, answer, _ = Client(door).once("POST", "/orders", order.body())
    assert status in (201, 503), (status, answer)
    return status == 201


def status_of(service, order: Order) -> str:
    door = service.says(r"http port open.*address=(\S+)")[1]
    return Client(door).ask("GET", f"/orders/{order.id}")[1]["status"]
