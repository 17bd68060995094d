"""A pool of Python workers for ``--environment_type=EXTERNAL``: one on each host, or in each pod.

    python -m runners.pool --port 50000

Like Beam's own pool, but for what it lacks: workers get the pipeline's options; they run on the
Python that runs the pool; one that dies before it has reported is started again (Flink would wait
for it for ever); several TaskManagers, which number their workers alike, can share one pool.
"""

import argparse
import logging
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, NoReturn

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from runners import metrics
from runners.errors import MetricsPortError, WorkerError
from runners.pool_workers import Workers
from runners.provision import provision

__all__ = ["main"]

_LOG = logging.getLogger(__name__)

_HOST = "127.0.0.1"

# How soon an ended worker is noticed.
_POLL_S = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Serves until it is terminated; then its workers end, too."""
    arguments = _parser().parse_args(argv)
    # Beam's modules have set up logging when they were imported.
    form = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, force=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    endpoint = None
    if arguments.metrics_port:
        try:
            endpoint = metrics.serve(arguments.metrics_port)
        except MetricsPortError as error:
            _LOG.error("%s", error)
            return 1
    workers = Workers(ended=endpoint.forget if endpoint else None)
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(_Pool(workers), server)
    address = f"{arguments.host}:{arguments.port}"
    if not server.add_insecure_port(address):
        _LOG.error("%s is taken: choose another --port", address)
        return 1
    server.start()
    _LOG.info("Workers can be had at %s", address)
    try:
        while True:
            time.sleep(_POLL_S)
            workers.look()
    finally:
        server.stop(grace=None)
        workers.end()


class _Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]
    """Beam's interface of a pool."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - Beam's name
        """Starts a worker; what can't be provided for it is told to the runner at once."""
        worker = request.worker_id
        endpoint = request.provision_endpoint.url
        logs, control = request.logging_endpoint.url, request.control_endpoint.url
        try:
            provided = provision(worker, endpoint, logging=logs, control=control)
        except WorkerError as error:
            _LOG.error("%s", error)
            return beam_fn_api_pb2.StartWorkerResponse(error=str(error))
        arguments = [
            f"--id={worker}",
            f"--provision_endpoint={endpoint}",
            f"--logging_endpoint={logs}",
            f"--control_endpoint={control}",
        ]
        command = [sys.executable, "-m", "runners.boot", *arguments]
        self._workers.add(worker, command, (provided.control, provided.logging))
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802 - Beam's name
        """Ends a worker."""
        self._workers.stop(request.worker_id)
        return beam_fn_api_pb2.StopWorkerResponse()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m runners.pool",
        description="A pool of Python workers for --environment_type=EXTERNAL.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--metrics_port",
        metavar="[HOST:]PORT",
        help="where Prometheus finds what the workers count; by default nowhere",
    )
    parser.add_argument(
        "--host",
        default=_HOST,
        help=f"the address to listen on (default: {_HOST}; a runner's workers are local to it)",
    )
    return parser


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
