"""The observer tells why a flow stands as it does, with services that live and die beside it.

Nothing is planted in its index: each situation is made with processes, and what the observer says
is asked over HTTP.
"""

import contextlib
import shutil
import time

import pytest
from kit.hall import READS, Hall, inventory, orders
from kit.load import BAD_CARDS, Customers
from kit.load import orders as new_orders
from kit.observer import Observer, place, produce_unreadable
from kit.processes import BINARIES, Gateway, Process, get
from kit.wait import until

# Within this, a stopped order must be explained.
EXPLAINED_S = 5
BACKLOG = 1_500


@pytest.fixture
def watched(kafka, folder):
    """All services and the observer."""
    hall = Hall(kafka, folder, flags=("--set=limits.retry_max_ms=2000",))
    return hall, Observer(kafka.address, folder).until_ready().until_read()


def test_an_order_is_explained_while_a_service_is_down_and_after_it_is_back(watched, tell):
    """Shows: service down, finished, compensated."""
    hall, observer = watched
    # Given an order that ended well, and one whose card was declined.
    place(hall.door, "good")
    place(hall.door, "bad", BAD_CARDS[0])
    good = observer.until_told("good", "completed", "ended with OrderConfirmed")
    assert [event["type"].rpartition(".")[2] for event in good["events"]][:2] == ["OrderPlaced", "StockReserved"]
    observer.until_told("bad", "compensated", "ended with OrderCancelled", "StockReserved was undone")

    # When payments is killed, and an order comes to it.
    hall.payments.kill()
    killed = time.monotonic()
    place(hall.door, "stopped")
    flow = observer.until_told("stopped", "blocked", "payments is down", "StockReserved", seconds=EXPLAINED_S)
    tell(f"explained {time.monotonic() - killed:.1f} s after the kill: {flow['why']}")

    # Then it is in the list of those that are blocked, and its reaction says the same.
    listed = observer.ask("flows", status="blocked", service="payments")
    assert [flow["keys"][0]["key"] for flow in listed["flows"]] == ["stopped"]
    assert listed["counts"]["blocked"] == 1
    waiting = [reaction for event in flow["events"] for reaction in event["reactions"] if reaction["status"] != "done"]
    assert [reaction["service"] for reaction in waiting] == ["payments"]
    assert "payments is down" in waiting[0]["why"]
    assert "payments.v1.PaymentCaptured" in waiting[0]["may_emit"]
    services = {service["name"]: service for service in observer.ask("services")["services"]}
    assert not services["payments"]["alive"]
    assert services["orders"]["alive"]

    # And when it is back, the order goes on, and that is told.
    hall.start("payments").until_ready()
    back = time.monotonic()
    observer.until_told("stopped", "completed", "ended with OrderConfirmed", seconds=120)
    tell(f"told as ended {time.monotonic() - back:.1f} s after payments was ready again")
    assert observer.ask("flows")["counts"]["blocked"] == 0


def test_outside_parties_are_told_by_their_names(watched):
    """Shows: outside party down, retrying."""
    hall, observer = watched
    # Given a gateway that is gone, and mails that cannot be put anywhere.
    hall.gateway.kill()
    place(hall.door, "unpaid")
    observer.until_told("unpaid", "retrying", "gateway cannot be reached", "payments goes on trying", "StockReserved")
    shutil.rmtree(hall.mails, ignore_errors=True)
    hall.mails.write_text("no folder")

    # When there is a gateway again.
    hall.gateway = Gateway(hall.folder)
    hall.payments.stop()
    hall.start("payments").until_ready()

    # Then only the mail is left to be told.
    observer.until_told("unpaid", "retrying", "notifications failed at OrderConfirmed (mail_folder)", "attempt")
    hall.mails.unlink()
    observer.until_told("unpaid", "completed", "ended with OrderConfirmed")


