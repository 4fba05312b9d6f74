"""Services are killed anywhere, their disks fill up and their power fails: the money still adds up."""

import collections
import contextlib
import os
import random
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
from kit import databases, disk, processes
from kit.hall import READS, SERVICES, Hall, inventory
from kit.kafka import Kafka
from kit.load import DECLINED, WITHDRAWN, Client, Customers
from kit.load import orders as new_orders
from kit.processes import Service
from kit.stage import SESSION, Stage
from kit.totals import DONE, Totals
from kit.wait import until

SEED = int(os.environ.get("QUADRILLE_SEED", "4711"))
CI = bool(os.environ.get("CI"))
ORDERS = int(os.environ.get("QUADRILLE_ORDERS", "10000"))
OUTAGE_S = float(os.environ.get("QUADRILLE_OUTAGE_SECONDS", "20"))
# In CI all tests of this file together place no more than `ORDERS`.
CROWD = ORDERS * 2 // 5 if CI else ORDERS
HOT = ORDERS // 5 if CI else 1_000
CUTS = 3 if CI else 6
# Longest that anything may take which is one step of a test.
STEP_S = 120
# What a process ends with that was killed.
KILLED = -9

# In path order, as `fault.kill_at` has them.
POINTS = ("taken", "reacted", "committed", "flushed", "settled")
CALLS = ("calling", "called")
CALLERS = ("payments", "shipping", "notifications")


@pytest.fixture(scope="module")
def stage(folder_of_module, schemas):
    """A cluster, a gateway and a folder of state, shared by the tests here."""
    cluster = Kafka(folder_of_module / "kafka-0", "broker.session.timeout.ms=3000")
    try:
        with processes.nothing_left():
            yield Stage(cluster.start(), folder_of_module, schemas)
    finally:
        cluster.wipe()


# --- killed ---------------------------------------------------------------------------------------


