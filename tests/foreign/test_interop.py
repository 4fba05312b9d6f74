"""Others read our records, we read theirs, and all agree on where a key belongs."""

import itertools
import json
import subprocess
from datetime import datetime, timezone

import pytest
from cloudevents.core.bindings import kafka as sdk
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import kafka as older_sdk
from confluent_kafka import KafkaException
from kit import ids
from kit.hall import TOPICS
from kit.load import GOOD_CARD, Client, Order
from kit.processes import BINARIES, ENVIRONMENT
from kit.schemas import as_json
from kit.totals import RECEIPT, RECEIPTS
from kit.wait import until

PLACED = "orders.v1.OrderPlaced"
PRESENCE = "quadrille.v1.PresenceAnnounced"
NUMBER = itertools.count(1)
KEYS = 200
# Events of an order that ends well.
EVENTS = 6
PARTITIONS = 6
LARGE = 5_000_000


# --- ours, read by others -------------------------------------------------------------------------


def test_an_sdk_reads_our_records(hall, schemas):
    """Shows every attribute of every event of an order through the CloudEvents SDK."""
    # Given an order that is confirmed.
    order = place(hall, "tea")
    assert ended(hall, order.id)["status"] == "confirmed"

    # When the SDK reads its records.
    records = until("the customer is told", lambda: len(found := records_of(hall, order.id)) == EVENTS and found)
    events = [sdk.from_binary_event(message(record)) for record in records]

    # Then all that CloudEvents wants is there, and what the record's place says agrees with it.
    types = {event.get_type() for event in events}
    stock, payment = "inventory.v1.StockReserved", "payments.v1.PaymentCaptured"
    shipment, notice = "shipping.v1.ShipmentDispatched", "notifications.v1.ConfirmationSent"
    assert types == {PLACED, stock, payment, shipment, "orders.v1.OrderConfirmed", notice}
    by_id = {event.get_id(): event for event in events}
    for event, record in zip(events, records, strict=True):
        assert event.get_specversion() == "1.0"
        assert event.get_source() == f"/quadrille/{record.topic}"
        assert event.get_subject() == order.id
        assert event.get_extension("partitionkey") == order.id
        assert abs((datetime.now(timezone.utc) - event.get_time()).total_seconds()) < 600
        assert event.get_dataschema() == f"proto:{event.get_type()}"
        assert event.get_datacontenttype() == "application/protobuf"
        # And extensions tell the flow, the cause, and how far the cause is away from the first.
        assert event.get_extension("correlationid") == ids.flow_of_order(order.id)
        cause = by_id.get(event.get_extension("causationid"))
        assert (cause is None) == (event.get_type() == PLACED)
        hops = int(cause.get_extension("hops")) + 1 if cause else 0
        assert event.get_extension("hops") == str(hops)
        if cause:
            of = (cause.get_source(), cause.get_id(), record.topic, event.get_type(), order.id)
            assert event.get_id() == ids.emitted(*of)
        # And the data is the message that the type names.
        assert schemas.decode(event.get_type(), payload(event)).order_id == order.id


def test_an_older_sdk_reads_our_records(hall, schemas):
    """Shows that the interface of the SDK's first major version reads them as well."""
    order = place(hall, "tea")
    record = records_of(hall, order.id)[0]
    event = older_sdk.from_binary(message(record), data_unmarshaller=lambda data: data)
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", PLACED, order.id)
    assert event["correlationid"] == ids.flow_of_order(order.id)
    assert schemas.decode(PLACED, event.data).order_id == order.id


def test_kcat_reads_our_records(hall):
    """Shows keys and headers through another program."""
    order = place(hall, "tea")
    listed = run_kcat(hall, "-C", "-t", "orders", "-e", "-q", "-f", "%k %h\\n", text=False)
    lines = [line.split(" ", 1) for line in listed.decode(errors="replace").splitlines()]
    found = [dict(pair.split("=", 1) for pair in headers.split(",")) for key, headers in lines if key == order.id]
    headers = next(headers for headers in found if headers["ce_type"] == PLACED)
    assert headers["ce_subject"] == order.id
    assert headers["content-type"] == "application/protobuf"


# --- others', read by us --------------------------------------------------------------------------


def binary_protobuf(event, order):
    return sdk.to_binary_event(CloudEvent({**event, "datacontenttype": "application/protobuf"}, order.SerializeToString()))


def binary_json(event, order):
    return sdk.to_binary_event(CloudEvent({**event, "datacontenttype": "application/json"}, as_json(order)))


def structured_json(event, order):
    return sdk.to_structured(CloudEvent(event, as_json(order)), JSONFormat())


def structured_protobuf(event, order):
    event = CloudEvent({**event, "datacontenttype": "application/protobuf"}, order.SerializeToString())
    return sdk.to_structured(event, JSONFormat())


