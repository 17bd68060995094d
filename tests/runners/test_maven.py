import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import jgo.constants
import pytest
from rich.console import Console

from runners import maven
from runners.errors import MavenError


class Repository:
    """A Maven repository on the loopback address; ``faults`` are answered first, one each."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[int]] = {}
        self.asked: list[str] = []

    def publish(self, artifact: str, version: str, depends: tuple[str, ...] = ()) -> None:
        dependencies = "".join(
            f"<dependency><groupId>g</groupId><artifactId>{name}</artifactId>"
            f"<version>{number}</version></dependency>"
            for name, number in (text.split(":") for text in depends)
        )
        pom = (
            "<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId>"
            f"<artifactId>{artifact}</artifactId><version>{version}</version>"
            f"<dependencies>{dependencies}</dependencies></project>"
        )
        base = f"/g/{artifact}/{version}/{artifact}-{version}"
        self.put(f"{base}.pom", pom.encode())
        self.put(f"{base}.jar", f"jar of {artifact} {version}".encode())

    def put(self, path: str, body: bytes) -> None:
        self.files[path] = body
        self.files[f"{path}.sha1"] = hashlib.sha1(body).hexdigest().encode()

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked.append(path)
        if waiting := self.faults.get(path):
            return waiting.pop(0), b""
        return (200, self.files[path]) if path in self.files else (404, b"")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    served = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = served.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(jgo.constants, "MAVEN_CENTRAL_URL", url)
        monkeypatch.setattr(maven, "_PAUSE_S", 0)
        monkeypatch.setenv("JGO_CONFIG_FILE", str(tmp_path / "none.conf"))
        monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield served
        server.shutdown()


def names(paths):
    return [path.name for path in paths]


def test_files_come_in_the_order_asked_for_without_dependencies(repository):
    repository.publish("a", "1.0", ("c:1.0",))
    repository.publish("b", "1.0")
    found = maven.jars(["g:b:1.0", "g:a:1.0"])
    assert names(found) == ["b-1.0.jar", "a-1.0.jar"]
    assert found[1].read_bytes() == b"jar of a 1.0"


@pytest.mark.parametrize("name", ["kafka-4.1", "flink-1.19", "spark-3"])
def test_a_locked_class_path_names_each_artifact_once_with_its_version(name):
    coordinates = maven.locked(name)
    assert len(coordinates) > 40
    assert all(line.count(":") >= 2 for line in coordinates)
    assert len({tuple(line.split(":")[:2]) for line in coordinates}) >= len(coordinates) - 10


def test_the_second_call_asks_nobody(repository):
    repository.publish("a", "1.0")
    first = maven.jars(["g:a:1.0"])
    repository.asked.clear()
    assert maven.jars(["g:a:1.0"]) == first
    assert not repository.asked


def test_a_jar_that_was_cut_short_is_not_trusted(repository):
    repository.publish("a", "1.0")
    (jar,) = maven.jars(["g:a:1.0"])
    jar.unlink()
    assert maven.jars(["g:a:1.0"]) == [jar]
    assert jar.read_bytes() == b"jar of a 1.0"


def test_a_server_that_fails_for_a_while_is_asked_again(repository):
    repository.publish("a", "1.0")
    repository.faults["/g/a/1.0/a-1.0.jar"] = [500, 503]
    assert names(maven.jars(["g:a:1.0"])) == ["a-1.0.jar"]


def test_bytes_that_differ_from_the_checksum_get_no_name(repository, tmp_path):
    repository.publish("a", "1.0")
    repository.files["/g/a/1.0/a-1.0.jar"] = b"jar of"
    with pytest.raises(MavenError, match=r"g:a.*differ from the published checksum"):
        maven.jars(["g:a:1.0"])
    left = [path.name for path in (tmp_path / "m2").rglob("*") if path.is_file()]
    assert left == []


def test_a_missing_artifact_is_one_clear_line(repository):
    with pytest.raises(MavenError) as error:
        maven.jars(["g:missing:1.0"])
    text = str(error.value)
    assert "g:missing" in text
    assert "not found in the repositories central" in text
    assert "\n" not in text


def test_malformed_coordinates_are_one_clear_line(repository):
    with pytest.raises(MavenError, match="nonsense"):
        maven.jars(["nonsense"])


def test_where_there_is_no_terminal_one_line_tells_what_was_fetched(repository):
    repository.publish("a", "1.0")
    console = Console(file=StringIO(), width=200)
    maven.jars(["g:a:1.0"], console=console)
    assert console.file.getvalue().startswith("Fetched g:a:1.0: 1 jars")
