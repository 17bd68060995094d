"""Telling figures, in any thread, so that none is lost.

Prometheus is told at once. Beam knows to which step a figure belongs by the thread that runs the
step. Work that a step does in a thread of its own therefore gathers its figures in a box, and the
step hands them over in its next call.
"""

import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from apache_beam.metrics.execution import MetricsEnvironment

from transforms.metrics.exposing import expose
from transforms.metrics.kinds import Metric


class Box:
    """Figures on their way from a thread to a step; all methods may be called by any thread.

    As a context it takes what its thread tells meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[Metric, tuple[str, ...]], list[float]] = {}

    def __enter__(self) -> Self:
        """Takes what this thread tells from now on."""
        _place.boxes.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Ends that."""
        _place.boxes.pop()

    def put(self, metric: Metric, values: tuple[str, ...], figure: float) -> None:
        """Keeps a figure."""
        with self._lock:
            before = self._held.get((metric, values), [])
            self._held[metric, values] = metric.waiting(before, figure)

    def hand_over(self) -> None:
        """Tells Beam what is in the box, and what threads without one have left behind.

        Where no step of Beam's runs, all stays where it is.
        """
        if not _in_a_step():
            return
        for box in (self, _strays):
            for metric, values, figure in box._taken():
                metric.to_beam(values, figure)

    def _taken(self) -> Iterator[tuple[Metric, tuple[str, ...], float]]:
        with self._lock:
            held, self._held = self._held, {}
        for (metric, values), figures in held.items():
            for figure in figures:
                yield metric, values, figure


class _Place(threading.local):
    def __init__(self) -> None:
        self.boxes: list[Box] = []


_place: Final = _Place()
#: What pools of a moment tell, such as those that read commits ahead: retries.
_strays: Final = Box()


def tell(metric: Metric, figure: float, **labels: str | int) -> None:
    """Tells a figure: adds to a counter, sets a gauge, adds to a distribution.

    Args:
        metric: Which one.
        figure: In its unit.
        labels: A value for each of its labels: a name or a number out of a fixed set.

    Raises:
        TypeError: The labels aren't the metric's.
    """
    if labels.keys() != set(metric.labels):
        raise TypeError(f"{metric.name} has the labels {metric.labels}, got {tuple(labels)}")
    values = tuple(str(labels[name]) for name in metric.labels)
    expose(metric, values, figure)
    if _place.boxes:
        _place.boxes[-1].put(metric, values, figure)
    elif _in_a_step():
        metric.to_beam(values, figure)
    else:
        _strays.put(metric, values, figure)


def _in_a_step() -> bool:
    return MetricsEnvironment.current_container() is not None
