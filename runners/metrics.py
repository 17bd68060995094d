"""An endpoint for Prometheus: what the Python workers of one host count.

    serve("9400")               # http://127.0.0.1:9400/metrics
    serve("0.0.0.0:9400")       # for whoever may reach this host

Whoever starts workers serves for all of them: the worker pool, or the launcher whose own process
runs them. They leave their figures in a folder, which they know by an environment variable, and so
a worker that died is still counted. Only what a runner itself starts by ``pharmabeam-worker`` has
nobody who serves, and does so itself, on the next free port.
"""

import atexit
import errno
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import Final

from runners.capabilities import refuse
from runners.errors import MetricsPortError
from runners.flags import Flags

__all__ = ["VARIABLE", "Endpoint", "serve", "serve_launched", "serve_own"]

_LOG = logging.getLogger(__name__)

#: Where a worker serves that a runner started by itself: ``[HOST:]PORT``.
VARIABLE: Final = "PHARMABEAM_METRICS_PORT"

#: Prometheus' own: the folder of the figures. Its library keeps them there if the variable is set
#: when it is first imported, and in the process otherwise: so it is imported late, below.
_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

_HOST: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535

# As many workers of one host find a port; there are hardly more than it has cores.
_PORTS: Final = 64


class Endpoint:
    """What is served, from now on until the process ends or it is closed.

    Args:
        host: the address to listen on.
        port: the port; 0 for any.

    Attributes:
        port: the port in use.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        # Only its owner has rights to it.
        self._folder = tempfile.mkdtemp(prefix="pharmabeam-metrics-")
        os.environ[_FOLDER] = self._folder
        from prometheus_client import CollectorRegistry, start_http_server
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._folder)
        self._pid = os.getpid()
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError:
            self._leave()
            raise
        self.port = self._server.server_port
        atexit.register(self._leave)

    def forget(self, pid: int) -> None:
        """Drops what a process said of the present and can't say any more: its gauges."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, self._folder)

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._leave()

    def _leave(self) -> None:
        atexit.unregister(self._leave)
        if os.getpid() != self._pid:  # A fork, which only writes.
            return
        del os.environ[_FOLDER]
        shutil.rmtree(self._folder, ignore_errors=True)


def serve(place: str) -> Endpoint:
    """Serves the figures of this process and of those that it starts from now on.

    Args:
        place: ``[HOST:]PORT``; this machine alone can reach it where no host is named.

    Raises:
        MetricsPortError: it is none, or taken.
    """
    host, port = _parsed(place)
    try:
        endpoint = Endpoint(host, port)
    except OSError as error:
        raise MetricsPortError(place, error.strerror or "it can't be listened on") from error
    _LOG.info("Metrics can be had at http://%s:%d/metrics", host, endpoint.port)
    return endpoint


def serve_launched(place: str, argv: Sequence[str]) -> Endpoint:
    """Serves the figures of a pipeline whose workers run in this process or are its children.

    Args:
        place: as `serve` takes it.
        argv: the runner's flags, as `presets.prepare` returns them.

    Raises:
        RunnerRefusedError: the workers are elsewhere.
        MetricsPortError: as `serve`.
    """
    if Flags(argv).get("environment_type") not in (None, "LOOPBACK"):
        refuse("--metrics_port with workers elsewhere")
    return serve(place)


def serve_own() -> Endpoint | None:
    """Serves the figures of a worker that a runner has started, if `VARIABLE` asks for it.

    A worker is more than its figures: where they can't be served, it only says so in the log.
    """
    place = os.environ.get(VARIABLE)
    if not place or _FOLDER in os.environ:  # Else whoever has started it serves for it.
        return None
    try:
        host, first = _parsed(place)
        return _on_a_free_port(host, first)
    except MetricsPortError as error:
        _LOG.warning("no metrics: %s", error)
        return None


def _on_a_free_port(host: str, first: int) -> Endpoint:
    for port in range(first, first + _PORTS):
        try:
            return Endpoint(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise MetricsPortError(f"{host}:{port}", error.strerror or "no address") from error
    raise MetricsPortError(f"{host}:{first}", f"it and the next {_PORTS - 1} ports are taken")


def _parsed(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if not port.isdecimal() or int(port) > _LAST_PORT:
        raise MetricsPortError(place, "it is not [HOST:]PORT")
    return host.strip("[]") or _HOST, int(port)
