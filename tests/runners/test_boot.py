import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import (
    beam_fn_api_pb2,
    beam_fn_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from apache_beam.runners.job.utils import dict_to_struct

from runners.errors import WorkerError
from runners.local._ports import accepts, free_ports
from runners.local._processes import ProcessId, wait_until
from runners.provision import provision

# A worker's imports take seconds on a busy machine.
START_S = 60


class Runner(
    beam_provision_api_pb2_grpc.ProvisionServiceServicer,
    beam_fn_api_pb2_grpc.BeamFnControlServicer,
    beam_fn_api_pb2_grpc.BeamFnLoggingServicer,
):
    """What a TaskManager is to a worker: it tells options, and when the worker reports."""

    def __init__(self):
        self.options = {"beam:option:job_name:v1": "toy"}
        self.staged = ["submission_environment_dependencies.txt"]
        self.asked: list[str] = []
        self.reported: list[str] = []
        self.logged: list[str] = []
        self._server = grpc.server(ThreadPoolExecutor(16))
        beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(self, self._server)
        beam_fn_api_pb2_grpc.add_BeamFnControlServicer_to_server(self, self._server)
        beam_fn_api_pb2_grpc.add_BeamFnLoggingServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def close(self):
        self._server.stop(grace=None).wait()

    def GetProvisionInfo(self, request, context):  # noqa: N802
        self.asked.append(_worker(context))
        url = endpoints_pb2.ApiServiceDescriptor(url=self.address)
        return beam_provision_api_pb2.GetProvisionInfoResponse(
            info=beam_provision_api_pb2.ProvisionInfo(
                pipeline_options=dict_to_struct(self.options),
                logging_endpoint=url,
                dependencies=[_artifact(name) for name in self.staged],
                runner_capabilities=["some"],
            )
        )

    def Control(self, requests, context):  # noqa: N802
        self.reported.append(_worker(context))
        yield from ()
        for _ in requests:
            continue

    def Logging(self, messages, context):  # noqa: N802
        for batch in messages:
            self.logged += [entry.message for entry in batch.log_entries]
        yield from ()


def _worker(context):
    return dict(context.invocation_metadata())["worker_id"]


def _artifact(name):
    role = beam_runner_api_pb2.ArtifactStagingToRolePayload(staged_name=name)
    return beam_runner_api_pb2.ArtifactInformation(role_payload=role.SerializeToString())


@pytest.fixture
def runner():
    made = Runner()
    yield made
    made.close()


class TestProvision:
    def test_a_worker_is_told_everything_in_the_variables_that_beam_reads(self, runner):
        environ = provision("1-1", runner.address, control="h:1").environ()
        assert runner.asked == ["1-1"]
        assert environ["WORKER_ID"] == "1-1"
        assert json.loads(environ["PIPELINE_OPTIONS"])["beam:option:job_name:v1"] == "toy"
        assert runner.address in environ["LOGGING_API_SERVICE_DESCRIPTOR"]
        assert "h:1" in environ["CONTROL_API_SERVICE_DESCRIPTOR"]
        assert environ["RUNNER_CAPABILITIES"] == "some"

    def test_a_job_that_brings_a_package_is_refused_by_its_name(self, runner):
        runner.staged = ["pharmabeam-1.0-py3-none-any.whl"]
        with pytest.raises(WorkerError, match=r"brings pharmabeam-1.0-py3.*leave out --setup_file"):
            provision("1-1", runner.address)

    def test_a_runner_elsewhere_is_an_error_that_says_where_the_pool_must_be(self):
        with pytest.raises(WorkerError, match="must be on the host"):
            provision("1-1", "127.0.0.1:1")


@pytest.fixture
def pool(tmp_path):
    """A pool's stub, and its process."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "runners.pool", "--port", str(port), "--metrics_port=0"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
    assert wait_until(lambda: accepts(port), timeout=START_S)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel), process
    process.kill()
    process.wait()


def _wish(runner, worker="1-1"):
    url = endpoints_pb2.ApiServiceDescriptor(url=runner.address)
    return beam_fn_api_pb2.StartWorkerRequest(
        worker_id=worker, control_endpoint=url, logging_endpoint=url, provision_endpoint=url
    )


@pytest.mark.flink
class TestPool:
    def test_a_worker_reports_and_logs_no_credentials(self, runner, pool):
        runner.options |= {
            "beam:option:s3_secret_access_key:v1": "swordfish",
            "beam:option:default_sdk_harness_log_level:v1": "WARN",
        }
        stub, process = pool
        assert not stub.StartWorker(_wish(runner)).error
        assert wait_until(lambda: runner.reported == ["1-1"], timeout=START_S)
        (worker,) = _children(process)
        with open(f"/proc/{worker.pid}/environ", "rb") as environ:
            assert b"swordfish" not in environ.read()
        assert not [line for line in runner.logged if "swordfish" in line]

    def test_it_leaves_its_figures_where_its_pool_serves_them(self, runner, pool):
        stub, process = pool
        stub.StartWorker(_wish(runner))
        assert wait_until(lambda: runner.reported, timeout=START_S)
        (worker,) = _children(process)
        with open(f"/proc/{worker.pid}/environ", "rb") as environ:
            variables = dict(each.split(b"=", 1) for each in environ.read().split(b"\0") if each)
        folder = Path(variables[b"PROMETHEUS_MULTIPROC_DIR"].decode())
        assert folder.is_dir()
        process.terminate()
        assert process.wait(START_S) == 0
        assert not folder.exists()

    def test_it_dies_with_its_pool(self, runner, pool):
        stub, process = pool
        stub.StartWorker(_wish(runner))
        assert wait_until(lambda: runner.reported, timeout=START_S)
        (worker,) = _children(process)
        process.kill()
        assert wait_until(lambda: not worker.is_alive(), timeout=10)

    def test_one_that_dies_before_it_reports_is_started_again(self, runner, pool):
        stub, process = pool
        stub.StartWorker(_wish(runner))
        (worker,) = _children(process)
        os.kill(worker.pid, signal.SIGKILL)
        assert runner.reported == []
        assert wait_until(lambda: runner.reported == ["1-1"], timeout=START_S)

    def test_two_runners_may_number_their_workers_alike(self, runner, pool):
        stub, process = pool
        other = Runner()
        stub.StartWorker(_wish(runner))
        stub.StartWorker(_wish(other))
        assert wait_until(lambda: runner.reported and other.reported, timeout=START_S)
        stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1"))
        before = _children(process)
        other.close()
        assert wait_until(lambda: len(_children(process)) == 1, timeout=30)
        assert _children(process)[0] in before

    def test_a_job_that_brings_a_package_is_told_so(self, runner, pool):
        runner.staged = ["workflow.tar.gz"]
        stub, _ = pool
        assert "the job brings workflow.tar.gz" in stub.StartWorker(_wish(runner)).error


def _children(process):
    import psutil

    return [ProcessId.of(child.pid) for child in psutil.Process(process.pid).children()]
