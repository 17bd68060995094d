"""The side of Prometheus: figures for an endpoint, if there is one.

``runners.metrics`` serves it. It collects from several processes of one host, of which some may be
dead already, so the figures go through files in a folder that an environment variable names: the
mode of Prometheus' library for several processes. Without the variable nobody would come for them.
"""

import logging
import os
import threading
from collections.abc import Sequence
from typing import Any, Final

from transforms.metrics.kinds import Metric

_log = logging.getLogger(__name__)

#: Prometheus' own: where the figures of all processes go.
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

_made: dict[Metric, Any] = {}
#: Folders in which figures could not be left.
_lost: set[str] = set()
_lock = threading.Lock()


def expose(metric: Metric, values: Sequence[str], figure: float) -> None:
    """Adds a figure to what the endpoint shows, at once; may be called by any thread."""
    folder = os.environ.get(FOLDER)
    if folder is None or folder in _lost:
        return
    try:
        series = _series(metric)
        metric.to_series(series.labels(*values) if values else series, figure)
    except OSError as error:
        # A full disk, or whoever tidies temporary folders up: no reason to stop the pharmacy.
        _lost.add(folder)
        _log.warning("metrics are no longer exposed by this process: %s", error.strerror)


def _series(metric: Metric) -> Any:
    # Not made on import: the library chooses its mode by the variable when it is first imported,
    # and a launcher sets that only when it has read its flags.
    with _lock:
        if metric not in _made:
            _made[metric] = metric.make_series()
        return _made[metric]
