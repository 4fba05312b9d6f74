"""Receivers of telemetry: the OpenTelemetry Collector, Zipkin, and a bridge that reads what the collector
hands on, keeps it, and tells Zipkin."""

import collections
import http.server
import json
import re
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .kafka import REPOSITORY
from .processes import Process, free_port, get
from .wait import until

PARTS = REPOSITORY / "tests" / "foreign" / "parts.sh"
KINDS = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
FLOW = "messaging.message.conversation_id"
JAVA_S = 120


def part(name: str) -> str:
    """Where a part is. Without it a test shows nothing, and says so."""
    found = subprocess.run([PARTS, name], capture_output=True, text=True, check=True).stdout.strip()
    if not found:
        why = f"NOT SHOWN: there is no {name} here, see what tests/foreign/parts.sh install says"
        pytest.skip(why)
    return found


@dataclass(frozen=True)
class Link:
    """A link of a span."""

    trace: str
    id: str
    kind: str


@dataclass(frozen=True)
class Span:
    """A span as OTLP has it."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict
    links: tuple[Link, ...]
    schema: str

    @property
    def flow(self) -> str:
        return self.attributes.get(FLOW, "")

    @property
    def is_send(self) -> bool:
        return self.kind == "PRODUCER"

    def zipkin(self) -> dict:
        """The same as Zipkin has it: attributes are tags, and so are links."""
        tags = {name: str(value) for name, value in self.attributes.items()}
        for nth, link in enumerate(self.links):
            tags[f"link.{nth}"] = f"{link.kind} {link.trace}/{link.id}"
        if self.failed:
            tags["error"] = self.attributes.get("error.type", "true")
        span = {
            "traceId": self.trace,
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "timestamp": self.start_ns // 1000,
            # Zipkin takes nothing for nothing said.
            "duration": max(1, (self.end_ns - self.start_ns) // 1000),
            "localEndpoint": {"serviceName": self.service},
            "tags": tags,
        }
        return span | ({"parentId": self.parent} if self.parent else {})


def _value(value: dict):
    """An attribute's value."""
    (kind, inner), *_ = value.items()
    return int(inner) if kind == "intValue" else inner


def _pairs(attributes: list) -> dict:
    return {pair["key"]: _value(pair["value"]) for pair in attributes}


