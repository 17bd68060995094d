"""The endpoint for Prometheus: over HTTP, for several processes, and wherever there is a port.

Each endpoint has a process of its own: Prometheus' library chooses where figures go when it is
first imported.
"""

import os
import signal
import subprocess
import sys

import pytest

from runners import metrics
from runners.errors import MetricsPortError, RunnerRefusedError
from runners.local._ports import free_ports
from tests.scrapes import scraped

#: Serves, tells, has two children tell, one after the other, and forgets those that it is told to.
PARENT = """
import os, sys
from runners import metrics
endpoint = metrics.serve(sys.argv[1])
from transforms.metrics import FRESHNESS_SECONDS, LAG_OFFSETS, READ_MESSAGES, tell
tell(READ_MESSAGES, 1, topic="t", partition=0)
for number in (20, 300):
    child = os.fork()
    if not child:
        tell(READ_MESSAGES, number, topic="t", partition=0)
        tell(LAG_OFFSETS, number, topic="t", partition=0)
        tell(FRESHNESS_SECONDS, number, topic="t")
        os._exit(0)
    os.waitpid(child, 0)
    print(child, flush=True)
for line in sys.stdin:
    endpoint.forget(int(line))
    print("forgotten", flush=True)
"""
#: What ``pharmabeam-worker`` does, without the worker.
OWN = """
import sys
from runners import metrics
endpoint = metrics.serve_own()
print(endpoint and endpoint.port, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def start():
    """Starts programs, which end with the test."""
    started = []

    def make(code, *arguments, **environ):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environ},
        )
        started.append(process)
        return process

    yield make
    for each in started:
        each.send_signal(signal.SIGKILL)
        each.communicate()


@pytest.fixture
def port():
    (free,) = free_ports(1)
    return free


def said(process):
    line = process.stdout.readline().strip()
    assert line, process.communicate()[1]
    return line


class TestServing:
    def test_figures_of_several_processes_are_one(self, start, port):
        parent = start(PARENT, str(port))
        first, second = said(parent), said(parent)
        found = scraped(port)
        where = (("partition", "0"), ("topic", "t"))
        assert found["pharmabeam_read_messages_total", where] == 321
        assert found["pharmabeam_lag_offsets", where] == 300  # The newest.
        assert found["pharmabeam_freshness_seconds_count", (("topic", "t"),)] == 2
        assert found["pharmabeam_freshness_seconds_bucket", (("le", "20.0"), ("topic", "t"))] == 1

        for each in (first, second):
            parent.stdin.write(f"{each}\n")
            parent.stdin.flush()
            said(parent)
        found = scraped(port)
        assert ("pharmabeam_lag_offsets", where) not in found
        assert found["pharmabeam_read_messages_total", where] == 321

    def test_this_machine_alone_can_reach_it_unless_another_address_is_named(self):
        assert metrics._parsed("9400") == ("127.0.0.1", 9400)
        assert metrics._parsed("0.0.0.0:9400") == ("0.0.0.0", 9400)
        assert metrics._parsed("[::1]:9400") == ("::1", 9400)

    @pytest.mark.parametrize("place", ["", "lots", "9400:", "host:-1", "70000"])
    def test_what_is_no_port_is_refused(self, place):
        with pytest.raises(MetricsPortError, match="it is not"):
            metrics.serve(place)
        assert metrics._FOLDER not in os.environ

    def test_a_port_that_is_taken_is_refused(self, start, port):
        said(start(OWN, **{metrics.VARIABLE: str(port)}))
        with pytest.raises(MetricsPortError, match="already in use: choose another --metrics_port"):
            metrics.serve(str(port))
        assert metrics._FOLDER not in os.environ


class TestOfALauncher:
    def test_workers_elsewhere_are_refused(self):
        with pytest.raises(RunnerRefusedError, match="give it to python -m"):
            metrics.serve_launched("0", ["--environment_type=EXTERNAL"])


class TestOfAWorkerThatARunnerStarts:
    def test_without_the_variable_there_is_none(self, start):
        assert said(start(OWN)) == "None"

    def test_each_takes_the_next_free_port(self, start, port):
        environ = {metrics.VARIABLE: str(port)}
        workers = [start(OWN, **environ) for _ in range(2)]
        ports = {int(said(each)) for each in workers}
        assert len(ports) == 2
        assert all(port <= each < port + metrics._PORTS for each in ports)
        for each in ports:
            scraped(each)

    def test_where_a_pool_serves_for_it_there_is_none(self, start, port, tmp_path):
        environ = {metrics.VARIABLE: str(port), metrics._FOLDER: str(tmp_path)}
        assert said(start(OWN, **environ)) == "None"

    def test_a_worker_works_all_the_same_where_it_can_not_be_served(self, start):
        worker = start(OWN, **{metrics.VARIABLE: "lots"})
        assert said(worker) == "None"
        assert "no metrics: metrics at lots: it is not [HOST:]PORT" in worker.communicate()[1]
