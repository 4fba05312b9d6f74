"""The services' databases, as SQL shows them to anybody who may read the files."""

import collections
import contextlib
import json
import os
import random
import shutil
import sqlite3
from pathlib import Path

from .hall import PLENTY, SERVICES, STOCK
from .load import Order
from .totals import Totals, none

# Bytes before the first frame of a write-ahead log, and before the page in each frame.
LOG_HEAD, FRAME_HEAD = 32, 24


def file_of(state: Path, service: str) -> Path:
    """Where a service keeps what it remembers."""
    return state / f"{service}.sqlite"


def ask(state: Path, service: str, sql: str, *values) -> list[tuple]:
    """All rows of a question that changes nothing."""
    address = f"file:{file_of(state, service)}?mode=ro"
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
        return database.execute(sql, values).fetchall()


def records(state: Path, service: str, kind: str) -> dict[str, dict]:
    """Records of a kind by key."""
    sql = "select key, json from quadrille_record where kind = ? and json is not null"
    return {key: json.loads(text) for key, text in ask(state, service, sql, kind)}


def waiting(state: Path, service: str) -> int:
    """Rows of the outbox."""
    return ask(state, service, "select count(*) from quadrille_outbox")[0][0]


def inbox(state: Path, service: str) -> set[tuple[str, str]]:
    """Source and id of each event that the service has handled."""
    return set(ask(state, service, "select source, id from quadrille_inbox"))


def owners(state: Path, service: str) -> list[str]:
    """Names of the files by which processes say that rows of the outbox are theirs."""
    prefix = f"{service}.sqlite-owner-"
    return [name.removeprefix(prefix) for name in os.listdir(state) if name.startswith(prefix)]


# --- totals ---------------------------------------------------------------------------------------


def check(state: Path, totals: Totals, orders: list[Order]) -> None:
    """After the services have ended: all databases are sound, nothing waits in them, and what they
    remember is what stands on the topics, to the unit and to the nano."""
    for service in SERVICES:
        check_sound(state, service)
        assert waiting(state, service) == 0, f"{service} has rows left in its outbox"
        keys = ask(state, service, "select count(*) from quadrille_outbox_key")[0][0]
        assert keys == 0, f"{service} has keys of rows that are gone"
    confirmed = {order.id: order for order in orders if totals.outcome(order.id) == "confirmed"}
    _check_orders(state, totals, orders)
    _check_stock(state, confirmed)
    _check_money(state, totals, confirmed)
    _check_shipments(state, confirmed)
    told = records(state, "notifications", "told")
    none("orders whose customers only one of table and topic has", told.keys() ^ {e.order for e in totals.of("ConfirmationSent")})


def check_sound(state: Path, service: str) -> None:
    """SQLite finds nothing wrong."""
    said = ask(state, service, "pragma integrity_check")
    assert said == [("ok",)], f"the database of {service} is damaged: {said[:3]}"


def _check_orders(state: Path, totals: Totals, orders: list[Order]) -> None:
    kept = records(state, "orders", "order")
    wrong = [
        (order.id, kept.get(order.id, {}).get("outcome"), totals.outcome(order.id))
        for order in orders
        if kept.get(order.id, {}).get("outcome") != totals.outcome(order.id)
    ]
    none("orders of which the table says something else (order, table, outcome)", wrong)
    none("orders in the table that nobody placed", set(kept) - {order.id for order in orders})


def _check_stock(state: Path, confirmed: dict[str, Order]) -> None:
    held = records(state, "inventory", "reservation")
    held = {order: kept["units"] for order, kept in held.items() if kept["held"]}
    wanted = {order.id: order.units for order in confirmed.values()}
    wrong = [(o, held.get(o), wanted.get(o)) for o in held.keys() | wanted.keys() if held.get(o) != wanted.get(o)]
    none("orders that hold other goods in the table (order, table, wanted)", wrong)
    sold = sum((collections.Counter(units) for units in wanted.values()), collections.Counter())
    shelf = records(state, "inventory", "item")
    wanted = {sku: {"on_hand": PLENTY, "reserved": sold[sku]} for sku in STOCK}
    assert shelf == wanted, f"the shelf in the table is {shelf}, not {wanted}"


def _check_money(state: Path, totals: Totals, confirmed: dict[str, Order]) -> None:
    kept = records(state, "payments", "payment")
    taken = {
        order: payment["units"] * 10**9 + payment["nanos"]
        for order, payment in kept.items()
        if payment["status"] == "captured"
    }
    wanted = {order.id: order.total_nanos for order in confirmed.values()}
    wrong = [(o, taken.get(o), wanted.get(o)) for o in taken.keys() | wanted.keys() if taken.get(o) != wanted.get(o)]
    none("orders with other money in the table (order, table, wanted, in nanos)", wrong)
    refunded = {order for order, payment in kept.items() if payment["status"] == "refunded"}
    told = {event.order for event in totals.of("PaymentRefunded")}
    none("refunds that only the table or only the topic has", refunded ^ told)


def _check_shipments(state: Path, confirmed: dict[str, Order]) -> None:
    kept = records(state, "shipping", "shipment")
    dispatched = {order for order, shipment in kept.items() if shipment["status"] == "dispatched"}
    none("orders that are confirmed or dispatched in the table, but not both", dispatched ^ confirmed.keys())


# --- copies ---------------------------------------------------------------------------------------


def copy(state: Path, to: Path, chance: random.Random, torn: bool) -> list[str]:
    """Copies databases as a power cut leaves them: the file of shared memory may be there or not,
    and behind the last whole frame of a log there may be anything. Says what it added."""
    shutil.copytree(state, to)
    added = []
    for service in SERVICES:
        shared = to / f"{service}.sqlite-shm"
        if chance.random() < 0.5:
            shared.unlink(missing_ok=True)
        log = to / f"{service}.sqlite-wal"
        if torn and log.exists() and log.stat().st_size > LOG_HEAD:
            added.append(f"{service}: {_tear(log, chance)}")
    return added


def _tear(log: Path, chance: random.Random) -> str:
    """Adds to a log what a write may leave that was cut off."""
    whole = log.read_bytes()
    frame = FRAME_HEAD + int.from_bytes(whole[8:12], "big")
    length = chance.randint(1, 2 * frame)
    what, tail = chance.choice(
        [
            ("zeros", bytes(length)),
            ("garbage", chance.randbytes(length)),
            ("a part of a frame", whole[-frame:][: chance.randint(1, frame - 1)]),
            ("a frame with wrong sums", whole[-frame:-8] + chance.randbytes(8)),
        ]
    )
    with log.open("ab") as end:
        end.write(tail)
    return f"{len(tail)} bytes of {what}"
