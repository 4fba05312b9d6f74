"""Orders go in over HTTP, independent processes react to each other, and all of it adds up."""

import os
import time

from kit.hall import READS, SERVICES, TOPICS, Hall
from kit.load import DECLINED, WITHDRAWN, Customers, orders, statuses
from kit.totals import Totals
from kit.wait import until_still
from kit.watch import Watch

ORDERS = int(os.environ.get("QUADRILLE_ORDERS", "10000"))
# Longest stretch in which nothing at all moves on.
STANDSTILL_S = 60


def test_every_order_ends_once_and_all_adds_up(kafka, schemas, folder, tell):
    """Shows totals over orders of which 5 in a hundred are declined and 2 withdrawn."""
    # Given services as processes of their own, and customers with cards of both kinds.
    hall = Hall(kafka, folder)
    placed = orders(ORDERS)
    customers = Customers(hall.door, placed, withdrawals=ORDERS * WITHDRAWN // 100)

    # When all of them order at once, and some think better of it.
    with Watch(kafka, SERVICES) as watch:
        customers.start().join(600 + ORDERS / 10)
        until_still("records that no service has finished", hall.lag, STANDSTILL_S)
        ended = time.monotonic()
    said = statuses(hall.door, placed)
    exits = hall.stop()

    # Then every order has one outcome, and everybody says the same of it.
    totals = Totals(kafka, schemas, TOPICS)
    declined = [order for order in placed if order.is_declined]
    assert len(declined) == ORDERS * DECLINED // 100
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
    refunded, spared = len(totals.of("PaymentRefunded")), len(customers.accepted)
    tell(f"of those withdrawn {refunded} were refunded and {spared - refunded} never charged")
    tell(f"{len(late)} withdrawals came too late, {customers.repeated} requests were repeated")
    tell(f"sold {sold}, kept EUR {kept // 10**9}.{kept % 10**9:09}")
    events = len(totals.of_orders)
    placing, all_in_all = customers.ended - customers.began, ended - customers.began
    tell(f"{events} events in {all_in_all:.1f} s: {events / all_in_all:.0f} events/s")
    tell(f"{len(placed) / placing:.0f} orders/s were placed by {placing:.1f} s")
    tell(f"{receipts} receipts wanted and there: {totals.tally}")
    tell(f"records that stood twice: {totals.twice or 'none'}; {looks} looks at committed offsets")
