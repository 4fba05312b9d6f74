"""What the services tell of themselves, in a real OTLP receiver and in Zipkin."""

import collections
import contextlib
import json
import re
import signal
import urllib.request

import pytest
from kit import ids
from kit.hall import SERVICES, Hall
from kit.load import BAD_CARDS, EMAIL, GOOD_CARD, Customers, orders
from kit.otlp import FLOW, Bridge, Collector, Zipkin
from kit.processes import free_port
from kit.wait import until

# What an order that goes the straight way makes: service and name of each span.
STRAIGHT = sorted(
    [
        ("orders", "send orders"),
        ("orders", "process orders"),
        ("inventory", "process orders"),
        ("inventory", "send inventory"),
        ("payments", "process inventory"),
        ("payments", "send payments"),
        ("shipping", "process payments"),
        ("shipping", "send shipping"),
        ("orders", "process shipping"),
        ("orders", "send orders"),
        ("notifications", "process orders"),
        ("notifications", "send notifications"),
    ]
)
# One for the request, and one for each reaction.
TRACES_OF_LINKS = 7
ORDERS = 20
USERS = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def bridge():
    """Reads what a collector hands on."""
    with contextlib.closing(Bridge()) as bridge:
        yield bridge


def flags(endpoint: str, *more: str) -> tuple[str, ...]:
    """Options with which a service tells a collector, and does not wait long for company."""
    told = (f"endpoint=http://{endpoint}", "spans_delay_ms=100", "metrics_interval_ms=500", "lag_interval_ms=500", *more)
    return tuple(f"--set=telemetry.{option}" for option in told)


def whole(bridge: Bridge, flow: str):
    """The spans of a flow, once all of them have come."""

    def look():
        spans = bridge.of_flow(flow)
        return len(spans) >= len(STRAIGHT) and spans or f"not yet: {sorted((s.service, s.name) for s in spans)}"

    spans = until(f"the spans of flow {flow}", look)
    assert sorted((span.service, span.name) for span in spans) == STRAIGHT
    return spans


@pytest.mark.parametrize("mode", ["auto", "parent", "link"])
def test_a_collector_gets_the_whole_order(kafka, folder, bridge, tell, mode):
    """Shows names, kinds, parents, links and the flow's id on the spans of each mode, from services that
    send over gRPC and one that sends over HTTP, and nothing of a customer's in any of it."""
    # Given services that tell a collector, when orders are placed.
    collector = Collector(folder, bridge)
    hall = Hall(kafka, folder, flags=flags(f"127.0.0.1:{collector.grpc}", f"trace_mode={mode}"))
    hall.notifications.stop()
    over_http = flags(f"127.0.0.1:{collector.http}", f"trace_mode={mode}", "protocol=http")
    hall.start("notifications", *over_http).until_ready()
    placed = orders(ORDERS, prefix=mode, declined=0)
    Customers(hall.door, placed).start().join(60)

    # Then the collector has every span of each of them.
    for order in placed:
        spans = whole(bridge, ids.flow_of_order(order.id))
        check_tree(spans, mode)
    metrics = ["messaging.process.duration", "messaging.client.sent.messages", "bus.consumer.lag", "bus.consumer.lag.time"]
    until("metrics have come", lambda: bridge.metrics.issuperset(metrics))
    hall.stop()
    told = "\n".join(bridge.raw)
    for secret in (EMAIL, GOOD_CARD, *BAD_CARDS):
        assert secret not in told, f"{secret} was told"
    tell(f"{len(bridge.spans)} spans, {len(bridge.metrics)} metrics, {len(told) >> 10} KiB of OTLP as JSON")


