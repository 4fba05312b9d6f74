"""A real Kafka as a process, and what a foreign client sees of it."""

import functools
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from .wait import until

REPOSITORY = Path(__file__).resolve().parents[3]
SCRIPT = REPOSITORY / "deploy" / "kafka" / "kafka.sh"
ANSWER_S = 30
# librdkafka tells of every connection that it loses; here brokers are killed on purpose.
QUIET = 2


@dataclass(frozen=True)
class Record:
    """One record as it stands on a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @functools.cached_property
    def header(self) -> dict[str, str]:
        """Headers as text."""
        return {name: value.decode() for name, value in self.headers}

    @property
    def event(self) -> tuple[str | None, str | None]:
        """What tells one event from another: source and id."""
        return self.header.get("ce_source"), self.header.get("ce_id")

    @property
    def type(self) -> str | None:
        """Full name of the event's type."""
        return self.header.get("ce_type")

    @property
    def at(self) -> tuple[str, int, int]:
        """Where it stands."""
        return self.topic, self.partition, self.offset


class Kafka:
    """A cluster of one broker with a folder of its own."""

    def __init__(self, folder: Path, *properties: str):
        self.folder = folder
        self._properties = [f"--set={line}" for line in properties]
        self.address = ""

    # --- the process ----------------------------------------------------------------------------

    def start(self) -> "Kafka":
        """Starts it, on the port that it had before, and waits until it answers."""
        self.address = self._script("start", *self._properties).strip()
        # One that lost its broker in the middle of a question goes on waiting for the answer.
        self.__dict__.pop("admin", None)
        return self

    def stop(self) -> None:
        """Lets it end in good order."""
        self._script("stop")

    def wipe(self) -> None:
        """Ends it and deletes all that it has, but its log."""
        if self.log.exists():
            shutil.copy(self.log, f"{self.folder}.log")
        self._script("wipe")

    def kill(self) -> None:
        """Ends it at once, as a power cut would, and waits until it is gone."""
        pid = self._pid
        os.kill(pid, signal.SIGKILL)
        until(f"the broker, pid {pid}, is gone", lambda: not Path(f"/proc/{pid}/cwd").exists())

    def freeze(self) -> None:
        """Stops it in the middle of whatever it does: its port stays open and nobody answers."""
        os.kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        os.kill(self._pid, signal.SIGCONT)

    @property
    def log(self) -> Path:
        return self.folder / "broker.log"

    @property
    def _pid(self) -> int:
        return int((self.folder / "pid").read_text())

    def _script(self, command: str, *arguments: str) -> str:
        call = [SCRIPT, command, "--data", self.folder, *arguments]
        done = subprocess.run(call, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kafka.sh {command} failed:\n{done.stderr}"
        return done.stdout

    def tool(self, name: str, *arguments: str, stdin: str = "") -> str:
        """Runs one of Kafka's own programs, by the name of its class."""
        call = [SCRIPT, "tool", name, *arguments]
        done = subprocess.run(call, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name} failed:\n{done.stderr}"
        return done.stdout

    # --- topics ---------------------------------------------------------------------------------

    @functools.cached_property
    def admin(self) -> AdminClient:
        """Asks for what is not asked often enough to have a word of its own here."""
        return AdminClient({"bootstrap.servers": self.address, "log_level": QUIET})

    def topics(self) -> dict[str, int]:
        """All topics but the broker's own, with the number of their partitions."""
        found = self.admin.list_topics(timeout=ANSWER_S).topics
        return {t: len(found[t].partitions) for t in sorted(found) if not t.startswith("__")}

    def create(self, topic: str, partitions: int) -> None:
        """Creates a topic."""
        made = self.admin.create_topics([NewTopic(topic, partitions, 1)])
        made[topic].result(ANSWER_S)
        until(f"topic {topic} is there", lambda: self.topics().get(topic) == partitions)

    def ends(self, topics) -> dict[tuple[str, int], int]:
        """For each partition, the offset that the next record will get."""
        there = self.topics()
        parts = [TopicPartition(t, p) for t in topics for p in range(there.get(t, 0))]
        found = self.admin.list_offsets({part: OffsetSpec.latest() for part in parts})
        return {(p.topic, p.partition): f.result(ANSWER_S).offset for p, f in found.items()}

    def read(self, topics, seconds: float = 120) -> list[Record]:
        """All records of the topics, from the first to the last that is there now."""
        there = self.topics()
        parts = {(t, p) for t in topics for p in range(there.get(t, 0))}
        reader = Consumer(
            {
                "bootstrap.servers": self.address,
                "log_level": QUIET,
                "group.id": "foreign-reader",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        try:
            reader.assign([TopicPartition(t, p, OFFSET_BEGINNING) for t, p in parts])
            return list(_to_the_end(reader, parts, time.monotonic() + seconds))
        finally:
            reader.close()

    def produce(self, topic: str, records, **options) -> list[tuple[int, int]]:
        """Appends `(key, value, headers)` as a foreign client does. Gives back each one's
        partition and offset."""
        producer = Producer(
            {
                "bootstrap.servers": self.address,
                "log_level": QUIET,
                "acks": "all",
                "partitioner": "murmur2_random",
                **options,
            }
        )
        told = {}

        def tell(nth):
            return lambda error, message: told.__setitem__(nth, (error, message))

        for nth, (key, value, headers) in enumerate(records):
            producer.produce(topic, value, key, headers=headers or None, on_delivery=tell(nth))
            producer.poll(0)
        left = producer.flush(ANSWER_S)
        assert left == 0, f"{left} records to {topic} were not taken within {ANSWER_S} s"
        refused = [str(error) for error, _ in told.values() if error]
        assert not refused, f"{topic} refused: {refused[0]}"
        return [(told[n][1].partition(), told[n][1].offset()) for n in sorted(told)]

    # --- groups ---------------------------------------------------------------------------------

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """For each partition that the group has committed, the offset that it would go on from."""
        asked = self.admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(ANSWER_S).topic_partitions
        return {(p.topic, p.partition): p.offset for p in found if p.offset >= 0}

    def lag(self, group: str, topics) -> int:
        """How many records of the topics the group has not committed."""
        committed, ends = self.committed(group), self.ends(topics)
        return sum(end - committed.get(part, 0) for part, end in ends.items())

    def members(self, group: str) -> list[dict[str, set[int]]]:
        """For each member of the group, the partitions that it has, by topic."""
        described = self.admin.describe_consumer_groups([group])[group].result(ANSWER_S)
        members = []
        for member in described.members:
            has = {}
            for part in member.assignment.topic_partitions:
                has.setdefault(part.topic, set()).add(part.partition)
            members.append(has)
        return members

    @functools.cached_property
    def cluster(self) -> str:
        """The cluster's own id."""
        return self.admin.describe_cluster().result(ANSWER_S).cluster_id


def _to_the_end(reader: Consumer, parts: set, deadline: float):
    left = set(parts)
    while left:
        assert time.monotonic() < deadline, f"topics could not be read to their ends: {left}"
        for message in reader.consume(1000, timeout=0.5):
            error = message.error()
            if error is None:
                yield Record(
                    message.topic(),
                    message.partition(),
                    message.offset(),
                    message.key(),
                    message.value(),
                    tuple(message.headers() or ()),
                    message.timestamp()[1],
                )
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard((message.topic(), message.partition()))
            else:
                raise AssertionError(f"cannot read {message.topic()}: {error}")
