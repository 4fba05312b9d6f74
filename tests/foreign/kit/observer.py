"""The observer as a process, and what it answers."""

import json
import urllib.parse
import urllib.request
from pathlib import Path

from .kafka import Kafka
from .load import GOOD_CARD, Order
from .processes import Service, get
from .wait import until


class Observer(Service):
    """The observer, with an index of its own."""

    def __init__(self, kafka: str, folder: Path, *flags: str):
        self.index = folder / "index"
        flags = (f"--set=index.folder={self.index}", "--set=http.listen=127.0.0.1:0", *flags)
        super().__init__("observer", kafka, folder, *flags)

    @property
    def url(self) -> str:
        """Where it is."""
        return "http://" + self.says(r"http port open.*address=(\S+)")[1]

    def ask(self, path: str, **query: str) -> dict:
        """What it answers, which must be an answer."""
        query = urllib.parse.urlencode(query)
        status, body = get(f"{self.url}/api/{path}?{query}")
        assert status == 200, f"{path}: {status} {body}"
        return body

    def flow(self, key: str) -> dict | None:
        """A flow by its business key; None where it knows none."""
        status, body = get(f"{self.url}/api/flows/{urllib.parse.quote(key, safe='')}")
        return body if status == 200 else None

    def until_read(self, seconds: float = 60) -> "Observer":
        """Waits until it has read all that is there."""

        def look():
            index = self.ask("status")["index"]
            is_read = index["caught_up"] and index["behind_records"] == 0 and "trouble" not in index
            return is_read or f"not yet: {json.dumps(index)}"

        until("the observer has read everything", look, seconds)
        return self

    def until_told(self, key: str, status: str, *words: str, seconds: float = 30) -> dict:
        """Waits until a flow stands so, for a reason that has these words."""

        def look():
            flow = self.flow(key)
            if flow is None:
                return "not yet: it is not known"
            told = f"{flow['status']}: {flow['why']}"
            is_told = flow["status"] == status and all(word in flow["why"] for word in words)
            return flow if is_told else f"not yet: {told}"

        return until(f"{key} is {status} because of {words}", look, seconds)


def place(door: str, key: str, card: str = GOOD_CARD) -> None:
    """Places an order for one piece."""
    body = json.dumps(Order(key, [("tea", 1, 1, 1)], card).body()).encode()
    request = urllib.request.Request(f"http://{door}/orders", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status in (200, 201)


def produce_unreadable(kafka: Kafka) -> None:
    """Somebody else's event `broken-1`, with the key `broken`, in the flow `broken-flow`, that nobody can read."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": "broken-1",
        "ce_type": "orders.v1.OrderPlaced",
        "ce_source": "/elsewhere",
        "ce_correlationid": "broken-flow",
        "content-type": "application/protobuf",
    }
    kafka.produce("orders", [(b"broken", b"\xff\xff\xff", list(headers.items()))])