MODES = [binary_protobuf, binary_json, structured_json, structured_protobuf]


@pytest.mark.parametrize("write", MODES, ids=lambda mode: mode.__name__)
@pytest.mark.parametrize("flow", [None, "the-till's-own-flow"], ids=["without_flow", "with_flow"])
def test_what_an_sdk_wrote_starts_a_flow(hall, schemas, write, flow):
    """Shows that an order placed by a foreign record ends in an outcome, in the flow that every
    reader derives where the record names none."""
    # Given an order as another program's SDK writes it.
    order = foreign_order("tea")
    source, event_id = "/shop/till-7", f"receipt/{order.id}"
    event = {"type": PLACED, "source": source, "id": event_id, "partitionkey": order.id}
    if flow:
        event["correlationid"] = flow
    written = write(event, placed(schemas, order))

    # When it stands on the topic.
    produce(hall, "orders", (written.key, written.value, list(written.headers.items())))

    # Then it ends like any other.
    assert ended(hall, order.id)["status"] == "confirmed"
    records = until(
        "the customer is told",
        lambda: len(found := [r for r in records_of(hall, order.id) if r.event[0] not in (source, None)]) == EVENTS - 1
        and found,
    )
    ours = [sdk.from_binary_event(message(record)) for record in records]
    flows = {event.get_extension("correlationid") for event in ours}
    assert flows == {flow or ids.flow_of_event(source, event_id)}
    (reserved,) = [event for event in ours if event.get_type() == "inventory.v1.StockReserved"]
    assert reserved.get_extension("causationid") == event_id


def test_a_record_without_a_key_is_handled(hall, schemas):
    """Shows that a null key is no hindrance: the event's own key is in its payload."""
    order = foreign_order("tea")
    event = {"type": PLACED, "source": "/shop/till-7", "id": f"keyless/{order.id}"}
    written = binary_protobuf(event, placed(schemas, order))
    assert written.key is None
    ((partition, offset),) = produce(hall, "orders", (None, written.value, list(written.headers.items())))

    assert ended(hall, order.id)["status"] == "confirmed"
    receipt = receipt_for(hall, schemas, "inventory", "orders", partition, offset)
    assert schemas.word(receipt, "outcome") == "OUTCOME_DONE"
    # And what we emit for it has a key again.
    assert {record.key.decode() for record in records_of(hall, order.id) if record.topic != "orders"} == {order.id}


def test_a_bare_record_is_of_the_one_type_of_its_topic(hall, schemas):
    """Shows a record without any header: its id is its place, and its flow follows from that."""
    # Given goods that nobody has heard of, announced by a program that knows only protobuf.
    goods = schemas.new("inventory.v1.GoodsReceived", delivery_id="truck-1", sku="matcha", quantity=3)
    ((partition, offset),) = produce(hall, "deliveries", (b"matcha", goods.SerializeToString(), []))

    # Then there is a receipt for what every reader would call this record.
    receipt = receipt_for(hall, schemas, "inventory", "deliveries", partition, offset)
    cluster = hall.kafka.cluster
    source, event_id = f"kafka:{cluster}/deliveries", f"{cluster}/deliveries/{partition}/{offset}"
    assert schemas.word(receipt, "outcome") == "OUTCOME_DONE"
    assert (receipt.event_source, receipt.event_id) == (source, event_id)
    assert receipt.event_type == "inventory.v1.GoodsReceived"
    assert receipt.flow_id == ids.flow_of_event(source, event_id)
    # And the goods can be sold, as many as came.
    assert ended(hall, place(hall, "matcha", 3).id)["status"] == "confirmed"
    late = ended(hall, place(hall, "matcha", 1).id)
    assert (late["status"], late["reason"]) == ("cancelled", "out_of_stock")


def test_what_is_not_for_a_service_is_skipped(hall, schemas):
    """Shows that no type, an unknown type and a tombstone are passed over and counted, and that
    nothing is parked."""
    # Given a topic that carries several types, and what was skipped so far.
    readers = ("inventory", "notifications", "orders", "payments", "shipping")
    before = {service: skipped(hall, schemas, service) for service in readers}
    parked = parked_records(hall)
    order = placed(schemas, foreign_order("tea")).SerializeToString()
    of_others = [("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/x"), ("ce_type", b"shop.v1.Opened")]

    # When a bare record, one of a type that no contract has, and a tombstone stand there.
    places = produce(hall, "orders", (b"bare", order, []), (b"other", b"", of_others), (b"gone", None, []))

    # Then the services that read the topic go on behind them, and count them.
    for service in readers:
        until(f"{service} has passed them", lambda service=service: has_passed(hall, service, "orders", places))
        until(
            f"{service} has counted them",
            lambda service=service: skipped(hall, schemas, service) >= before[service] + len(places),
        )
    # And that is all that happens.
    assert parked_records(hall) == parked
    told = {(receipt.topic, receipt.partition, receipt.offset) for receipt in receipts(hall, schemas)}
    assert not told & {("orders", *place) for place in places}