def test_killed_at_every_point_and_all_adds_up(stage, tell):
    """Shows totals where each service is killed at every point of an event's path in turn, orders
    also at its door and those that call an outside party also around that, and a second inventory comes
    and goes."""
    # Given customers who come again when nobody answers, and services with a death before them.
    hall = stage.hall()
    placed = stage.place(new_orders(CROWD))
    customers = Customers(hall.door_now, placed, withdrawals=CROWD * WITHDRAWN // 100, allowed=0)
    points = {name: (*POINTS, *CALLS) if name in CALLERS else POINTS for name in SERVICES}

    # When orders dies while nobody else is at work: at its door, or with what came in there.
    hall.inventory.freeze()
    began = time.monotonic()
    customers.start()
    for point in ("committed", "flushed"):
        hall.orders.kill()
        door = hall.start("orders", f"--set=fault.kill_at={point}:5")
        customers.allowed += 20
        assert door.end(STEP_S) == KILLED
    hall.start("orders")
    hall.inventory.thaw()
    until("all are placed", lambda: customers.placed == customers.allowed, STEP_S)
    at_door = customers.repeated
    assert at_door > 0

    # And when each dies at each point, under load, while a second inventory comes and goes.
    portion = (CROWD * 4 // 5 - customers.allowed) // sum(map(len, points.values()))
    most = max(1, min(portion // 2, 60))
    lives = [Lives(hall, name, of_name, SEED, most) for name, of_name in points.items()]
    second = Guest(hall)
    given = customers.allowed
    # Each has its step: `any` would leave some out.
    while any([one.step() for one in (*lives, second)]):
        ended = sum(one.ended for one in lives)
        customers.allowed = max(customers.allowed, given + portion * (ended + 2))
        # Somebody waits for more events than were placed.
        if customers.placed >= customers.allowed and hall.lag() == 0:
            given += portion
        assert customers.allowed < len(placed), "too few orders for so many deaths"
        time.sleep(0.05)
    under_fire, left = customers.placed, len(placed) - customers.placed
    customers.allowed = len(placed)
    customers.join(600 + CROWD / 10)
    totals = stage.finish(hall)
    took = time.monotonic() - began

    # Then every order has one outcome and all adds up, as `finish` has shown.
    declined = [order for order in placed if order.is_declined]
    assert len(declined) == CROWD * DECLINED // 100
    asked = [order for order in placed if order.withdrawn or order.too_late]
    assert len(asked) >= CROWD * WITHDRAWN // 100
    kills = 2 + sum(one.ended for one in lives) + second.killed
    tell(f"{len(placed)} orders, {len(declined)} declined, {len(customers.accepted)} withdrawn, {kills} kills")
    events = len(totals.of_orders)
    tell(f"{under_fire} placed between kills, {left} after them; {events} events in {took:.1f} s: {events / took:.0f} events/s")
    tell(f"{customers.repeated} requests were repeated, {at_door} of them where the door died")
    tell(f"records that stood twice: {totals.twice or 'none'}; receipts: {totals.tally}, twice {totals.receipts_twice}")


class Lives:
    """The lives of a service: one that ends at each point, and one that goes on. A process that is
    started here would die with the thread that starts it, so there is none: who waits steps."""

    def __init__(self, hall: Hall, name: str, points: tuple[str, ...], seed: int, most: int):
        """Each life lasts for at most so many events."""
        self._hall = hall
        self._name = name
        chance = random.Random(f"{seed} {name}")
        self._deaths = [f"{point}:{chance.randint(1, most)}" for point in points]
        self.ended = 0
        getattr(hall, name).kill()
        self._begin()

    def _begin(self) -> None:
        left = self._deaths[self.ended :][:1]
        self._service = self._hall.start(self._name, *(f"--set=fault.kill_at={death}" for death in left))

    def step(self) -> bool:
        """Begins the next life where one has ended. Whether there was or will be a death more."""
        over = self.ended == len(self._deaths)
        code = self._service.code
        if code is not None:
            assert not over, f"{self._name} ended by itself with {code}"
            assert code == KILLED, f"{self._name} ended with {code} instead of dying at {self._deaths[self.ended]}"
            self.ended += 1
            self._begin()
        return not over


class Guest:
    """A second inventory on the same host: it takes part and leaves, and takes part and is killed."""

    def __init__(self, hall: Hall):
        self._hall = hall
        self._story = self._tell()
        self.killed = 0

    def step(self) -> bool:
        """Goes on with its story. Whether that goes on."""
        return next(self._story, None) is not None

    def _tell(self):
        for nth in (1, 2):
            flags = (SESSION, "--set=group.instance=second")
            log = f"inventory-second-{nth}"
            second = inventory(self._hall.kafka.address, self._hall.folder, *flags, state=self._hall.state, log=log)
            deadline = time.monotonic() + STEP_S
            while not self._takes_part():
                assert second.code is None, f"the second inventory ended with {second.code}"
                assert time.monotonic() < deadline, "the second inventory got no work"
                yield "joining"
            if nth == 1:
                second.terminate()
                while second.code is None:
                    yield "leaving"
                assert second.code == 0
            else:
                second.kill()
                self.killed += 1

    def _takes_part(self) -> bool:
        return len([member for member in self._hall.kafka.members("inventory") if any(member.values())]) == 2


@pytest.mark.parametrize("point", ["flushed", "settled"])
def test_what_is_in_the_database_is_not_handled_again(stage, tell, point):
    """Shows by receipts that a reaction does not run again where its service dies after the database
    has the event and before Kafka has the offset."""
    # Given orders that wait for services which tell Kafka nothing, and die after some events: those
    # later in the flow after fewer, so that there are enough for each.
    hall = stage.hall()
    hall.inventory.kill()
    Customers(hall.door, stage.place(new_orders(60, f"again-{point}", declined=0))).start().join(STEP_S)
    until("all stand on the topic", lambda: databases.waiting(stage.state, "orders") == 0)
    # What is left for orders comes from others.
    until("orders has heard of all", lambda: stage.kafka.lag("orders", ["orders"]) == 0)
    before = {name: databases.inbox(stage.state, name) for name in SERVICES}

    # When they do.
    for name, nth in (("notifications", 2), ("orders", 5), ("shipping", 8), ("payments", 15), ("inventory", 30)):
        getattr(hall, name).kill()
        hall.start(name, f"--set=fault.kill_at={point}:{nth}", "--set=limits.commit_interval_ms=60000")
    deaths = {name: getattr(hall, name).end(STEP_S) for name in SERVICES}
    assert deaths == dict.fromkeys(SERVICES, KILLED)
    handled = {name: databases.inbox(stage.state, name) - before[name] for name in SERVICES}
    committed = {name: stage.kafka.committed(name) for name in SERVICES}

    # And start again.
    for name in SERVICES:
        hall.start(name)
    totals = stage.finish(hall)

    # Then Kafka did not know of what the databases had.
    stands = {}
    for record in totals.records:
        stands.setdefault(record.event, record)
    said = collections.defaultdict(collections.Counter)
    for receipt in totals.receipts:
        at = receipt.service, receipt.topic, receipt.partition, receipt.offset
        said[at][totals.schemas.word(receipt, "outcome")] += 1
    for name, events in handled.items():
        uncommitted = [
            event
            for event in events
            if stands[event].offset >= committed[name].get((stands[event].topic, stands[event].partition), 0)
        ]
        assert uncommitted, f"{name} had committed all that was in its database"
        # And each record has one receipt, which says that it was handled. A second record of the same
        # event is another matter: it comes from whoever died before it had deleted its outbox row.
        wrong = [(at, said[at]) for at in ((name, *stands[event].at) for event in events) if said[at] != {DONE: 1}]
        assert wrong == [], f"{name} was asked to handle records again: {wrong[:5]}"
        tell(f"{name}: {len(events)} events in its database, {len(uncommitted)} above Kafka's offset, none again")
    tell(f"records that stood twice since the beginning: {totals.twice or 'none'}")


# --- the broker is away -----------------------------------------------------------------------------


def test_while_the_broker_is_away_the_outbox_grows_to_its_limit(stage, tell):
    """Shows what callers are told, and that all that was taken arrives, in order per key."""
    # Given a small outbox, and no broker.
    rows_max = 200
    hall = stage.hall(f"--set=state.outbox_rows_max={rows_max}")
    hall.orders.until_ready()
    stage.kafka.kill()
    began = time.monotonic()

    # When orders keep coming, of which some are withdrawn at once.
    first = new_orders(rows_max, "away", declined=0)
    client = Client(hall.door)
    taken, refusal = 0, None
    for nth, order in enumerate(first):
        status, body, after_s = client.once("POST", "/orders", order.body())
        if status != 201:
            refusal = status, body, after_s
            break
        stage.place([order])
        taken += 1
        if nth % 4 == 0:
            status, body, after_s = client.once("POST", f"/orders/{order.id}/withdraw", {"reason": "bought twice"})
            if status != 202:
                refusal = status, body, after_s
                break
            order.withdrawn = True
            taken += 1

    # Then the outbox takes as many as it may, and whoever comes then is told what to do.
    assert taken == databases.waiting(stage.state, "orders") == rows_max
    status, body, after_s = refusal
    assert status == 503, refusal
    assert f"{rows_max}" in body["error"], body
    assert "broker" in body["error"], body
    assert "Retry-After" in body["mend"], body
    assert after_s > 0
    tell(f"after {taken} rows a caller is told {status}, again after {after_s:.0f} s: {body['error']}; {body['mend']}")
    assert hall.orders.is_alive()
    reason = hall.orders.until_waiting(stage.kafka.address)
    tell(f"health: {reason}")

    # And it stays so, for whoever comes meanwhile.
    later = stage.place(new_orders(60, "later", seed=8))
    customers = Customers(hall.door_now, later, withdrawals=2).start()
    while time.monotonic() - began < OUTAGE_S:
        assert databases.waiting(stage.state, "orders") == rows_max
        time.sleep(0.5)
    assert customers.placed == 0

    # And all that was taken arrives when the broker is back.
    stage.kafka.start()
    back = time.monotonic()
    until("the outbox is empty", lambda: databases.waiting(stage.state, "orders") == 0, STEP_S)
    tell(f"outbox empty {time.monotonic() - back:.1f} s after the broker was back from {back - began:.0f} s")
    customers.join(STEP_S)
    totals = stage.finish(hall)
    check_order_of_keys(totals)
    tell(f"records that stood twice since the beginning: {totals.twice or 'none'}, receipts: {totals.receipts_twice}")


def check_order_of_keys(totals: Totals) -> None:
    """An order's own events stand in the order in which they were decided."""
    order_of = collections.defaultdict(list)
    for event in totals.events:
        if event.record.topic == "orders":
            order_of[event.record.partition, event.order].append((event.record.offset, event.type))
    assert len({order for _, order in order_of}) == len(order_of), "a key stands in two partitions"
    for (_, order), events in order_of.items():
        types = [kind.rpartition(".")[2] for _, kind in sorted(events)]
        assert types[0] == "OrderPlaced", f"{order}: {types}"
        assert types[-1] in ("OrderConfirmed", "OrderCancelled"), f"{order}: {types}"


# --- the disk ---------------------------------------------------------------------------------------


def test_a_full_disk_stops_and_spoils_nothing(stage, tell):
    """Shows what log, health and callers are told, and that all goes on by itself when there is
    room again."""
    # Given services on a small disk, each with work that waits for it.
    used = sum(file.stat().st_size for file in stage.state.glob("*")) >> 20 if stage.state.exists() else 0
    home = stage.folder / "state-after-full-disk"
    with disk.small(stage.folder / "disk", used + 24) as small:
        if stage.state.exists():
            stage.move(small / "state")
        stage.state = small / "state"
        hall = stage.hall()
        hall.payments.freeze()
        placed = stage.place(new_orders(60, "full", seed=9))
        customers = Customers(hall.door_now, placed, allowed=20).start()
        until("goods are reserved", lambda: databases_have(stage.state, "inventory", "reservation", placed, 20))
        hall.inventory.freeze()
        customers.allowed = 40
        until("more are placed", lambda: customers.placed == 40)

        # When the disk is full.
        ballast = disk.fill(small)
        customers.allowed = 60
        hall.payments.thaw()
        hall.inventory.thaw()

        # Then each says so, in its log and to whoever asks for its health, and lives.
        for service in (hall.inventory, hall.payments):
            reason = service.until_waiting("the disk is full: make room")
            assert str(stage.state) in reason
        tell(f"health: {reason}")
        for service in (hall.orders, hall.inventory, hall.payments):
            line = service.says(r"(?m)^.*the disk is full: make room.*$")[0]
            assert service.is_alive()
        tell(f"log: {line.strip()}")
        # And a caller is told to come again.
        status, body, after_s = Client(hall.door).once("POST", "/orders", new_orders(1, "no-room")[0].body())
        assert (status, after_s > 0) == (503, True), body
        tell(f"a caller is told {status}: {body['error']}; {body['mend']}")
        assert customers.placed == 40

        # And all goes on when there is room.
        ballast.unlink()
        room = time.monotonic()
        for service in hall.services:
            service.until_ready()
        customers.join(STEP_S)
        tell(f"all placed {time.monotonic() - room:.1f} s after there was room")
        stage.finish(hall)
        stage.move(home)


def databases_have(state: Path, service: str, kind: str, orders: list, count: int) -> bool:
    """Whether so many of these orders are in a service's tables."""
    return len(databases.records(state, service, kind).keys() & {order.id for order in orders}) >= count


def test_a_power_cut_at_any_moment_loses_nothing(stage, tell):
    """Shows that the databases as they are at any moment open, are sound, and lead to the same
    totals, also where the end of a log is torn."""
    chance = random.Random(SEED)
    hall = stage.hall()
    portion = 60
    placed = stage.place(new_orders(portion * (CUTS + 1), "cut", seed=10))
    customers = Customers(hall.door_now, placed, withdrawals=CUTS, allowed=0).start()
    for nth in range(CUTS):
        # Given services at work.
        customers.allowed += portion
        moment = customers.allowed - chance.randint(1, portion - 1)
        until("customers are served", lambda moment=moment: customers.placed >= moment, STEP_S, again=0.001)

        # When the power fails.
        for service in chance.sample(hall.services, len(hall.services)):
            service.freeze()
        copy = stage.folder / f"state-after-cut-{nth}"
        added = databases.copy(stage.state, copy, chance, torn=nth > 0)
        for service in hall.services:
            service.kill()

        # Then what the disk has is sound.
        looked_at = stage.folder / "state-looked-at"
        shutil.copytree(copy, looked_at)
        for name in SERVICES:
            databases.check_sound(looked_at, name)
        shutil.rmtree(looked_at)
        tell(f"cut {nth + 1} at {customers.placed} of {len(placed)} orders; torn: {', '.join(added) or 'nothing'}")

        # And services go on from it.
        shutil.rmtree(stage.state)
        hall.state = stage.state = copy
        for name in SERVICES:
            hall.start(name)
        for service in hall.services:
            service.until_ready()
    customers.allowed = len(placed)
    customers.join(STEP_S)
    totals = stage.finish(hall)
    tell(f"records that stood twice since the beginning: {totals.twice or 'none'}")


# --- refused ----------------------------------------------------------------------------------------


def test_a_database_that_cannot_be_used_is_refused_with_a_reason(stage, tell):
    """Shows exit code and message for each: 69 where trying again may help, 64 where it will not."""
    # Given a sound database, and six ways of not being one for inventory.
    if not stage.state.exists():
        stage.hall().stop()
    folder = stage.folder / "refused"
    shutil.rmtree(folder, ignore_errors=True)

    def prepared(name: str, of: str = "inventory") -> Path:
        (folder / name).mkdir(parents=True)
        for part in ("", "-wal"):
            if (file := stage.state / f"{of}.sqlite{part}").exists():
                shutil.copy(file, folder / name / f"inventory.sqlite{part}")
        return databases.file_of(folder / name, "inventory")

    def start(name: str, **more) -> Service:
        wait = "--set=state.busy_timeout_ms=300"
        log = f"refused-{name}"
        return inventory(stage.kafka.address, stage.folder, SESSION, wait, state=folder / name, log=log, **more)

    newer = prepared("newer")
    with contextlib.closing(sqlite3.connect(newer)) as database:
        database.execute(
            "insert into quadrille_migrations (version, description, installed_on, success, checksum, execution_time)"
            " values (99, 'later', current_timestamp, true, x'00', 0)"
        )
        database.commit()
    no_database = prepared("no-database")
    no_database.with_name("inventory.sqlite-wal").unlink(missing_ok=True)
    no_database.write_text("This was never a database, but it is as long as one. " * 100)
    prepared("somebody-elses", of="orders")
    read_only = prepared("read-only")
    with contextlib.closing(sqlite3.connect(read_only)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    read_only.chmod(0o444)
    read_only.parent.chmod(0o555)
    # What the owner may not do, root may not do either, where it is told so.
    like_others = ("--bounding-set=-dac_override",) if os.geteuid() == 0 else ()
    (folder / "no-folder").write_text("a file is where the folder should be")
    locked = prepared("locked")

    # When inventory is started on each, one of them in somebody else's hands.
    with contextlib.closing(sqlite3.connect(locked, isolation_level=None)) as other:
        other.execute("begin exclusive")
        names = ("locked", "newer", "no-database", "somebody-elses", "no-folder")
        started = {name: start(name) for name in names}
        started["read-only"] = start("read-only", may=like_others)
        ended = {name: (service.end(STEP_S), service.text) for name, service in started.items()}
        other.execute("rollback")
    read_only.parent.chmod(0o755)

    # Then each ends with a code and a reason that names the file and says what to do.
    expected = {
        "locked": (69, "another program has it locked: end that, or wait until it is done"),
        "read-only": (64, "cannot be written to: Permission denied"),
        "no-folder": (64, "is no folder"),
        "no-database": (64, "it is no SQLite database: name another folder, or move the file away"),
        "newer": (64, "was written by a newer version of Quadrille: its tables are of version 99"),
        "somebody-elses": (64, "holds the state of service `orders`, not of `inventory`"),
    }
    for name, (code, reason) in expected.items():
        said = [line for line in ended[name][1].splitlines() if line.strip()]
        assert ended[name][0] == code, f"{name}: {ended[name]}"
        assert any(reason in line and str(folder / name) in line for line in said), f"{name}: {said}"
        assert "panicked" not in ended[name][1], f"{name}: {ended[name]}"
        tell(f"{name}: {code}, {said[-1].strip()}")
    # And the one that was locked can be used when it is not any more.
    assert start("locked").until_ready().stop()[0] == 0


# --- hot --------------------------------------------------------------------------------------------


def test_one_hot_record_is_no_livelock(stage, tell):
    """Shows how fast orders for one article are reserved where all of them are there at once."""
    # Given orders that wait for inventory, each on a lane of its own.
    hall = stage.hall("--set=limits.reactions_at_once_max=1000")
    hall.inventory.kill()
    placed = new_orders(HOT, "hot", seed=11)
    for order in placed:
        order.lines = [("tea", 1, 4, 500_000_000)]
    Customers(hall.door_now, stage.place(placed)).start().join(STEP_S)
    until("all stand on the topic", lambda: databases.waiting(stage.state, "orders") == 0)

    # When it comes.
    hall.start("inventory")
    totals = stage.finish(hall)

    # Then it ends, and each article was reserved once, as `finish` has shown.
    ids = {order.id for order in placed}
    flows = {event.record.event for event in totals.of("OrderPlaced") if event.order in ids}
    at = [
        record.timestamp_ms
        for record in totals.receipt_records
        if (receipt := totals.schemas.decode("quadrille.v1.Receipt", record.value)).service == "inventory"
        and (receipt.event_source, receipt.event_id) in flows
    ]
    assert len(at) >= HOT
    took = max(max(at) - min(at), 1) / 1000
    tell(f"{HOT} reservations of one article in {took:.2f} s: {HOT / took:.0f} events/s")
