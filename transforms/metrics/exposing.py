"""The side of Prometheus: figures for an endpoint, if there is one.

``runners.metrics`` serves it. It collects from several processes of one host, of which some may be
dead already, so the figures go through files in a folder that an environment variable names: the
mode of Prometheus' library for several processes. Without the variable nobody would come for them.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any, Final

from transforms.metrics.kinds import Metric

#: Prometheus' own: where the figures of all processes go.
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

_made: dict[Metric, Any] = {}
_lock = threading.Lock()


def expose(metric: Metric, values: Sequence[str], figure: float) -> None:
    """Adds a figure to what the endpoint shows, at once; may be called by any thread."""
    if FOLDER not in os.environ:
        return
    series = _series(metric)
    metric.to_series(series.labels(*values) if values else series, figure)


def _series(metric: Metric) -> Any:
    # Not made on import: the library chooses its mode by the variable when it is first imported,
    # and a launcher sets that only when it has read its flags.
    with _lock:
        if metric not in _made:
            _made[metric] = metric.make_series()
        return _made[metric]
