import os
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners import _supervisor, job_servers, maven
from runners.job_servers import FLINK, SPARK

SUPERVISOR = _supervisor.__file__

both = pytest.mark.parametrize("server", [FLINK, SPARK], ids=lambda server: server.name)


class TestArtifacts:
    @both
    def test_each_is_a_whole_coordinate_and_no_artifact_has_two_versions(self, server):
        names = maven.locked(server.name)

        parts = [name.split(":") for name in names]
        assert {len(part) for part in parts} <= {3, 5}
        assert Counter(tuple(part[:-1]) for part in parts).most_common(1)[0][1] == 1

    def test_no_two_files_of_flink_have_one_name(self):
        names = Counter(
            f"{artifact}-{rest[-1]}" for _, artifact, *rest in map(_parts, maven.locked(FLINK.name))
        )
        assert names.most_common(1)[0][1] == 1

    @both
    def test_beam_modules_of_the_runner_are_of_one_version(self, server):
        beam = dict(
            name.split(":")[1:]
            for name in maven.locked(server.name)
            if name.startswith("org.apache.beam:beam-") and "-vendor-" not in name
        )
        # Its newest version on the central repository.
        assert beam.pop("beam-runners-java-job-service") == "2.65.0"
        assert set(beam.values()) == {"2.70.0"}


class TestCompose:
    @pytest.fixture
    def jars(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        paths = [tmp_path / f"a folder {n}" / "long-name-of-an-artifact.jar" for n in range(40)]
        monkeypatch.setattr(job_servers.maven, "jars", lambda names, **rest: paths)
        monkeypatch.setattr(job_servers.residuals, "mended", lambda jars, folder: list(jars))
        return paths

    @pytest.fixture
    def files(self, jars):
        """Name and content of each artifact, as files."""
        jars[:] = [jars[0].with_name(name) for name in ("beam.jar", "flink-core.jar")]
        jars[0].parent.mkdir()
        for jar in jars:
            jar.write_text(f"of {jar.name}")
        return {jar.name: jar.read_text() for jar in jars}

    def test_the_jar_holds_only_a_manifest_that_names_all_artifacts(self, jars):
        path = job_servers.compose(FLINK, notify=lambda line: None)

        with zipfile.ZipFile(path) as jar:
            [name] = jar.namelist()
            manifest = jar.read(name)
        assert name == "META-INF/MANIFEST.MF"
        fields = dict(
            line.split(": ", 1)
            for line in manifest.decode().replace("\r\n ", "").splitlines()
            if line
        )
        assert fields["Main-Class"] == FLINK.main_class
        assert fields["Class-Path"].split(" ") == [path.as_uri() for path in jars]

    def test_it_is_composed_anew_only_when_the_artifacts_move(self, jars, monkeypatch):
        first = job_servers.compose(FLINK, notify=lambda line: None)
        born = first.stat().st_mtime_ns

        assert job_servers.compose(FLINK, notify=lambda line: None) == first
        assert first.stat().st_mtime_ns == born
        monkeypatch.setattr(job_servers.maven, "jars", lambda names, **rest: jars[:-1])
        assert job_servers.compose(FLINK, notify=lambda line: None) != first

    def test_of_flink_what_every_cluster_has_is_not_sent_with_a_job(self, files):
        sent, unsent = _class_path(job_servers.compose(FLINK, notify=lambda line: None))

        assert [path.name for path in unsent] == ["flink-core.jar"]
        assert {path.name: path.read_text() for path in (*sent, *unsent)} == files

    def test_a_cluster_that_was_started_from_the_jar_is_sent_nothing(self, files):
        jar = job_servers.compose(FLINK, notify=lambda line: None)

        for _ in range(2):  # the second time it is there already
            other = job_servers.compose(FLINK, notify=lambda line: None, class_path={jar.name})

        sent, unsent = _class_path(other)
        assert sent == []
        assert {path.name: path.read_text() for path in unsent} == files

    def test_nothing_but_the_jar_is_left(self, jars):
        path = job_servers.compose(SPARK, notify=lambda line: None)
        assert list(path.parent.iterdir()) == [path]


def _class_path(jar: Path) -> tuple[list[Path], list[Path]]:
    """Returns the files that Beam sends with a job, and those that it doesn't."""
    with zipfile.ZipFile(jar) as opened:
        manifest = opened.read("META-INF/MANIFEST.MF").replace(b"\r\n ", b"").decode()
    (line,) = [line for line in manifest.splitlines() if line.startswith("Class-Path: ")]
    paths = [Path(unquote(urlsplit(each).path)) for each in line.split(" ")[1:]]
    unsent = [path for path in paths if path.parts[-3:-1] == ("gradle", "wrapper")]
    return [path for path in paths if path not in unsent], unsent


def _parts(coordinate: str) -> list[str]:
    return coordinate.split(":")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=200))
