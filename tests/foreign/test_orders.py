"""Orders go in over HTTP, independent processes react to each other, and all of it adds up."""

import collections
import contextlib
import os
import shutil
import time
import urllib.request

from kit.hall import READS, SERVICES, TOPICS, Hall
from kit.load import BAD_CARDS, DECLINED, EMAIL, GOOD_CARD, UNDELIVERABLE, WITHDRAWN, Customers, orders, statuses
from kit.otlp import Sink
from kit.processes import ALL, Mailpit
from kit.totals import Totals, files
from kit.wait import until_still
from kit.watch import Watch

ORDERS = int(os.environ.get("QUADRILLE_ORDERS", "10000"))
# Longest stretch in which nothing at all moves on.
STANDSTILL_S = 60


def test_every_order_ends_once_and_all_adds_up(kafka, schemas, folder, tell):
    """Shows totals over orders of which 5 in a hundred are declined, 3 cannot be delivered and 2 are
    withdrawn, while every service tells of all that it does."""
    # Given services as processes of their own, a real mail server where there is one, a receiver of spans
    # and metrics, and customers with cards of both kinds.
    program = os.environ.get("QUADRILLE_MAILPIT") or shutil.which("mailpit")
    mailpit = Mailpit(program, folder) if program else None
    if not mailpit:
        tell("no mailpit: mails became files; put it into PATH, or name it by QUADRILLE_MAILPIT")
    with contextlib.closing(Sink()) as sink:
        flags = [f"--set=telemetry.{option}" for option in (f"endpoint={sink.url}", "protocol=http", "spans_queue_max=100000")]
        hall = Hall(kafka, folder, smtp=mailpit.smtp if mailpit else "", flags=tuple(flags))
        run(kafka, schemas, hall, mailpit, sink, tell)


def run(kafka, schemas, hall, mailpit, sink, tell):
    """Places the orders, waits for their ends, and looks at all that is left of them."""
    placed = orders(ORDERS)
    customers = Customers(hall.door, placed, withdrawals=ORDERS * WITHDRAWN // 100)

    # When all of them order at once, and some think better of it.
    with Watch(kafka, SERVICES) as watch:
        customers.start().join(600 + ORDERS / 10)
        until_still("records that no service has finished", hall.lag, STANDSTILL_S)
        ended = time.monotonic()
    said = statuses(hall.door, placed)
    scraped = [urllib.request.urlopen(f"http://{service.health}/metrics", timeout=10).read() for service in hall.services]
    exits = hall.stop()

    # Then every order has one outcome, and everybody says the same of it.
    totals = Totals(kafka, schemas, TOPICS)
    declined = [order for order in placed if order.is_declined]
    assert len(declined) == ORDERS * DECLINED // 100
    lost = [order for order in placed if order.is_undeliverable]
    assert len(lost) == ORDERS * UNDELIVERABLE // 100
    # A withdrawal may come too late on a quick machine: it was asked for all the same.
    asked = [order for order in placed if order.withdrawn or order.too_late]
    assert len(asked) >= ORDERS * WITHDRAWN // 100
    assert 0 < len(customers.accepted) <= ORDERS * WITHDRAWN // 100
    totals.check_outcomes(placed)
    totals.check_statuses(placed, said)
    totals.check_flows()
    # And goods and money add up, to the unit and to the nano.
    sold = totals.check_stock(placed)
    kept = totals.check_money(placed, hall.gateway.ledger)
    # And so do parcels, and every customer is told once.
    recalled = totals.check_shipments(placed, hall.carrier.ledger)
    repeated = totals.check_mails(placed, mailpit.mails() if mailpit else files(hall.mails))
    # And what is sensitive is where it must be, and nowhere else.
    secrets = [EMAIL, GOOD_CARD, *BAD_CARDS]
    totals.check_nothing_leaked([process.log for process in ALL if process is not mailpit], secrets)
    told = [body for exports in (*sink.raw.values(), scraped) for body in exports]
    assert all(sink.raw.values()) and all(scraped) and not sink.failed
    assert not [secret for secret in secrets if any(secret.encode() in body for body in told)]
    # And each record and each attempt has its span, in its flow.
    spans, wanted = sink.flows(), collections.Counter(event.flow for event in totals.events)
    wanted.update(receipt.flow_id for receipt in totals.receipts)
    assert spans == wanted
    # And everything that happened is told of.
    assert {service: totals.reads(service) for service in READS} == {s: set(t) for s, t in READS.items()}
    receipts = totals.check_receipts()
    totals.check_emitted()
    totals.check_one_content()
    assert totals.parked == []
    # And no offset was ever committed too early, and all are committed in the end.
    looks = watch.check(totals)
    assert looks > 0
    assert {name: code for name, (code, _) in exits.items()} == dict.fromkeys(SERVICES, 0)
    for service, topics in READS.items():
        ends = {part: end for part, end in kafka.ends(topics).items() if end}
        assert kafka.committed(service) == ends, f"{service} has not committed all that it finished"

    tell(f"{len(placed)} orders, {len(declined)} declined, {len(customers.accepted)} withdrawn")
    late = [order for order in placed if order.too_late]
    of_withdrawn = {order.id for order in customers.accepted}
    refunded = [event for event in totals.of("PaymentRefunded") if event.order in of_withdrawn]
    tell(f"of those withdrawn {len(refunded)} were refunded, {recalled} of them called back from the carrier")
    tell(f"{len(lost)} could not be delivered, {len(totals.of('ShipmentFailed'))} shipments failed")
    where = "a mail server" if mailpit else "files"
    tell(f"{len(totals.of('ConfirmationSent'))} mails in {where}, {repeated} of them twice")
    tell(f"{len(late)} withdrawals came too late, {customers.repeated} requests were repeated")
    tell(f"sold {sold}, kept EUR {kept // 10**9}.{kept % 10**9:09}")
    events = len(totals.of_orders)
    placing, all_in_all = customers.ended - customers.began, ended - customers.began
    tell(f"{events} events in {all_in_all:.1f} s: {events / all_in_all:.0f} events/s")
    tell(f"{len(placed) / placing:.0f} orders/s were placed by {placing:.1f} s")
    tell(f"{spans.total()} spans in {sum(map(len, told)) >> 20} MiB of OTLP and metrics, none with an address or a card")
    tell(f"{receipts} receipts wanted and there: {totals.tally}")
    tell(f"records that stood twice: {totals.twice or 'none'}; {looks} looks at committed offsets")