def test_a_service_that_is_slow_and_one_that_lags_are_told_apart(kafka, folder):
    """Shows: slow, lagging."""
    # Given a gateway that takes its time, and payments that takes little at once.
    gateway = Gateway(folder, "--delay-ms=3000")
    few = [f"--set=limits.{limit}" for limit in ("partition_events_max=4", "key_events_max=4", "reactions_at_once_max=2")]
    hall = Hall(kafka, folder, gateway=gateway)
    hall.payments.stop()
    hall.start("payments", *few).until_ready()
    observer = Observer(kafka.address, folder).until_ready().until_read()

    # When one order comes, it is being worked at.
    place(hall.door, "first")
    observer.until_told("first", "running", "payments has taken StockReserved and is not done with it after")
    observer.until_told("first", "completed")

    # When many come, the last ones wait for those before them. What is there at once is taken at once,
    # however little payments may hold, so the last one comes when the others have been there for a while.
    Customers(hall.door, new_orders(300, declined=0)).start().join(120)
    until("all the others come before it", lambda: hall.kafka.lag("inventory", READS["inventory"]) == 0, 30)
    place(hall.door, "last")
    flow = observer.until_told("last", "running", "payments", "before StockReserved")
    assert "lags" in flow["why"] or "paused" in flow["why"], flow["why"]


def test_what_is_parked_and_what_nobody_reacts_to_is_told(kafka, folder):
    """Shows: parked, no subscriber."""
    # Given orders and inventory alone, with the topics of those who are not there.
    for topic in ("payments", "shipping"):
        kafka.create(topic, 6)
    services = [orders(kafka.address, folder), inventory(kafka.address, folder)]
    door = [service.until_ready() for service in services][0].says(r"http port open.*address=(\S+)")[1]
    observer = Observer(kafka.address, folder).until_ready().until_read()
    place(door, "lonely")
    observer.until_told("lonely", "blocked", "nobody reacts to StockReserved", "no contract names it")

    # When an event of somebody else comes that cannot be read.
    produce_unreadable(kafka)
    flow = observer.until_told("broken-flow", "parked", "parked OrderPlaced after attempt 1 (undecodable)")

    # Then it is found by everything that somebody may have in hand.
    event = flow["events"][0]
    place_of_it = f"{event['topic']}/{event['partition']}/{event['offset']}"
    for text, kind in [("broken-flow", "flow"), ("broken", "key"), ("broken-1", "event"), (place_of_it, "record")]:
        found = observer.ask("find", q=text)
        assert (found["kind"], [flow["id"] for flow in found["flows"]]) == (kind, ["broken-flow"]), text
    record = observer.ask(f"records/{place_of_it}")
    assert "data" not in record
    assert record["data_error"]


def test_an_observer_that_cannot_read_says_so_and_one_that_lost_its_index_knows_the_same(watched, tell):
    """Shows: index behind; killed and rebuilt with the same answers."""
    hall, observer = watched
    Customers(hall.door, new_orders(BACKLOG)).start().join(240)
    until("all is handled", lambda: hall.lag() == 0, 120)
    hall.payments.kill()
    place(hall.door, "stopped")
    observer.until_told("stopped", "blocked", "payments is down")
    observer.until_read()
    before = answers(observer)

    # When it is killed and its index is deleted.
    observer.kill()
    shutil.rmtree(observer.index)
    began = time.monotonic()
    observer = Observer(hall.kafka.address, hall.folder)
    observer.until_ready()
    early = observer.flow("stopped")
    observer.until_read()
    index = observer.ask("status")["index"]
    tell(f"{index['events'] + index['receipts']} records indexed again within {time.monotonic() - began:.1f} s")

    # Then it answers the same.
    assert answers(observer) == before
    observer.until_told("stopped", "blocked", "payments is down")
    # And before it had read everything, it did not claim to know.
    assert early is None or early["status"] == "unknown", early

    # When the broker is away, it says that it cannot tell.
    hall.kafka.freeze()
    with contextlib.ExitStack() as thaw:
        thaw.callback(hall.kafka.thaw)
        flow = observer.until_told("stopped", "unknown", "last known: waits for payments to react to StockReserved")
        tell(f"with the broker away: {flow['why']}")
        # What has come to rest is still told.
        assert observer.ask("flows", status="completed", limit="1")["flows"]
    observer.until_told("stopped", "blocked", "payments is down", seconds=60)


