"""Customers: they place orders over HTTP, many at once, and some change their minds."""

import http.client
import itertools
import json
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .wait import LOOK_AGAIN_S

# Where orders are placed: one address, or who says where that is just now.
Door = str | Callable[[], str]
GOOD_CARD = "4242424242424242"
# As the gateway's README says; the last one has a wrong check digit.
BAD_CARDS = ("4000000000000002", "4000000000009995", "4000000000000069", "4242424242424241")
CUSTOMERS = 50
# Ends the id of an order that cannot be delivered, as the carrier's README says.
NOWHERE = "-nowhere"
EMAIL = "ada@example.org"
# Of a hundred orders.
DECLINED = 5
UNDELIVERABLE = 3
WITHDRAWN = 2
# The soonest and the latest that a customer thinks better of it.
REGRET_S = (0.001, 4.0)
# Orders of which nobody thinks better any more: the last share of them all.
CALM = 0.2
# One request, its repetitions aside.
ANSWER_S = 60
# One request, with its repetitions: longer than a broker is away.
PATIENCE_S = 240


@dataclass
class Order:
    """An order as the customer remembers it."""

    id: str
    lines: list[tuple[str, int, int, int]]  # SKU, pieces, units and nanos of one piece's price
    card: str = GOOD_CARD
    # Seconds after which the customer withdraws it; None: never.
    regret_s: float | None = None
    # Whether the withdrawal was accepted.
    withdrawn: bool = False
    # How it had ended when the withdrawal came too late.
    too_late: str | None = None
    tries: int = 0

    @property
    def is_declined(self) -> bool:
        return self.card != GOOD_CARD

    @property
    def is_undeliverable(self) -> bool:
        return not self.is_declined and self.id.endswith(NOWHERE)

    @property
    def total_nanos(self) -> int:
        return sum(pieces * (units * 10**9 + nanos) for _, pieces, units, nanos in self.lines)

    @property
    def units(self) -> dict[str, int]:
        """Pieces by SKU."""
        pieces = {}
        for sku, count, *_ in self.lines:
            pieces[sku] = pieces.get(sku, 0) + count
        return pieces

    def body(self) -> dict:
        """What is sent."""
        lines = [
            {
                "sku": sku,
                "quantity": pieces,
                "unit_price": {"currency_code": "EUR", "units": units, "nanos": nanos},
            }
            for sku, pieces, units, nanos in self.lines
        ]
        return {
            "order_id": self.id,
            "customer_id": f"customer-{self.id}",
            "email": EMAIL,
            "lines": lines,
            "card_number": self.card,
        }


