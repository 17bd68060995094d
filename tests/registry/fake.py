"""A Confluent-compatible schema registry in memory, with faults to switch on.

It speaks the part of the HTTP API that `schemas.registries.confluent` uses, with the status and
error codes of Confluent's API reference.
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Faults:
    """Each is off until set; all may be changed while the registry runs."""

    down: bool = False  # the connection is closed without an answer
    status: int = 0  # every request is answered with it
    slow: float = 0.0  # seconds before each answer
    hidden_ids: set[int] = field(default_factory=set)  # as a replica that lags behind
    body: bytes | None = None  # every request is answered 200 with it
    conflict: bool = False  # new schemas break the compatibility level


@dataclass
class FakeRegistry:
    """The registry's content.

    Attributes:
        url: Where it listens.
        credentials: ``user:password`` that it asks for; none if empty.
        requests: "METHOD path" of each request, in order.
    """

    url: str = ""
    credentials: str = ""
    faults: Faults = field(default_factory=Faults)
    requests: list[str] = field(default_factory=list)
    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    subjects: dict[str, list[int]] = field(default_factory=dict)

    def add(self, subject: str, schema: Any, **attributes: Any) -> int:
        """Registers a schema as a client would; ``attributes`` such as references, schemaType."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        return self._register(subject, {"schema": text, **attributes})[1]["id"]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of one request."""
        match method, [unquote(part) for part in path.strip("/").split("/")]:
            case "GET", ["subjects"]:
                return 200, list(self.subjects)
            case "GET", ["subjects", subject, "versions"]:
                ids = self.subjects.get(subject)
                return (200, list(range(1, len(ids) + 1))) if ids else _error(40401)
            case "GET", ["subjects", subject, "versions", version]:
                return self._version(subject, version)
            case "POST", ["subjects", subject, "versions"]:
                return self._register(subject, body)
            case "GET", ["schemas", "ids", number]:
                known = self.schemas.keys() - self.faults.hidden_ids
                return (200, self.schemas[int(number)]) if int(number) in known else _error(40403)
        return _error(404)

    def _version(self, subject: str, version: str) -> tuple[int, Any]:
        ids = self.subjects.get(subject, [])
        at = len(ids) if version == "latest" else int(version)
        if not 1 <= at <= len(ids):
            return _error(40402 if ids else 40401)
        number = ids[at - 1]
        return 200, {"subject": subject, "version": at, "id": number, **self.schemas[number]}

    def _register(self, subject: str, body: dict[str, Any]) -> tuple[int, Any]:
        kept = {key: body[key] for key in ("schema", "schemaType", "references") if body.get(key)}
        if kept.get("schemaType") == "AVRO":  # the default isn't sent back
            del kept["schemaType"]
        number = next((n for n, s in self.schemas.items() if s == kept), len(self.schemas) + 1)
        ids = self.subjects.get(subject, [])
        if number not in ids:
            if self.faults.conflict:
                return _error(409)
            self.schemas[number] = kept
            self.subjects[subject] = [*ids, number]
        return 200, {"id": number}


@contextmanager
def running(credentials: str = "") -> Iterator[FakeRegistry]:
    """Runs a registry on a free loopback port."""
    registry = FakeRegistry(credentials=credentials)
    handler = type("Handler", (_Handler,), {"registry": registry})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        registry.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()


def _error(code: int) -> tuple[int, Any]:
    return int(str(code)[:3]), {"error_code": code, "message": "a fault"}


class _Handler(BaseHTTPRequestHandler):
    registry: FakeRegistry

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Tests read `FakeRegistry.requests` instead."""

    def _serve(self) -> None:
        registry, faults = self.registry, self.registry.faults
        path = urlsplit(self.path).path
        registry.requests.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if faults.slow:
            time.sleep(faults.slow)
        if faults.down:
            self.close_connection = True
        elif faults.body is not None:
            self._send(200, faults.body)
        else:
            status, document = self._answer(path, body)
            self._send(status, json.dumps(document).encode())

    def _answer(self, path: str, body: bytes) -> tuple[int, Any]:
        if self.registry.faults.status:
            return _error(self.registry.faults.status)
        if self.registry.credentials and self.headers.get("Authorization") != self._expected():
            return _error(401)
        return self.registry.answer(self.command, path, json.loads(body or b"null"))

    def _expected(self) -> str:
        return "Basic " + base64.b64encode(self.registry.credentials.encode()).decode()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(body)))
        # Whoever waits no longer for a slow answer has left.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)
