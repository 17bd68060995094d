import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.benchmarks.warehouse.server_cpu import ServerCpu, server_cpu

#: Each of the burners uses so much CPU, in seconds.
BURNT = 0.3
_BURN = f"import time\nwhile time.process_time() < {BURNT}: pass\n"
#: Stands for PostgreSQL: one backend that has ended, one that is there still.
_POSTMASTER = f"""
import subprocess, sys
subprocess.run([sys.executable, '-S', '-c', {_BURN!r}], check=True)
left = subprocess.Popen(
    [sys.executable, '-S', '-c', {_BURN!r} + 'print(1, flush=True); input()'],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
left.stdout.readline()
print('ready', flush=True)
input()
"""
_GATEWAY = f"""
import subprocess, sys
subprocess.run([sys.executable, '-S', '-c', {_POSTMASTER!r}], check=True)
"""


@pytest.fixture
def gateway() -> Iterator[int]:
    """A process whose only child is one with children, living and ended."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", _GATEWAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process.pid
    process.communicate(b"\n")


class TestServerCpu:
    def test_backends_that_have_ended_count_and_the_gateway_is_apart(self, gateway):
        used = server_cpu(gateway)
        # The kernel counts in hundredths; two burners, and two starts of Python.
        assert 2 * BURNT - 0.05 < used.postgres < 2 * BURNT + 1.0
        assert used.gateway == pytest.approx(_own(gateway), abs=0.02)
        assert used.gateway < BURNT

    def test_what_was_used_since_is_the_difference(self):
        assert ServerCpu(5.0, 9.0) - ServerCpu(1.0, 2.5) == ServerCpu(4.0, 6.5)

    def test_a_gateway_without_a_server_is_noticed(self):
        process = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
        with pytest.raises(ValueError, match="not enough values"):
            server_cpu(process.pid)
        process.communicate(b"\n")


def _own(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