def test_what_cannot_be_decoded_is_parked(hall, schemas):
    """Shows that bytes which are no message are parked as they came, with the reason, by whoever
    reacts to their type and by nobody else, and that what stands behind them goes on."""
    # Given broken bytes, and an order behind them with the same key.
    order = foreign_order("tea")
    event = {"type": PLACED, "source": "/shop/till-7", "id": f"broken/{order.id}", "partitionkey": order.id}
    written = binary_protobuf(event, placed(schemas, order))
    broken = b"\x0a\xff\xff" + written.value[:5]
    headers = list(written.headers.items())
    behind = [(name, f"whole/{order.id}".encode() if name == "ce_id" else value) for name, value in headers]
    (partition, offset), _ = produce(
        hall, "orders", (written.key, broken, headers), (written.key, written.value, behind)
    )

    # Then the order ends as if they were not there.
    assert ended(hall, order.id)["status"] == "confirmed"
    # And they are parked, key, value and headers as they were.
    def all_parked():
        found = {r.topic: r for r in parked_records(hall) if r.key == order.id.encode()}
        return len(found) == len(readers) and found

    readers = ("inventory", "orders")
    parked_on = until("whoever reacts has parked it", all_parked)
    assert set(parked_on) == {f"parked.{service}.orders" for service in readers}
    for service in readers:
        parked = parked_on[f"parked.{service}.orders"]
        assert (parked.partition, parked.value) == (partition, broken)
        assert list(parked.headers)[: len(headers)] == headers
        about = {name.removeprefix("quadrille-parked-"): value for name, value in parked.header.items()}
        assert (about["code"], about["service"], about["attempts"]) == ("undecodable", service, "1")
        assert (about["topic"], about["partition"], about["offset"]) == ("orders", str(partition), str(offset))
        assert "OrderPlaced" in about["detail"], about["detail"]
        # And their receipt says so, without a word of what they were.
        receipt = receipt_for(hall, schemas, service, "orders", partition, offset)
        assert (schemas.word(receipt, "outcome"), receipt.error_code) == ("OUTCOME_PARKED", "undecodable")


def test_an_event_of_5_mb_is_refused_at_every_door(hall, tmp_path):
    """Shows what is said to a customer, to whoever emits on the cluster, and to a foreign client."""
    order = foreign_order("tea")
    large = {**order.body(), "email": "x" * LARGE}
    status, answer, _ = Client(hall.door).ask("POST", "/orders", large)
    assert status == 413
    assert "larger than 262144 bytes" in str(answer)

    file = tmp_path / "large.jsonl"
    file.write_text(json.dumps({"deliveryId": "x" * LARGE, "sku": "tea", "quantity": 1}) + "\n")
    call = [BINARIES / "quadrille", "emit", "GoodsReceived", "-f", file, "--kafka", hall.kafka.address]
    emitted = subprocess.run(call, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=60)
    assert emitted.returncode == 1, emitted.stderr
    assert f"error: {file}:1: " in emitted.stderr
    assert "1048576" in emitted.stderr
    assert "limits.event_bytes_max" in emitted.stderr
    assert len(emitted.stderr) < 1000, "the event itself is in the error"

    with pytest.raises((AssertionError, KafkaException), match="(?i)message size too large"):
        produce(hall, "orders", (order.id, b"x" * LARGE, []))
    assert not records_of(hall, order.id)


# --- where a key belongs --------------------------------------------------------------------------


def test_all_clients_put_a_key_in_the_same_partition(hall, schemas):
    """Shows that kcat, Python and Java agree with us on the partitions of keys of every length."""
    # Given records of ours with these keys: answers to orders for goods that nobody has.
    keys = [f"{'schlüssel-' * (n % 12)}{'k' * (n % 7)}{n}" for n in range(KEYS)]
    orders = [placed(schemas, Order(key, [("nothing", 1, 1, 1)])) for key in keys]
    events = [{"type": PLACED, "source": "/keys", "id": order.order_id} for order in orders]
    written = [binary_protobuf(event, order) for event, order in zip(events, orders, strict=True)]
    produce(hall, "orders", *[(order.order_id, w.value, list(w.headers.items())) for order, w in zip(orders, written)])
    ours = until(
        "all are answered",
        lambda: len(found := partitions(hall, "inventory", set(keys))) == KEYS and found,
    )
    assert len(set(ours.values())) == PARTITIONS

    # When other clients write records with the same keys.
    lines = "".join(f"{key}\tx\n" for key in keys)
    for topic in ("keys-kcat", "keys-python", "keys-java"):
        hall.kafka.create(topic, PARTITIONS)
    run_kcat(hall, "-P", "-t", "keys-kcat", "-K", "\\t", "-X", "topic.partitioner=murmur2_random", stdin=lines)
    produce(hall, "keys-python", *[(key, b"x", []) for key in keys])
    produce_with_java(hall, "keys-java", lines)

    # Then all put them where ours are.
    for topic in ("keys-kcat", "keys-python", "keys-java"):
        theirs = partitions(hall, topic, set(keys))
        assert theirs == ours, f"{topic} puts keys elsewhere"


