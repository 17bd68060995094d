import signal
import subprocess
import sys

import pytest

from runners.local._processes import wait_until
from runners.pool_workers import Workers

FOR_EVER = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"


class Pool:
    """Workers with a clock that the test moves, and a runner that it takes away."""

    def __init__(self):
        self.now = 0.0
        self.runner = True
        self.workers = Workers(clock=lambda: self.now, reachable=self.accepts)

    def accepts(self, address):
        # A runner that closes down closes its log first.
        return self.runner or address == "control"

    def add(self, script):
        self.workers.add("1-1", [sys.executable, "-c", script], ["control", "logging"])

    @property
    def process(self) -> subprocess.Popen:
        (worker,) = self.workers._workers
        return worker.process

    def look_after(self, seconds):
        self.workers.look()
        self.now += seconds
        self.workers.look()


@pytest.fixture
def pool():
    made = Pool()
    yield made
    made.workers.end()


def ended(process):
    return wait_until(lambda: process.poll() is not None, timeout=20)


class TestAWorkerThatDies:
    def test_while_its_runner_waits_for_it_is_started_again(self, pool):
        pool.add(FOR_EVER)
        first = pool.process
        first.kill()
        assert ended(first)
        pool.look_after(2.5)
        assert pool.process.pid != first.pid
        assert pool.process.poll() is None

    def test_is_not_started_again_at_once_since_its_runner_may_be_ending(self, pool):
        pool.add("raise SystemExit(1)")
        first = pool.process
        assert ended(first)
        pool.look_after(1)
        assert pool.process is first
        pool.runner = False
        pool.workers.look()
        assert len(pool.workers) == 0

    def test_again_and_again_is_given_up(self, pool):
        pool.add("raise SystemExit(1)")
        processes = set()
        while len(pool.workers):
            processes.add(pool.process.pid)
            assert ended(pool.process)
            pool.look_after(2.5)
        assert len(processes) == 5

    def test_with_success_has_done_its_work(self, pool):
        pool.add("pass")
        assert ended(pool.process)
        pool.workers.look()
        assert len(pool.workers) == 0


class TestAWorkerWithoutARunner:
    def test_that_hangs_is_killed(self, pool):
        pool.add(FOR_EVER)
        process = pool.process
        pool.runner = False
        pool.look_after(4)
        assert process.poll() is None
        pool.look_after(2)
        assert ended(process)

    def test_that_has_it_back_in_time_goes_on(self, pool):
        pool.add(FOR_EVER)
        pool.runner = False
        pool.look_after(4)
        pool.runner = True
        pool.look_after(4)
        pool.runner = False
        pool.look_after(4)
        assert pool.process.poll() is None


class TestAWorkerThatIsStopped:
    def test_ends_and_is_not_started_again(self, pool):
        pool.add(FOR_EVER)
        process = pool.process
        pool.workers.stop("1-1")
        assert ended(process)
        pool.look_after(9)
        assert len(pool.workers) == 0

    def test_is_killed_if_it_is_frozen(self, pool):
        pool.add(FOR_EVER)
        process = pool.process
        process.send_signal(signal.SIGSTOP)
        pool.workers.stop("1-1")
        pool.look_after(4)
        assert ended(process)

    def test_shares_its_id_with_another_until_both_are_stopped(self, pool):
        pool.add(FOR_EVER)
        pool.add(FOR_EVER)
        first, second = (worker.process for worker in pool.workers._workers)
        pool.workers.stop("1-1")
        pool.look_after(9)
        assert (first.poll(), second.poll()) == (None, None)
        pool.workers.stop("1-1")
        assert ended(first)
        assert ended(second)

    def test_leaves_another_of_its_id_alone_once_it_has_ended(self, pool):
        pool.add("import time; time.sleep(0.2)")
        pool.add(FOR_EVER)
        first, second = (worker.process for worker in pool.workers._workers)
        pool.workers.stop("1-1")
        assert ended(first)
        pool.workers.look()
        assert second.poll() is None
        pool.workers.stop("1-1")
        assert ended(second)


class TestTheEndOfThePool:
    def test_is_the_end_of_all_its_workers(self, pool):
        pool.add(FOR_EVER)
        process = pool.process
        pool.workers.end()
        assert process.poll() is not None
        assert len(pool.workers) == 0

    def test_kills_a_worker_that_ignores_it(self, pool, monkeypatch):
        monkeypatch.setattr("runners.pool_workers._TERM_GRACE_S", 0.1)
        monkeypatch.setattr(pool, "now", 0)
        process = subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"\n"
        pool.add(FOR_EVER)
        (worker,) = pool.workers._workers
        other, worker.process = worker.process, process
        pool.workers.end()
        assert process.poll() == -9
        other.kill()
        other.wait()
        process.stdout.close()