@settings(max_examples=50)
def test_a_wrapped_line_keeps_to_72_bytes_and_reads_back_the_same(text):
    wrapped = job_servers._wrapped(text)

    assert all(len(line) <= 72 for line in wrapped.split(b"\r\n"))
    assert wrapped.replace(b"\r\n ", b"") == text.encode() + b"\r\n"


class TestSupervisor:
    def test_output_goes_to_the_log_and_the_exit_code_comes_back(self, tmp_path):
        log = tmp_path / "logs" / "server.log"
        script = "import sys; print('hello'); print('oh', file=sys.stderr); sys.exit(3)"

        done = subprocess.run(
            [sys.executable, SUPERVISOR, str(log), sys.executable, "-c", script],
            capture_output=True,
            text=True,
        )

        assert done.returncode == 3
        assert sorted(log.read_text().split()) == ["hello", "oh"]
        assert str(log) in done.stderr

    def test_the_server_ends_when_its_parent_is_killed(self, tmp_path):
        with _Parent(tmp_path) as parent:
            parent.process.kill()

            gone, alive = psutil.wait_procs([parent.supervisor, parent.server], timeout=20)
            assert alive == []
            assert len(gone) == 2

    def test_the_server_ends_when_the_supervisor_is_interrupted(self, tmp_path):
        with _Parent(tmp_path) as parent:
            parent.supervisor.send_signal(2)

            _, alive = psutil.wait_procs([parent.server], timeout=20)
            assert alive == []

    def test_ctrl_c_at_the_terminal_leaves_the_server_to_its_parent(self, tmp_path):
        with _Parent(tmp_path, "import signal; signal.signal(2, signal.SIG_IGN)") as parent:
            os.killpg(parent.process.pid, 2)

            time.sleep(0.7)  # longer than the supervisor's pause
            assert parent.server.is_running()
            assert parent.supervisor.status() != psutil.STATUS_ZOMBIE

    def test_a_server_that_ignores_termination_is_killed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(_supervisor, "_GRACE_S", 0.1)
        deaf = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); input()"
        with subprocess.Popen(
            [sys.executable, "-c", deaf], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdout.readline() == b"up\n"
            handlers = [_supervisor.signal.getsignal(n) for n in (2, 15)]
            _supervisor._stop(server)
            for number, handler in zip((2, 15), handlers, strict=True):
                _supervisor.signal.signal(number, handler)

        assert server.returncode == -9

    def test_old_logs_are_forgotten(self, tmp_path):
        for number in range(30):
            log = tmp_path / f"{number}.log"
            log.touch()
            os.utime(log, (number, number))

        _supervisor._forget_old(tmp_path / "new.log")

        assert {int(path.stem) for path in tmp_path.iterdir()} == set(range(10, 30))


class _Parent:
    """A process whose child is a supervisor, whose child in turn is a server that never ends."""

    def __init__(self, folder: Path, first: str = "") -> None:
        server = "import os; print(os.getpid(), flush=True); import time; time.sleep(600)"
        self._log = folder / "server.log"
        command = [sys.executable, SUPERVISOR, str(self._log), sys.executable, "-c", server]
        script = f"{first}\nimport subprocess; subprocess.run({command!r})"
        self.process = subprocess.Popen([sys.executable, "-c", script], start_new_session=True)

    def __enter__(self) -> "_Parent":
        while not (self._log.exists() and self._log.read_text().endswith("\n")):
            assert self.process.poll() is None
            time.sleep(0.02)
        self.server = psutil.Process(int(self._log.read_text()))
        self.supervisor = self.server.parent()
        return self

    def __exit__(self, *unused) -> None:
        for process in (self.process, self.supervisor, self.server):
            try:
                process.kill()
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        self.process.wait()
