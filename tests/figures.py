"""What a pipeline's result tells of our metrics."""

from typing import Any

import pytest
from apache_beam.metrics.metric import MetricsFilter

from transforms.metrics import NAMESPACE, Box, Metric, telling


@pytest.fixture
def strays(monkeypatch: pytest.MonkeyPatch) -> Box:
    """Where threads leave figures that have no box; without those that earlier tests have left."""
    made = Box()
    monkeypatch.setattr(telling, "_strays", made)
    return made


def counters(result: Any, metric: Metric) -> dict[str, int]:
    """The sums of a counter by its labels, as ``VALUE/VALUE``."""
    return {key: sum(found) for key, found in _found(result, metric, "counters").items()}


def gauges(result: Any, metric: Metric) -> dict[str, int]:
    """The values of a gauge by its labels."""
    found = _found(result, metric, "gauges").items()
    return {key: max(found, key=lambda each: each.timestamp).value for key, found in found}


def distributions(result: Any, metric: Metric) -> dict[str, int]:
    """How many figures a distribution has had, by its labels."""
    found = _found(result, metric, "distributions").items()
    return {key: sum(each.count for each in found) for key, found in found}


def _found(result: Any, metric: Metric, kind: str) -> dict[str, list[Any]]:
    made: dict[str, list[Any]] = {}
    for each in result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))[kind]:
        name, _, labels = each.key.metric.name.partition("/")
        if name == metric.name:
            made.setdefault(labels, []).append(each.committed)
    return made