def _spans(request: dict) -> Iterable[Span]:
    """All spans of an export, in OTLP's JSON."""
    for of_service in request.get("resourceSpans", []):
        service = _pairs(of_service["resource"]["attributes"])["service.name"]
        for of_scope in of_service["scopeSpans"]:
            for span in of_scope["spans"]:
                yield Span(
                    service,
                    span["name"],
                    KINDS.get(span.get("kind"), "INTERNAL"),
                    span["traceId"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                    int(span["startTimeUnixNano"]),
                    int(span["endTimeUnixNano"]),
                    span.get("status", {}).get("code") == 2,
                    _pairs(span.get("attributes", [])),
                    tuple(
                        Link(link["traceId"], link["spanId"], _pairs(link["attributes"])["bus.link.kind"])
                        for link in span.get("links", [])
                    ),
                    of_scope.get("schemaUrl", ""),
                )


class Receiver:
    """Takes OTLP over HTTP. What is to be done with an export, its kinds say."""

    def __init__(self, answer: bytes, kind: str):
        self.failed: list[BaseException] = []
        receiver = self

        class Answer(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                try:
                    receiver.take(self.path, body)
                except BaseException as error:  # noqa: BLE001  the test tells it
                    receiver.failed.append(error)
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        """Takes one export."""
        raise NotImplementedError

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Sink(Receiver):
    """Keeps exports as they come, in protobuf, of a run that is too large to look at each span."""

    def __init__(self):
        super().__init__(b"", "application/x-protobuf")
        self.raw: dict[str, list[bytes]] = {"/v1/traces": [], "/v1/metrics": []}

    def take(self, path: str, body: bytes) -> None:
        self.raw[path].append(body)

    def flows(self) -> collections.Counter:
        """How many spans each flow has: an attribute is its name, then a text behind five bytes of tags and lengths."""
        named = re.compile(re.escape(FLOW.encode()) + rb"\x12.\x0a.([0-9a-f-]{36})", re.DOTALL)
        found = collections.Counter()
        for body in self.raw["/v1/traces"]:
            found.update(flow.decode() for flow in named.findall(body))
        return found


class Bridge(Receiver):
    """Takes OTLP in JSON, keeps it, and tells Zipkin, if it is given one."""

    def __init__(self, zipkin: str = ""):
        super().__init__(b"{}", "application/json")
        self.spans: list[Span] = []
        self.metrics: set[str] = set()
        self.raw: list[str] = []
        self._zipkin = zipkin

    def take(self, path: str, body: bytes) -> None:
        self.raw.append(body.decode())
        request = json.loads(body)
        if path == "/v1/metrics":
            for of_service in request.get("resourceMetrics", []):
                for of_scope in of_service["scopeMetrics"]:
                    self.metrics |= {metric["name"] for metric in of_scope["metrics"]}
            return
        spans = list(_spans(request))
        self.spans += spans
        if self._zipkin and spans:
            body = json.dumps([span.zipkin() for span in spans]).encode()
            headers = {"content-type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(f"{self._zipkin}/api/v2/spans", body, headers), timeout=30)

    def of_flow(self, flow: str) -> list[Span]:
        """The spans of one flow."""
        assert not self.failed, self.failed[0]
        return [span for span in list(self.spans) if span.flow == flow]


class Collector(Process):
    """An OpenTelemetry Collector that hands everything on to a bridge."""

    def __init__(self, folder: Path, bridge: Bridge, grpc: int = 0, http_port: int = 0):
        self.grpc, self.http = grpc or free_port(), http_port or free_port()
        self._bridge = bridge
        config = folder / "collector.json"
        pipeline = {"receivers": ["otlp"], "exporters": ["otlp_http"]}
        config.write_text(
            json.dumps(
                {
                    "receivers": {
                        "otlp": {
                            "protocols": {
                                "grpc": {"endpoint": f"127.0.0.1:{self.grpc}"},
                                "http": {"endpoint": f"127.0.0.1:{self.http}"},
                            }
                        }
                    },
                    "exporters": {
                        "otlp_http": {"endpoint": bridge.url, "encoding": "json", "compression": "none"}
                    },
                    "service": {
                        "pipelines": {"traces": pipeline, "metrics": pipeline},
                        "telemetry": {"metrics": {"level": "none"}},
                    },
                }
            )
        )
        super().__init__("collector", [part("collector"), "--config", config], folder / "collector.log")
        self.says("Everything is ready")


class Zipkin(Process):
    """Zipkin, which keeps spans in memory."""

    def __init__(self, folder: Path):
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        settings = [f"QUERY_PORT={self._port}", "SERVER_ADDRESS=127.0.0.1", "STORAGE_TYPE=mem", "SELF_TRACING_ENABLED=false"]
        command = ["env", *settings, "java", "-Xmx256m", "-jar", part("zipkin")]
        super().__init__("zipkin", command, folder / "zipkin.log")
        until("zipkin answers", self._answers, JAVA_S)

    def _answers(self) -> bool:
        assert self.code is None, f"zipkin ended with {self.code}"
        try:
            return get(f"{self.url}/health")[0] == 200
        except OSError:
            return False

    def traces(self, annotation: str) -> list[list[dict]]:
        """All traces with a span that has this tag, as its own page asks for them."""
        query = urllib.parse.urlencode({"annotationQuery": annotation, "lookback": 3_600_000, "limit": 50})
        status, found = get(f"{self.url}/api/v2/traces?{query}")
        assert status == 200, found
        return found