# --- what the stories say -------------------------------------------------------------------------


def foreign_order(sku: str, pieces: int = 1) -> Order:
    return Order(f"foreign-{next(NUMBER)}", [(sku, pieces, 4, 500_000_001)])


def place(hall, sku: str, pieces: int = 1) -> Order:
    """Places an order over HTTP."""
    order = foreign_order(sku, pieces)
    assert Client(hall.door).ask("POST", "/orders", order.body())[0] == 201
    return order


def ended(hall, order_id: str) -> dict:
    """The order as HTTP says it, once it has ended."""

    def look():
        status, order, _ = Client(hall.door).ask("GET", f"/orders/{order_id}")
        return order if status == 200 and order["status"] in ("confirmed", "cancelled") else f"not yet: {order}"

    return until(f"order {order_id} ends", look)


def placed(schemas, order: Order):
    """The event that places the order."""
    lines = order.body()["lines"]
    units, nanos = divmod(order.total_nanos, 10**9)
    return schemas.new(
        PLACED,
        order_id=order.id,
        customer_id="customer-1",
        email="ada@example.org",
        lines=lines,
        total={"currency_code": "EUR", "units": units, "nanos": nanos},
        card_number=GOOD_CARD,
    )


def produce(hall, topic: str, *records) -> list[tuple[int, int]]:
    return hall.kafka.produce(topic, records)


def message(record) -> sdk.KafkaMessage:
    """A record as the SDK takes it."""
    return sdk.KafkaMessage(dict(record.headers), record.key, record.value)


def payload(event) -> bytes:
    """The event's data. The SDK makes text of bytes wherever it can."""
    data = event.get_data()
    return data.encode() if isinstance(data, str) else data


def records_of(hall, order_id: str) -> list:
    """All records with the order's key, or of its flow, cause before effect."""
    read = hall.kafka.read(TOPICS)
    found = [r for r in read if r.key == order_id.encode() or r.header.get("ce_subject") == order_id]
    return sorted(found, key=lambda record: int(record.header.get("ce_hops", 0)))


def receipts(hall, schemas) -> list:
    return [schemas.decode(RECEIPT, record.value) for record in hall.kafka.read([RECEIPTS])]


def receipt_for(hall, schemas, service: str, topic: str, partition: int, offset: int):
    """The receipt of a service for the record at this place, once it is there."""

    def look():
        place = (service, topic, partition, offset)
        found = [r for r in receipts(hall, schemas) if (r.service, r.topic, r.partition, r.offset) == place]
        return found and found[0]

    return until(f"{service} has a receipt for {topic}/{partition}/{offset}", look)


def skipped(hall, schemas, service: str) -> int:
    """How many records the service says it has skipped."""
    told = [schemas.decode(PRESENCE, record.value) for record in hall.kafka.read(["quadrille.presence"])]
    return max((p.skipped_count for p in told if p.service == service), default=0)


def has_passed(hall, group: str, topic: str, places) -> bool:
    committed = hall.kafka.committed(group)
    return all(committed.get((topic, partition), 0) > offset for partition, offset in places)


def parked_records(hall) -> list:
    return hall.kafka.read([topic for topic in hall.kafka.topics() if topic.startswith("parked.")])


def partitions(hall, topic: str, keys: set[str]) -> dict[str, int]:
    """Where records with these keys stand. A key in two partitions is an error."""
    found = {}
    for record in hall.kafka.read([topic]):
        key = record.key.decode()
        if key in keys:
            assert found.setdefault(key, record.partition) == record.partition, f"{key} is in two partitions"
    return found


def run_kcat(hall, *arguments: str, stdin: str = "", text: bool = True):
    call = ["kcat", "-b", hall.kafka.address, *arguments]
    done = subprocess.run(call, input=stdin if text else stdin.encode(), capture_output=True, text=text, check=False)
    assert done.returncode == 0, f"kcat failed: {done.stderr}"
    return done.stdout


def produce_with_java(hall, topic: str, lines: str) -> None:
    options = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=\t"]
    tool = "org.apache.kafka.tools.ConsoleProducer"
    hall.kafka.tool(tool, "--bootstrap-server", hall.kafka.address, "--topic", topic, *options, stdin=lines)
