"""A Flink cluster's REST interface, as far as `runners.flink` speaks it; nothing runs behind it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NOT_FOUND = {"errors": ["a.b.NotFoundException: Job not found\n\tat a.b.C.d(C.java:1)"]}
TRACE = (
    "x.y.CompletionException: outer\n\tat a.b\nCaused by: x.y.CheckpointException: not running\n"
)


@dataclass
class FakeJob:
    id: str
    name: str
    state: str = "RUNNING"
    started: int = 1
    ended: int = -1
    width: int = 1
    checkpoint: dict[str, Any] | None = None
    savepoint: dict[str, Any] | None = None
    restored: str | None = None
    refuses_savepoints: bool = False


@dataclass
class FakeFlink:
    """What the interface answers; requests are in ``asked``."""

    version: str = "1.19.3"
    task_managers: list[str] = field(default_factory=lambda: ["127.0.0.1", "127.0.0.1"])
    silent: set[int] = field(default_factory=set)
    slots: int = 2
    class_path: list[str] = field(default_factory=lambda: ["/opt/flink/lib/flink-dist.jar"])
    jobs: list[FakeJob] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        match [method, *path.partition("?")[0].strip("/").split("/")]:
            case ["GET", "overview"]:
                count = len(self.task_managers)
                told = {"flink-version": self.version, "taskmanagers": count}
                return 200, {**told, "slots-total": self.slots}
            case ["GET", "jobmanager", "environment"]:
                return 200, {"jvm": {}, "classpath": self.class_path}
            case ["GET", "taskmanagers"]:
                return 200, {"taskmanagers": [self._manager(*m) for m in self._numbered()]}
            case ["GET", "jobs", "overview"]:
                return 200, {"jobs": [self._listed(job) for job in self.jobs]}
        for job in self.jobs:
            if path.startswith(f"/jobs/{job.id}"):
                return self._of(job, method, path.removeprefix(f"/jobs/{job.id}"), body)
        return 404, NOT_FOUND

    def _of(self, job: FakeJob, method: str, rest: str, body: Any) -> tuple[int, Any]:
        match [method, rest]:
            case ["GET", ""]:
                return 200, {"state": job.state, "vertices": [{"parallelism": job.width}]}
            case ["GET", "/checkpoints"]:
                return 200, self._checkpoints(job)
            case ["PATCH", "?mode=cancel"]:
                job.state = "CANCELED"
                return 202, {}
            case ["POST", "/stop" | "/savepoints"]:
                if not job.refuses_savepoints:
                    job.savepoint = checkpoint(
                        f"file:/savepoint-{job.id}", begun=99, savepoint=True
                    )
                    job.state = "FINISHED" if rest == "/stop" else job.state
                return 202, {"request-id": "t"}
            case ["GET", "/savepoints/t"]:
                failed = {"failure-cause": {"stack-trace": TRACE}}
                done = {"location": f"file:/savepoint-{job.id}"}
                operation = failed if job.refuses_savepoints else done
                return 200, {"status": {"id": "COMPLETED"}, "operation": operation}
        return 404, NOT_FOUND

    def _numbered(self) -> Iterator[tuple[int, str]]:
        return iter(enumerate(self.task_managers))

    def _manager(self, number: int, host: str) -> dict[str, Any]:
        path = f"pekko.tcp://flink@{host}:6122/user/rpc/taskmanager_0"
        told = {"id": f"tm-{number}", "path": path, "dataPort": 7000 + number}
        return {**told, "slotsNumber": 0 if number in self.silent else 1}

    @staticmethod
    def _listed(job: FakeJob) -> dict[str, Any]:
        told = {"jid": job.id, "name": job.name, "state": job.state}
        return {**told, "start-time": job.started, "end-time": job.ended}

    @staticmethod
    def _checkpoints(job: FakeJob) -> dict[str, Any]:
        completed = sum(each is not None for each in (job.checkpoint, job.savepoint))
        restored = job.restored and {"external_path": job.restored}
        latest = {"completed": job.checkpoint, "savepoint": job.savepoint, "restored": restored}
        return {"counts": {"completed": completed, "failed": 0}, "latest": latest}


def checkpoint(
    path: str, *, begun: int = 1, savepoint: bool = False, discarded: bool = False
) -> dict[str, Any]:
    return {
        "external_path": path,
        "is_savepoint": savepoint,
        "trigger_timestamp": begun,
        "end_to_end_duration": 120,
        "checkpointed_size": 2_000_000,
        "discarded": discarded,
    }


@contextlib.contextmanager
def serving() -> Iterator[FakeFlink]:
    """Serves a fake on a free loopback port."""
    fake = FakeFlink()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = fake.answer(self.command, self.path, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _reply  # noqa: N815

        def log_message(self, *unused: object) -> None:
            """Keeps standard error quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