def check_tree(spans: list, mode: str) -> None:
    """Who stands below whom, and who links to whom."""
    by_id = {span.id: span for span in spans}
    assert len(by_id) == len(spans)
    roots = [span for span in spans if not span.parent]
    for span in spans:
        assert not span.failed
        assert span.schema == "https://opentelemetry.io/schemas/1.45.0"
        assert span.attributes["messaging.system.name"] == "kafka"
        parent = by_id.get(span.parent)
        if span.is_send:
            assert not span.links
            assert parent is None or (parent.trace, parent.service) == (span.trace, span.service)
            continue
        assert span.kind == "CONSUMER"
        (link,) = span.links
        sent = by_id[link.id]
        assert (link.trace, link.kind) == (sent.trace, "publish")
        assert sent.attributes["messaging.message.id"] == span.attributes["messaging.message.id"]
        assert sent.attributes["kafka.offset"] == span.attributes["kafka.offset"]
        if mode == "link":
            assert not span.parent and span.trace != sent.trace
        else:
            assert span.parent == sent.id and span.trace == sent.trace
    expected = TRACES_OF_LINKS if mode == "link" else 1
    assert len(roots) == len({span.trace for span in spans}) == expected


def test_a_request_that_is_in_a_trace_is_the_parent_of_all(kafka, folder, bridge):
    """Shows W3C Trace Context from the HTTP door through Kafka to the last service."""
    collector = Collector(folder, bridge)
    hall = Hall(kafka, folder, flags=flags(f"127.0.0.1:{collector.grpc}"))
    (order,) = orders(1, prefix="traced", declined=0)
    headers = {"content-type": "application/json", "traceparent": f"00-{USERS}-b7ad6b7169203331-01", "tracestate": "shop=1"}
    place(hall, order, headers)
    spans = whole(bridge, ids.flow_of_order(order.id))
    assert {span.trace for span in spans} == {USERS}
    (first,) = [span for span in spans if span.parent == "b7ad6b7169203331"]
    assert (first.service, first.name) == ("orders", "send orders")


def test_a_collector_that_is_away_holds_nothing_up(kafka, folder, bridge, tell):
    """Shows that orders go on, that each service warns once, and that spans come again with the collector."""
    # Given a collector that is not there yet, when orders are placed.
    grpc = free_port()
    hall = Hall(kafka, folder, flags=flags(f"127.0.0.1:{grpc}"))
    placed = orders(ORDERS, prefix="alone", declined=0)
    Customers(hall.door, placed).start().join(60)
    until("nothing is left to do", lambda: hall.lag() == 0)
    for service in hall.services:
        service.says("cannot send telemetry")
    # When it comes, then what happens from then on is told.
    Collector(folder, bridge, grpc=grpc)
    (late,) = orders(1, prefix="late", declined=0)
    for service in hall.services:
        service.says("telemetry is sent again")
    Customers(hall.door, [late]).start().join(60)
    whole(bridge, ids.flow_of_order(late.id))
    exits = hall.stop()
    assert {name: code for name, (code, _) in exits.items()} == dict.fromkeys(SERVICES, 0)
    warned = {service.name: len(re.findall("cannot send telemetry", service.text)) for service in hall.services}
    # Once for spans, once for metrics.
    assert all(count <= 2 for count in warned.values()), warned
    tell(f"warnings of a collector that was away: {warned}")


def test_a_killed_service_leaves_trees_that_hang_together(kafka, folder, bridge, tell):
    """Shows that what a service had decided when it was killed is sent by its next life under the ids that
    the records promise, below the attempt that decided it, in the same trace."""
    collector = Collector(folder, bridge)
    state = folder / "state"
    hall = Hall(kafka, folder, state=state, flags=flags(f"127.0.0.1:{collector.grpc}"))
    hall.inventory.stop()
    doomed = hall.start("inventory", "--set=fault.kill_at=committed:10", log="doomed")
    doomed.until_ready()
    placed = orders(ORDERS, prefix="killed", declined=0)
    Customers(hall.door, placed).start().join(60)
    assert doomed.end() == -signal.SIGKILL
    hall.start("inventory").until_ready()
    sends = sorted(name for _, name in STRAIGHT if name.startswith("send "))
    lost = 0
    for order in placed:
        flow = ids.flow_of_order(order.id)

        def look(flow=flow):
            spans = bridge.of_flow(flow)
            found = sorted({(s.id, s.name) for s in spans if s.is_send}, key=lambda pair: pair[1])
            return [name for _, name in found] == sends and spans or f"not yet: {found}"

        # Spans that were made and not sent yet have died with it; those of its records have not.
        spans = until(f"every record of {order.id} has its span", look)
        assert len({span.trace for span in spans}) == 1
        ids_of = {span.id for span in spans}
        assert len([span for span in spans if not span.parent]) == 1
        lost += len({span.parent for span in spans if span.parent} - ids_of)
        for span in spans:
            assert all(link.id in ids_of for link in span.links)
    hall.stop()
    tell(f"{len(placed)} orders, inventory killed once: {lost} spans of attempts died with it")


