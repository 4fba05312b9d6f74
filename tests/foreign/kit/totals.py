"""What all records and the gateway's ledger add up to, over distinct (source, id).

Nothing here comes from our own counters. A check that fails says which orders or events it is
about, at most `SHOWN` of them.
"""

import collections
import email
import email.policy
import functools
import json
from dataclasses import dataclass
from pathlib import Path

from .kafka import Kafka, Record
from .load import Order
from .schemas import Schemas, nanos

SHOWN = 5
RECEIPT = "quadrille.v1.Receipt"
RECEIPTS = "quadrille.receipts"
CONTRACT = "quadrille.v1.ContractPublished"
CONTRACTS = "quadrille.contracts"
DONE = "OUTCOME_DONE"


@dataclass(frozen=True)
class Event:
    """A distinct event: its first record, and what that says."""

    record: Record
    payload: object

    @property
    def type(self) -> str:
        return self.record.type

    @property
    def order(self) -> str:
        return self.payload.order_id

    @property
    def flow(self) -> str:
        return self.record.header["ce_correlationid"]


class Totals:
    """All that stands on the topics, read once."""

    def __init__(self, kafka: Kafka, schemas: Schemas, topics: tuple[str, ...]):
        self.schemas = schemas
        self.topics = topics
        self.records = kafka.read(topics)
        self.receipt_records = kafka.read([RECEIPTS])
        self.contract_records = kafka.read([CONTRACTS])
        self.parked = kafka.read([topic for topic in kafka.topics() if topic.startswith("parked.")])

    # --- events ---------------------------------------------------------------------------------

    @functools.cached_property
    def events(self) -> list[Event]:
        """Distinct events of the topics, in the order of their first records."""
        return [Event(r, self.schemas.decode(r.type, r.value)) for r in _distinct(self.records)]

    def of(self, *types: str) -> list[Event]:
        """Distinct events of these types."""
        return [event for event in self.events if event.type.rpartition(".")[2] in types]

    @functools.cached_property
    def twice(self) -> dict[str, int]:
        """How many records stand on a topic beyond the first of their event."""
        counts = collections.Counter()
        for records in (self.records, self.receipt_records):
            counts.update(record.topic for record in records)
            counts.subtract(record.topic for record in _distinct(records))
        return {topic: count for topic, count in counts.items() if count}

    @functools.cached_property
    def receipts_twice(self) -> dict[str, int]:
        """How many receipts stand on their topic beyond the first, by service and outcome."""
        first, counts = set(), collections.Counter()
        for record in self.receipt_records:
            if record.event in first:
                receipt = self.schemas.decode(RECEIPT, record.value)
                counts[f"{receipt.service} {self.schemas.word(receipt, 'outcome')}"] += 1
            first.add(record.event)
        return dict(counts)

    def check_one_content(self) -> None:
        """A record that stands twice says the same twice."""
        contents = collections.defaultdict(set)
        for record in self.records:
            contents[record.event].add((record.key, record.type, record.value))
        none("events with two contents", [event for event, found in contents.items() if len(found) > 1])

    def check_flows(self) -> None:
        """All events of an order are of one flow."""
        flows = collections.defaultdict(set)
        for event in self.of_orders:
            flows[event.order].add(event.flow)
        none("orders with several flows", [order for order, found in flows.items() if len(found) > 1])

    @property
    def of_orders(self) -> list[Event]:
        return [event for event in self.events if event.record.topic != "deliveries"]

    # --- outcomes -------------------------------------------------------------------------------

    @functools.cached_property
    def outcomes(self) -> dict[str, list[Event]]:
        """By order, the events that end a flow."""
        found = collections.defaultdict(list)
        for event in self.events:
            if self.schemas.kind(event.type) == "OUTCOME":
                found[event.order].append(event)
        return found

    def outcome(self, order: str) -> str:
        """How an order ended, as HTTP says it: its status, and why it was cancelled."""
        (event,) = self.outcomes[order]
        if event.type == "orders.v1.OrderConfirmed":
            return "confirmed"
        return self.schemas.word(event.payload, "reason").removeprefix("CANCEL_REASON_").lower()

    def check_outcomes(self, orders: list[Order]) -> None:
        """Every order has exactly one outcome, and it is the one that it should have."""
        none("orders without an outcome", [o.id for o in orders if not self.outcomes.get(o.id)])
        none("orders with several outcomes", [o for o, found in self.outcomes.items() if len(found) > 1])
        none("outcomes of nobody's order", set(self.outcomes) - {order.id for order in orders})
        wrong = [(o.id, self.outcome(o.id), _expected(o)) for o in orders if self.outcome(o.id) != _expected(o)]
        none("orders that ended otherwise (order, outcome, expected)", wrong)

    def check_statuses(self, orders: list[Order], statuses: dict[str, dict]) -> None:
        """What HTTP says of an order is what its outcome says, and so is its flow."""
        wrong = []
        for order in orders:
            (event,) = self.outcomes[order.id]
            said = statuses[order.id]
            outcome = said.get("reason") if said["status"] == "cancelled" else said["status"]
            flow = event.flow
            if (outcome, said.get("flow_id")) != (self.outcome(order.id), flow):
                wrong.append((order.id, said, self.outcome(order.id), flow))
        none("orders of which HTTP says something else (order, HTTP, outcome, flow)", wrong)

    # --- stock and money ------------------------------------------------------------------------

    def check_stock(self, orders: list[Order]) -> dict[str, int]:
        """What is reserved and not released is what confirmed orders hold, of each SKU and in each
        order. Gives back the units by SKU."""
        held = collections.defaultdict(collections.Counter)
        for event in self.of("StockReserved"):
            held[event.order].update({line.sku: line.quantity for line in event.payload.lines})
        for event in self.of("StockReleased"):
            held[event.order].subtract({line.sku: line.quantity for line in event.payload.lines})
        wrong, sold = [], collections.Counter()
        for order in orders:
            wanted = order.units if self.outcome(order.id) == "confirmed" else {}
            sold.update(wanted)
            if (found := {sku: units for sku, units in held[order.id].items() if units}) != wanted:
                wrong.append((order.id, found, wanted))
        none("orders that hold the wrong goods (order, held, wanted)", wrong)
        total = sum(held.values(), collections.Counter())
        assert +total == sold, f"stock does not add up: {+total} is held, {sold} was sold"
        return dict(sold)

    def check_money(self, orders: list[Order], ledger: Path) -> int:
        """What the gateway took and did not give back is what confirmed orders cost, in all and in
        each order, to the nano. No card is charged twice. Gives back the sum in nanos."""
        entries = [json.loads(line) for line in ledger.read_text().splitlines()]
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        charges = collections.Counter(e["order_id"] for e in entries if e["kind"] == "charge")
        none("orders whose card was charged twice", [o for o, count in charges.items() if count > 1])
        none("charges for nobody's order", set(charges) - {order.id for order in orders})
        kept = collections.Counter()
        for entry in entries:
            amount = entry["units"] * 10**9 + entry["nanos"]
            if entry["kind"] == "charge":
                kept[entry["order_id"]] += amount
            elif entry["kind"] in ("refund", "void"):
                kept[entry["order_id"]] -= amount
        wrong = []
        for order in orders:
            wanted = order.total_nanos if self.outcome(order.id) == "confirmed" else 0
            if kept[order.id] != wanted:
                wrong.append((order.id, kept[order.id], wanted))
        none("orders with the wrong money (order, kept, wanted, in nanos)", wrong)
        confirmed = sum(nanos(event.payload.total) for event in self.of("OrderConfirmed"))
        assert sum(kept.values()) == confirmed, f"{sum(kept.values())} was kept, {confirmed} was confirmed"
        self._check_payments(entries)
        return confirmed

    def _check_payments(self, entries: list[dict]) -> None:
        paid = {e["order_id"]: e["payment_id"] for e in entries if e["kind"] == "charge"}
        said = self.of("OrderConfirmed", "PaymentCaptured", "PaymentRefunded")
        wrong = [(e.type, e.order) for e in said if e.payload.payment_id != paid.get(e.order)]
        none("events that name another payment than the ledger", wrong)

    # --- parcels and mails ------------------------------------------------------------------------

    def check_shipments(self, orders: list[Order], ledger: Path) -> int:
        """What the carrier took and did not bring back is one parcel of each confirmed order, and of
        no other. Gives back how many it brought back."""
        entries = [json.loads(line) for line in ledger.read_text().splitlines()]
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        recalled = {e["shipment_key"] for e in entries if e["kind"] == "recall"}
        shipped = [e for e in entries if e["kind"] == "shipment"]
        taken = collections.Counter(e["order_id"] for e in shipped)
        none("orders that were shipped twice", [o for o, count in taken.items() if count > 1])
        left = {e["order_id"]: e["shipment_id"] for e in shipped if e["key"] not in recalled}
        confirmed = {order.id for order in orders if self.outcome(order.id) == "confirmed"}
        none("orders that are confirmed or on their way, but not both", left.keys() ^ confirmed)
        refused = {e["order_id"] for e in entries if e["kind"] == "refusal"}
        none("refusals of what can be delivered", refused - {o.id for o in orders if o.is_undeliverable})
        told = {e.order: e.payload.shipment_id for e in self.of("ShipmentDispatched")}
        none("shipments that the ledger has otherwise", [o for o, shipment in left.items() if told.get(o) != shipment])
        return len(shipped) - len(left)

    def check_mails(self, orders: list[Order], mails: list[tuple[str, str]]) -> int:
        """Every customer has one mail, which says how the order ended, and the events name it. A mail
        that a crash repeated has the same Message-ID; gives back how many were."""
        subjects = dict(mails)
        told = {e.payload.message_id: e.order for e in self.of("ConfirmationSent")}
        none("mails that only the server or only the topic has", subjects.keys() ^ told.keys())
        none("orders without a mail", {order.id for order in orders} - set(told.values()))
        assert len(told) == len(set(told.values())), "somebody has two mails"
        words = {True: "is on its way", False: "is cancelled"}
        wrong = [
            (order, subjects[message])
            for message, order in told.items()
            if subjects[message] != f"Your order {order} {words[self.outcome(order) == 'confirmed']}"
        ]
        none("mails that say something else (order, subject)", wrong)
        return len(mails) - len(subjects)

    def check_nothing_leaked(self, logs: list[Path], secrets: list[str]) -> None:
        """What is sensitive stands in no log, and in no receipt."""
        for secret in secrets:
            none(f"logs with {secret}", [str(log) for log in logs if secret in log.read_text(errors="replace")])
            found = [r.event for r in self.receipt_records if secret.encode() in (r.value or b"")]
            none(f"receipts with {secret}", found)

    # --- receipts -------------------------------------------------------------------------------

    @functools.cached_property
    def receipts(self) -> list:
        """Distinct receipts."""
        return [self.schemas.decode(RECEIPT, record.value) for record in _distinct(self.receipt_records)]

    @functools.cached_property
    def reacts(self) -> dict[str, set[str]]:
        """By event type, the services whose contract reacts to it."""
        found = collections.defaultdict(set)
        for record in self.contract_records:
            contract = self.schemas.decode(CONTRACT, record.value)
            for reaction in contract.reactions:
                found[reaction.event].add(contract.service)
        return found

    def reads(self, service: str) -> set[str]:
        """The topics that a service reads, as its contract says."""
        contracts = (self.schemas.decode(CONTRACT, record.value) for record in self.contract_records)
        return {r.topic for c in contracts if c.service == service for r in c.reactions}

    @functools.cached_property
    def tally(self) -> dict[tuple[str, str], int]:
        """How many receipts there are by service and outcome."""
        return dict(
            collections.Counter((r.service, self.schemas.word(r, "outcome")) for r in self.receipts).most_common()
        )

    def check_receipts(self) -> int:
        """Every event has a DONE receipt from every service that reacts to its type, and from
        nobody else. Gives back how many that are."""
        done = {
            (r.service, r.event_source, r.event_id)
            for r in self.receipts
            if self.schemas.word(r, "outcome") == DONE
        }
        wanted = {
            (service, *event.record.event) for event in self.events for service in self.reacts[event.type]
        }
        none("events without a receipt (service, source, id)", wanted - done)
        none("receipts for what nobody has seen (service, source, id)", done - wanted)
        return len(wanted)

    def check_decided_once(self) -> None:
        """No service has handled an event twice: of the receipts that say so, each has one."""
        done = collections.Counter(
            (r.service, r.event_source, r.event_id)
            for r in self.receipts
            if self.schemas.word(r, "outcome") == DONE
        )
        none("events that were handled twice (service, source, id)", [e for e, n in done.items() if n > 1])

    def check_emitted(self) -> None:
        """What receipts say was emitted stands on topics, and what has a cause stands in receipts."""
        on_topics = {(e.type, e.record.event) for e in self.events if "ce_causationid" in e.record.header}
        told = {
            (emitted.type, (f"/quadrille/{r.service}", emitted.id)) for r in self.receipts for emitted in r.emitted
        }
        none("events that receipts name and no topic has", told - on_topics)
        none("events with a cause that no receipt names", on_topics - told)
        causes = {"", *(event.record.event[1] for event in self.events)}
        orphans = [e.record.event for e in self.events if e.record.header.get("ce_causationid", "") not in causes]
        none("events whose cause stands on no topic", orphans)


def _expected(order: Order) -> str:
    if order.withdrawn:
        return "withdrawn"
    if order.is_declined:
        return "payment_declined"
    return "shipment_failed" if order.is_undeliverable else "confirmed"


def _distinct(records: list[Record]) -> list[Record]:
    first = {}
    for record in records:
        first.setdefault(record.event, record)
    return list(first.values())


def none(what: str, found) -> None:
    found = sorted(found)
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    assert not found, f"{len(found)} {what}: {found[:SHOWN]}{more}"


def files(folder: Path) -> list[tuple[str, str]]:
    """Message-ID and subject of every mail that became a file."""
    found = []
    for file in folder.glob("*.eml"):
        mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        found.append((mail["Message-ID"], mail["Subject"]))
    return found
