"""The observer's pages in a real Chromium, on services that live and die beside them."""

import contextlib
import os
import subprocess
import time

import pytest
from kit.hall import Hall
from kit.kafka import REPOSITORY
from kit.load import Customers
from kit.load import orders as new_orders
from kit.observer import Observer, place, produce_unreadable
from kit.wait import until

UI = REPOSITORY / "services" / "observer" / "ui"
NODE = REPOSITORY / ".quadrille" / "node" / "node_modules" / ".bin"
PATH = f"{NODE}:{os.environ['PATH']}"
EXPLAINED_S = 5


@pytest.fixture
def watched(kafka, folder):
    """All services, some flows, and the observer."""
    hall = Hall(kafka, folder)
    Customers(hall.door, new_orders(60)).start().join(120)
    until("all is handled", lambda: hall.lag() == 0)
    return hall, Observer(kafka.address, folder).until_ready().until_read()


def test_the_pages_hold_on_a_real_observer(watched):
    """Shows the same walks as against the mock: both themes, by keys alone, at every width, without a
    violation that axe finds, and with no request to anybody else."""
    _, observer = watched
    environment = {**os.environ, "PATH": PATH, "BASE_URL": observer.url}
    ran = subprocess.run(
        ["npm", "run", "--silent", "e2e"], cwd=UI, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert ran.returncode == 0, ran.stdout[-6000:]


def test_a_page_explains_an_order_that_a_killed_service_stops_and_goes_on_with_it(watched, folder, tell):
    """Shows that the page itself tells within five seconds, and again after the restart, without a reload."""
    hall, observer = watched
    hall.payments.kill()
    killed = time.monotonic()
    place(hall.door, "stopped")
    until("the order is known", lambda: observer.flow("stopped"), EXPLAINED_S)
    shot = folder / "stopped.png"
    page = ["node", "e2e/told.mjs", f"{observer.url}/flows/stopped", "payments is down", "OrderConfirmed"]
    told = subprocess.Popen(
        [*page, "--shot", shot], cwd=UI, env={**os.environ, "PATH": PATH}, stdout=subprocess.PIPE, text=True
    )
    try:
        down = told.stdout.readline()
        explained = time.monotonic() - killed
        assert "payments is down" in down.lower()
        tell(f"a browser started beside it told after {explained:.1f} s: {down.strip()}")
        assert shot.exists()
        hall.start("payments").until_ready()
        ended = told.stdout.readline()
        assert "OrderConfirmed" in ended
        assert told.wait(30) == 0
    finally:
        told.kill()
        told.wait()
    assert explained < EXPLAINED_S + 5, "the browser's own start is counted with it"


def test_pages_show_what_is_retried_parked_and_unknown(kafka, folder, tell):
    """Shows, on both screens and in both themes, the mark and the sentence of flows that services left so."""
    # Given an event of somebody else that cannot be read, and a gateway that is gone.
    hall = Hall(kafka, folder, flags=("--set=limits.retry_max_ms=2000",))
    Customers(hall.door, new_orders(20)).start().join(120)
    until("all is handled", lambda: hall.lag() == 0)
    produce_unreadable(kafka)
    observer = Observer(kafka.address, folder).until_ready().until_read()
    hall.gateway.kill()
    place(hall.door, "unpaid")
    observer.until_told("broken-flow", "parked", "parked OrderPlaced after attempt 1 (undecodable)")
    observer.until_told("unpaid", "retrying", "gateway cannot be reached")

    def seen(key: str, mark: str, words: str) -> None:
        page = ["node", "e2e/seen.mjs", observer.url, key, mark, words, folder / f"{key}-{mark}"]
        told = subprocess.run(page, cwd=UI, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, timeout=240)
        assert told.returncode == 0, told.stderr[-3000:]
        lines = told.stdout.splitlines()
        # The list and the flow, in either theme.
        assert [line.partition(":")[0] for line in lines] == ["list", "flow"] * 2, lines
        tell(f"in a browser: {lines[0]}")

    seen("broken", "Parked", "parked OrderPlaced after attempt 1 (undecodable)")
    seen("unpaid", "Retrying", "gateway cannot be reached: payments goes on trying for StockReserved")

    # When the broker is away, what is parked is still told, and of what went on nobody can say.
    kafka.freeze()
    with contextlib.ExitStack() as thaw:
        thaw.callback(kafka.thaw)
        observer.until_told("unpaid", "unknown", "the broker does not answer any more")
        seen("unpaid", "Unknown", "last known: gateway cannot be reached: payments goes on trying")
        seen("broken", "Parked", "parked OrderPlaced after attempt 1 (undecodable)")
