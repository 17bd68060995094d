import os
import sys

import psutil
import pytest

from runners.local import _processes
from runners.local._processes import ProcessId, launch, stop, wait_until

SLEEP = ["/bin/sleep", "60"]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "it.log"


@pytest.fixture
def sleeper(log):
    process = launch(SLEEP, log=log, record=lambda _: None)
    yield process
    stop([process], grace=0)


class TestLaunch:
    def test_the_program_runs_in_a_session_of_its_own_under_the_recorded_name(self, log):
        recorded = []
        process = launch(SLEEP, log=log, record=recorded.append)
        try:
            assert recorded == [process]
            assert wait_until(lambda: psutil.Process(process.pid).name() == "sleep", timeout=10)
            assert os.getsid(process.pid) == process.pid
        finally:
            stop([process], grace=0)
        assert not process.is_alive()

    def test_the_program_never_runs_if_it_could_not_be_recorded(self, log):
        seen = []

        def fail(process):
            seen.append(process)
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            launch(["/bin/sh", "-c", "echo ran"], log=log, record=fail)
        assert wait_until(lambda: not seen[0].is_alive(), timeout=10)
        assert log.read_text() == ""

    def test_output_and_given_variables_reach_the_log(self, log):
        process = launch(
            ["/bin/sh", "-c", 'echo "$GREETING"; echo error >&2'],
            log=log,
            record=lambda _: None,
            environ={"GREETING": "hello"},
        )
        assert wait_until(lambda: not process.is_alive(), timeout=10)
        assert log.read_text() == "hello\nerror\n"


class TestStop:
    def test_another_process_with_the_same_pid_is_left_alone(self, sleeper):
        older = ProcessId(pid=sleeper.pid, created=sleeper.created - 100)
        assert not older.is_alive()
        stop([older], grace=0)
        assert sleeper.is_alive()

    def test_a_program_that_ignores_sigterm_is_killed(self, log):
        code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
        process = launch(
            [sys.executable, "-c", f"{code}; time.sleep(60)"], log=log, record=lambda _: None
        )
        assert wait_until(lambda: log.read_text() == "1\n", timeout=10)
        stop([process], grace=0.1)
        assert not process.is_alive()

    def test_children_end_with_their_parent(self, log):
        process = launch(
            ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], log=log, record=lambda _: None
        )
        assert wait_until(lambda: log.read_text() != "", timeout=10)
        child = ProcessId.of(int(log.read_text()))
        stop([process], grace=0)
        assert not child.is_alive()

    def test_a_frozen_process_is_alive_and_can_be_stopped(self, sleeper):
        _processes.freeze(sleeper)
        assert psutil.Process(sleeper.pid).status() == psutil.STATUS_STOPPED
        assert sleeper.is_alive()
        stop([sleeper], grace=5)
        assert not sleeper.is_alive()

    def test_a_thawed_process_goes_on(self, sleeper):
        _processes.freeze(sleeper)
        _processes.thaw(sleeper)
        assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED
