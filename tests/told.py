"""What is told of metrics while a test's body runs, without Beam and Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager

from transforms.metrics import Box, Metric


class Told:
    """Figures by metric and the values of its labels."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def of(self, metric: Metric) -> dict[str, float | list[float]]:
        """The figures of a metric by its labels, as ``VALUE/VALUE``."""
        return {
            "/".join(values): figures[0] if len(figures) == 1 else figures
            for (found, values), figures in self._box._held.items()
            if found == metric
        }


@contextmanager
def telling() -> Iterator[Told]:
    """Takes what this thread tells meanwhile."""
    with Box() as box:
        yield Told(box)