def orders(count: int, prefix: str = "order", seed: int = 4711, declined: int = DECLINED) -> list[Order]:
    """Orders with prices to the nano, of which exactly `declined` in a hundred cannot be paid and, where
    any cannot, exactly `UNDELIVERABLE` in a hundred cannot be delivered."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        skus = chance.choices(("tea", "coffee", "cocoa"), k=chance.randint(1, 3))
        lines = [(sku, chance.randint(1, 4), chance.randint(0, 90), chance.randint(1, 999_999_999)) for sku in skus]
        made.append(Order(f"{prefix}-{number:06}", lines))
    bad, lost = count * declined // 100, count * UNDELIVERABLE // 100 if declined else 0
    chosen = chance.sample(made, bad + lost)
    for nth, order in enumerate(chosen[:bad]):
        order.card = BAD_CARDS[nth % len(BAD_CARDS)]
    for order in chosen[bad:]:
        order.id += NOWHERE
    return made


@dataclass
class Customers:
    """Places orders, `CUSTOMERS` at a time. Exactly `withdrawals` of them are withdrawn: where one
    comes too late, somebody else thinks better of it."""

    door: Door
    orders: list[Order]
    withdrawals: int = 0
    seed: int = 4711
    # How many may be placed by now.
    allowed: float = math.inf
    placed: int = 0
    repeated: int = 0
    began: float = 0.0
    ended: float = 0.0
    _left: list = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list = field(default_factory=list)
    _failed: list = field(default_factory=list)

    def start(self) -> "Customers":
        """Begins, in threads."""
        self._choose()
        self._left = list(reversed(self.orders))
        self.began = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CUSTOMERS)]
        for thread in self._threads:
            thread.start()
        return self

    def join(self, seconds: float) -> "Customers":
        """Waits until all is placed."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), (
            f"{self.placed} of {len(self.orders)} orders were placed in {seconds:.0f} s"
        )
        self.check()
        self.ended = time.monotonic()
        return self

    def check(self) -> None:
        """Nobody has got an answer that makes no sense."""
        assert not self._failed, self._failed[0]

    @property
    def accepted(self) -> list[Order]:
        """The orders that were withdrawn."""
        return [order for order in self.orders if order.withdrawn]

    def _choose(self) -> None:
        """Says who may think better of it, and when: from at once to some seconds."""
        chance = random.Random(self.seed)
        payable = [order for order in self.orders if not order.is_declined]
        early = payable[: int(len(payable) * (1 - CALM))]
        # More than are wanted, for some will come too late.
        for order in chance.sample(early, min(len(early), self.withdrawals * 4)):
            order.regret_s = math.exp(chance.uniform(math.log(REGRET_S[0]), math.log(REGRET_S[1])))
        # At the end whoever still may does it at once.
        for order in payable[int(len(payable) * (1 - CALM / 2)) :]:
            order.regret_s = 0.0
        self._slots = self.withdrawals

    def _work(self) -> None:
        client = Client(self.door)
        try:
            while True:
                with self._lock:
                    if not self._left or self._failed:
                        return
                    held = len(self.orders) - len(self._left) >= self.allowed
                    order = None if held else self._left.pop()
                if order is None:
                    time.sleep(LOOK_AGAIN_S)
                    continue
                self._place(client, order)
                if order.regret_s is not None and self._take_slot():
                    time.sleep(order.regret_s)  # the story, not a wait for anything
                    self._withdraw(client, order)
        except Exception as error:  # noqa: BLE001  whatever it was, `join` tells it
            self._failed.append(error)
        finally:
            client.close()

    def _place(self, client: "Client", order: Order) -> None:
        status, body, tries = client.ask("POST", "/orders", order.body())
        order.tries = tries
        # 200: an earlier try had been taken, and only its answer was lost.
        assert status == 201 or (status == 200 and tries > 1), f"placing {order.id}: {status} {body}"
        with self._lock:
            self.placed += 1
            self.repeated += tries - 1

    def _withdraw(self, client: "Client", order: Order) -> None:
        status, body, tries = client.ask("POST", f"/orders/{order.id}/withdraw", {"reason": "bought twice"})
        if status == 202 or (status == 200 and tries > 1):
            order.withdrawn = True
            return
        assert status == 409, f"withdrawing {order.id}: {status} {body}"
        order.too_late = body["order"]["status"]
        with self._lock:
            self._slots += 1

    def _take_slot(self) -> bool:
        with self._lock:
            if self._slots == 0:
                return False
            self._slots -= 1
            return True


def statuses(door: Door, wanted: list[Order]) -> dict[str, dict]:
    """Reads each order over HTTP."""
    found = {}
    left = iter(wanted)
    lock = threading.Lock()

    def work():
        client = Client(door)
        while True:
            with lock:
                batch = list(itertools.islice(left, 20))
            if not batch:
                return client.close()
            for order in batch:
                status, body, _ = client.ask("GET", f"/orders/{order.id}")
                found[order.id] = body if status == 200 else {"status": f"HTTP {status}: {body}"}

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Client:
    """Asks over one connection, which is made again where it breaks."""

    def __init__(self, door: Door):
        self._door = door
        self._connection = None

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def ask(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict, int]:
        """Asks until there is an answer that means something: status, body, number of tries."""
        deadline = time.monotonic() + PATIENCE_S
        for tries in itertools.count(1):
            try:
                status, answer, after_s = self.once(method, path, body)
                if status != 503:
                    return status, answer, tries
                why = answer
            except (OSError, http.client.HTTPException) as error:
                self.close()
                after_s, why = 0.2, error
            assert time.monotonic() < deadline, f"{method} {path} got no answer in {PATIENCE_S} s: {why}"
            time.sleep(after_s)  # as Retry-After asks

    def once(self, method: str, path: str, body: dict | None = None) -> tuple[int, dict, float]:
        """Asks once: status, body, and the seconds to wait before asking again."""
        if not self._connection:
            door = self._door if isinstance(self._door, str) else self._door()
            self._connection = http.client.HTTPConnection(door, timeout=ANSWER_S)
        headers = {"content-type": "application/json"} if body is not None else {}
        self._connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text), float(answer.headers.get("Retry-After", 0))
