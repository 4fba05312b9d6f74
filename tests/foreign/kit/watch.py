"""Watches committed offsets from outside while services run.

The promise: the committed offset never passes an unfinished event. An event is finished when its
receipt stands on its topic, so a look notes first what is committed and then how far the receipts
reach; afterwards every event below the one must have its receipt below the other.
"""

import bisect
import collections
import threading
from dataclasses import dataclass, field

from .kafka import Kafka
from .totals import RECEIPTS, Totals

AGAIN_S = 0.2


@dataclass
class Watch:
    """Looks again and again, in a thread, until stopped."""

    kafka: Kafka
    groups: tuple[str, ...]
    looks: list = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _failed: list = field(default_factory=list)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            while not self._end.wait(AGAIN_S):
                committed = {group: self.kafka.committed(group) for group in self.groups}
                self.looks.append((committed, self.kafka.ends([RECEIPTS])))
        except Exception as error:  # noqa: BLE001  `check` tells it
            self._failed.append(error)

    def check(self, totals: Totals) -> int:
        """The promise. Gives back how many looks found something committed."""
        assert not self._failed, f"watching broke off: {self._failed[0]}"
        finished = _finished(totals)
        telling = 0
        for committed, ends in self.looks:
            for group, offsets in committed.items():
                for (topic, partition), offset in offsets.items():
                    telling += offset > 0
                    for needed in finished.get((group, topic, partition), ()):
                        needed.check(offset, ends, f"{group} had committed {offset} of {topic}/{partition}")
        return telling


@dataclass
class Needed:
    """Offsets of one partition, rising, and how far one partition of receipts must reach for all
    up to each of them."""

    receipts: int
    offsets: list[int] = field(default_factory=list)
    reach: list[int] = field(default_factory=list)

    def add(self, offset: int, receipt: int) -> None:
        self.offsets.append(offset)
        self.reach.append(max(receipt, *self.reach[-1:]) if self.reach else receipt)

    def check(self, committed: int, ends: dict, what: str) -> None:
        below = bisect.bisect_left(self.offsets, committed)
        if below:
            end = ends.get((RECEIPTS, self.receipts), 0)
            assert self.reach[below - 1] < end, f"{what} while an event below had no receipt yet"


def _finished(totals: Totals) -> dict[tuple[str, str, int], list[Needed]]:
    """By group and partition, where the first receipt that ends an event stands."""
    first = {}
    for record in totals.receipt_records:
        receipt = totals.schemas.decode("quadrille.v1.Receipt", record.value)
        if totals.schemas.word(receipt, "outcome") != "OUTCOME_RETRY":
            where = (receipt.service, receipt.topic, receipt.partition, receipt.offset)
            first.setdefault(where, (record.partition, record.offset))
    needed = collections.defaultdict(dict)
    for (service, topic, partition, offset), (receipts, at) in sorted(first.items()):
        of_partition = needed[service, topic, partition]
        of_partition.setdefault(receipts, Needed(receipts)).add(offset, at)
    return {where: list(found.values()) for where, found in needed.items()}
