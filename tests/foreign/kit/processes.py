"""The programs under test as processes of the operating system."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from .wait import until

BINARIES = Path(os.environ.get("QUADRILLE_BINARIES", "target/debug"))
START_S = 60
# The drain's default limit, and a little for what comes before and after it.
DRAIN_S = 20
END_S = DRAIN_S + 10

# What we are told by the environment is not for the programs: they refuse what they do not know.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("QUADRILLE_")}

ALL: list["Process"] = []


@contextlib.contextmanager
def nothing_left():
    """Whatever is started inside ends with it."""
    before = len(ALL)
    try:
        yield
    finally:
        while len(ALL) > before:
            ALL.pop().kill()


class Process:
    """A program that runs, and its log. It dies with us, however we end."""

    def __init__(self, name: str, command: list, log: Path, may: tuple[str, ...] = ()):
        """`may` is what `setpriv` is told besides."""
        self.name = name
        self.log = log
        # The log of an earlier life of the same program stays in front.
        self._from = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *may, "--", *map(str, command)],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        ALL.append(self)

    @property
    def text(self) -> str:
        """What it has said so far."""
        with self.log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._child.poll()

    def says(self, pattern: str, seconds: float = START_S) -> re.Match:
        """Waits until its log has this, and gives back what was found."""

        def look():
            # Asked first: what it says last stands in the log when it has ended.
            ended = self.code is not None
            found = re.search(pattern, self.text)
            assert found or not ended, f"{self.name} ended with {self.code} instead of saying {pattern!r}"
            return found

        return until(f"{self.name} says {pattern!r}", look, seconds)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    def freeze(self) -> None:
        """Stops it in the middle of whatever it does, and waits until it stands still."""
        self._child.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.pid}/stat")
        until(f"{self.name} stands still", lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", again=0.001)

    def thaw(self) -> None:
        """Lets it go on."""
        self._child.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Asks it to end."""
        self._child.send_signal(signal.SIGTERM)

    def end(self, seconds: float = END_S) -> int:
        """Waits until it has ended. Gives back its exit code."""
        until(f"{self.name} ends", lambda: self.code is not None, seconds)
        return self.code

    def stop(self, seconds: float = END_S) -> tuple[int, float]:
        """Asks it to end and waits. Gives back its exit code, and how long it took."""
        began = time.monotonic()
        self.terminate()
        return self.end(seconds), time.monotonic() - began

    def kill(self) -> None:
        """Ends it at once."""
        if self.code is None:
            self._child.kill()
            self._child.wait()


class Service(Process):
    """One of our services. All its ports are chosen by the system."""

    def __init__(
        self,
        name: str,
        kafka: str,
        folder: Path,
        *flags: str,
        state: Path | None = None,
        log: str = "",
        may: tuple[str, ...] = (),
    ):
        command = [BINARIES / f"quadrille-{name}", "--kafka", kafka]
        command += ["--state", state] if state else ["--ephemeral"]
        command += ["--set=health.listen=127.0.0.1:0", *flags]
        super().__init__(name, command, folder / f"{log or name}.log", may)

    @property
    def health(self) -> str:
        """Address of its health port."""
        return self.says(r"health port open.*address=(\S+)")[1]

    def readiness(self) -> tuple[bool, dict]:
        """Whether it is ready, and all that it says about that."""
        status, body = get(f"http://{self.health}/readyz")
        return status == 200, body

    def is_alive(self) -> bool:
        """What it says about being alive."""
        return get(f"http://{self.health}/healthz")[0] == 200

    def until_ready(self, seconds: float = START_S) -> "Service":
        """Waits until it is ready."""

        def look():
            assert self.code is None, f"{self.name} ended with {self.code} before it was ready"
            ready, body = self.readiness()
            return ready or f"not yet: {body}"

        until(f"{self.name} is ready", look, seconds)
        return self

    def until_waiting(self, reason: str, seconds: float = START_S) -> str:
        """Waits until it says that it is not ready, for a reason that has these words."""

        def look():
            assert self.code is None, f"{self.name} ended with {self.code} instead of waiting"
            ready, body = self.readiness()
            found = [why for why in body["waiting_for"] if reason in why]
            return not ready and found and found[0] or f"not yet: {body}"

        return until(f"{self.name} waits for {reason!r}", look, seconds)


class Party(Process):
    """An outside party, and its ledger."""

    def __init__(self, name: str, program: str, folder: Path, *flags: str):
        self.ledger = folder / f"{name}.jsonl"
        command = [BINARIES / program, "--listen", "127.0.0.1:0", "--ledger", self.ledger, *flags]
        super().__init__(name, command, folder / f"{name}.log")
        self.url = "http://" + self.says(r"(?m)^(127\.0\.0\.1:\d+)$")[1]


class Gateway(Party):
    """The payment gateway."""

    def __init__(self, folder: Path, *flags: str):
        super().__init__("gateway", "payment-gateway", folder, *flags)


class Carrier(Party):
    """The carrier."""

    def __init__(self, folder: Path, *flags: str):
        super().__init__("carrier", "carrier", folder, *flags)


class Mailpit(Process):
    """A real mail server, whose mails can be read back."""

    def __init__(self, program: str, folder: Path):
        # It chooses no free port by itself, so two are chosen for it.
        ports = [free_port() for _ in range(2)]
        self.smtp, self._listen = (f"127.0.0.1:{port}" for port in ports)
        command = [program, "--smtp", self.smtp, "--listen", self._listen, "--disable-version-check", "--max", "0"]
        super().__init__("mailpit", command, folder / "mailpit.log")
        until("mailpit answers", self._answers)

    def _answers(self) -> bool:
        try:
            return get(f"http://{self._listen}/api/v1/info")[0] == 200
        except OSError:
            return False

    def mails(self) -> list[tuple[str, str]]:
        """Message-ID and subject of every mail, as often as it came."""
        found, total = [], 1
        while len(found) < total:
            _, page = get(f"http://{self._listen}/api/v1/messages?limit=1000&start={len(found)}")
            found += [(f"<{mail['MessageID']}>", mail["Subject"]) for mail in page["messages"]]
            total = page["total"]
        return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def get(url: str) -> tuple[int, dict]:
    """Asks for JSON. An answer that is no success is an answer too."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
