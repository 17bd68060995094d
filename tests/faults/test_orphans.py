"""No process outlives a run, however the run ends."""

import math
import signal
from pathlib import Path

import pytest

from tests.faults.lakes import assert_exact, wait_until
from tests.faults.rules import Hang
from tests.faults.s3_proxy import S3Proxy

pytestmark = pytest.mark.faults

WORKERS = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")


def children(pid):
    """Returns the processes below a process, itself excluded."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def gone(pids):
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_workers_end_with_the_run(lake, stream, s3):
    for end, code in (("kill", -signal.SIGKILL), ("interrupt", 130)):
        with S3Proxy(s3.port) as proxy:
            # The workers are busy: each waits for an answer that doesn't come.
            hanging = proxy.add(Hang(600), method="PUT", key="/data/", count=math.inf)
            run = lake.behind(proxy).start(*WORKERS)
            wait_until(lambda rule=hanging: rule.applied)
            workers = children(run.pid)
            assert len(workers) >= 2
            getattr(run, end)()
            wait_until(lambda pids=workers: gone(pids), timeout=20)
            assert run.wait().code == code
    assert_exact(lake, stream)