def test_an_observer_answers_before_its_broker_does(watched, tell):
    """Shows that it serves at once, says what it knows and what it waits for, and goes on by itself."""
    hall, observer = watched
    place(hall.door, "early")
    observer.until_told("early", "completed")
    hall.payments.kill()
    place(hall.door, "stopped")
    observer.until_told("stopped", "blocked", "payments is down")
    observer.kill()

    # When it starts while the broker is down.
    hall.kafka.stop()
    began = time.monotonic()
    observer = Observer(hall.kafka.address, hall.folder).until_ready()
    status = observer.ask("status")
    tell(f"without a broker it answered {time.monotonic() - began:.1f} s after its start")
    assert status["index"]["broker"] == "waiting", status
    assert status["index"]["broker_since"]
    assert observer.flow("early")["status"] == "completed"
    observer.until_told("stopped", "unknown", "the broker has not answered yet", "last known: waits for payments")
    assert get(f"{observer.url}/api/records/orders/0/0")[0] == 503

    # Then it is up to date by itself when the broker comes.
    hall.kafka.start()
    observer.until_read()
    assert observer.ask("status")["index"]["broker"] == "answers"
    observer.until_told("stopped", "blocked", "payments is down")


def test_up_serves_its_pages_before_its_broker_answers(new_kafka, folder):
    """Shows the same of `quadrille up`, and that all of it gets ready when the broker comes."""
    # Given a cluster that has been there, so that its port is known, and is not now.
    kafka = new_kafka().start()
    kafka.stop()
    flags = ["--listen", "127.0.0.1:0", "--no-demo", "--data", folder / "up"]
    up = Process("up", [BINARIES / "quadrille", "up", "--kafka", kafka.address, *flags], folder / "up.log")
    url = up.says(r"not ready yet, goes on by itself, and is open at (http://\S+?):? ")[1]
    status, body = get(f"{url}/api/status")
    assert (status, body["index"]["broker"]) == (200, "waiting")
    assert get(f"{url}/readyz")[0] == 503

    kafka.start()
    up.says("quadrille is up", 120)

    place(url.removeprefix("http://"), "first")
    # There are no goods on the shelf, so it ends, and ends badly.
    until("the order ends", lambda: get(f"{url}/api/flows/first")[1].get("why", "").startswith("ended with"), 60)
    assert up.stop()[0] == 0


def answers(observer: Observer) -> dict:
    """All that it says of flows, but for what only one life of an index knows."""
    flows, after = {}, ""
    while True:
        page = observer.ask("flows", limit="500", after=after)
        for flow in page["flows"]:
            del flow["change"]
            # As it is at this moment: told with a span that grows.
            if flow["status"] == "blocked":
                del flow["why"]
            flows[flow["id"]] = flow
        after = page.get("next")
        if not after:
            counts = page["counts"]
            return {"flows": flows, "counts": counts}


def test_what_is_asked_wrongly_is_refused_with_the_mend(watched):
    """Shows the errors of the API."""
    _, observer = watched
    for path, status in [
        ("flows?status=sad", 400),
        ("flows?since=yesterday", 400),
        ("flows?limit=100000", 400),
        ("flows?colour=red", 400),
        ("flows/nothing-of-the-kind", 404),
        ("records/orders/0/999999", 404),
        ("records/nothing/0/0", 404),
        ("records/orders/99/0", 404),
        ("stream?topics=all", 400),
        ("nowhere", 404),
    ]:
        answered, body = get(f"{observer.url}/api/{path}")
        assert answered == status, (path, answered, body)
        assert body["error"]
        assert body["mend"]
    assert observer.ask("openapi.json")["openapi"].startswith("3.")
    contracts = observer.ask("contracts")["contracts"]
    assert [contract["start"] for contract in contracts] == ["beginning"] * 5