def test_prometheus_can_read_every_service(kafka, folder):
    """Shows the text form of the health ports, with lag in events and in seconds, without an endpoint."""
    hall = Hall(kafka, folder, flags=("--set=telemetry.lag_interval_ms=200",))
    for service in hall.services:
        samples(service)
    placed = orders(ORDERS, prefix="scraped", declined=0)
    Customers(hall.door, placed).start().join(60)
    until("nothing is left to do", lambda: hall.lag() == 0)
    for service in hall.services:

        def look(service=service):
            found = samples(service)
            lag = found.get("bus_consumer_lag"), found.get("bus_consumer_lag_time_seconds")
            done = all(lag) and not any(value for values in lag for value in values.values())
            return done and found or f"not yet: {lag}"

        found = until(f"{service.name} has no lag", look)
        handled = sum(found["messaging_process_duration_seconds_count"].values())
        assert handled >= ORDERS, f"{service.name}: {handled}"
        assert all("scraped-" not in labels for values in found.values() for labels in values)
    hall.stop()


def samples(service) -> dict[str, dict[str, float]]:
    """The samples of a health port: value by labels, by name."""
    with urllib.request.urlopen(f"http://{service.health}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4"
        text = answer.read().decode()
    found = collections.defaultdict(dict)
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)", line).groups()
            found[name][labels or ""] = float(value)
    return found


def test_zipkin_finds_an_order_by_its_flow(kafka, folder, tell):
    """Shows that one query by conversation id finds the whole order, also where it is of many traces."""
    zipkin = Zipkin(folder)
    with contextlib.closing(Bridge(zipkin.url)) as bridge:
        collector = Collector(folder, bridge)
        hall = Hall(kafka, folder, flags=flags(f"127.0.0.1:{collector.grpc}", "trace_mode=link"))
        placed = orders(3, prefix="zipkin", declined=0)
        Customers(hall.door, placed).start().join(60)
        for order in placed:
            flow = ids.flow_of_order(order.id)
            whole(bridge, flow)

            def look(flow=flow):
                traces = zipkin.traces(f"{FLOW}={flow}")
                spans = [span for trace in traces for span in trace]
                return len(spans) >= len(STRAIGHT) and traces or f"not yet: {len(spans)} spans"

            traces = until("zipkin has the flow", look)
            assert len(traces) == TRACES_OF_LINKS
            spans = [span for trace in traces for span in trace]
            assert len(spans) == len(STRAIGHT)
            assert {span["tags"][FLOW] for span in spans} == {flow}
            assert {span["localEndpoint"]["serviceName"] for span in spans} == set(SERVICES)
            linked = [span for span in spans if span["kind"] == "CONSUMER"]
            assert all(span["tags"]["link.0"].startswith("publish ") for span in linked)
        hall.stop()
    tell(f"{len(placed)} orders were found in zipkin, {len(spans)} spans in {len(traces)} traces each")


def place(hall: Hall, order, headers: dict) -> None:
    """Places an order with headers of the customer's own."""
    request = urllib.request.Request(f"http://{hall.door}/orders", json.dumps(order.body()).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201
