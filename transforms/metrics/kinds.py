"""The kinds of metrics, and how a figure of each gets to Beam and to Prometheus."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from apache_beam.metrics.metric import Metrics

#: Of all metrics: ``pharmabeam.NAME`` on Flink, ``pharmabeam_NAME`` at Prometheus.
NAMESPACE: Final = "pharmabeam"

#: Upper bounds in seconds, close together round the targets: 45 s into the lake, 60 s into the
#: warehouse.
BUCKETS_S: Final = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600, 1800, 3600)

#: Beam takes figures one by one, so those that wait for it are kept; where no Beam runs, as in a
#: loader of its own, nobody ever comes for them.
MOST_WAITING: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """What all kinds have alike.

    Attributes:
        name: Within the namespace; its unit comes last.
        help: What it means, in one sentence.
        labels: The names of its labels. Their values are names of topics, rules and the like, and
            numbers of partitions, never values of messages.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()

    def flat(self, values: Sequence[str]) -> str:
        """Returns Beam's name of one series, which knows no labels: ``NAME/VALUE/VALUE``."""
        return "/".join((self.name, *values))

    @abstractmethod
    def to_beam(self, values: Sequence[str], figure: float) -> None:
        """Tells Beam of a figure, in a thread that runs one of its steps."""

    @abstractmethod
    def waiting(self, before: Sequence[float], figure: float) -> list[float]:
        """Returns what Beam is still to be told, when a figure is added to what waits already."""

    @abstractmethod
    def make_series(self) -> Any:
        """Returns Prometheus' object for it."""

    @abstractmethod
    def to_series(self, series: Any, figure: float) -> None:
        """Tells Prometheus' object, or its child for some labels, of a figure."""

    def _named(self) -> dict[str, Any]:
        # In no registry: in the mode for several processes the figures go to files.
        return {
            "name": self.name,
            "documentation": self.help,
            "labelnames": self.labels,
            "namespace": NAMESPACE,
            "registry": None,
        }


@dataclass(frozen=True, kw_only=True)
class Counter(Metric):
    """A sum that only grows."""

    def to_beam(self, values: Sequence[str], figure: float) -> None:
        """Adds to the sum."""
        Metrics.counter(NAMESPACE, self.flat(values)).inc(int(figure))

    def waiting(self, before: Sequence[float], figure: float) -> list[float]:
        """Returns the sum."""
        return [sum(before) + figure]

    def make_series(self) -> Any:
        """Returns a counter."""
        from prometheus_client import Counter as Made

        return Made(**self._named())

    def to_series(self, series: Any, figure: float) -> None:
        """Adds to the sum."""
        series.inc(figure)


@dataclass(frozen=True, kw_only=True)
class Gauge(Metric):
    """A figure as it is now; the last one counts."""

    def to_beam(self, values: Sequence[str], figure: float) -> None:
        """Sets the figure; Beam takes whole numbers only."""
        Metrics.gauge(NAMESPACE, self.flat(values)).set(round(figure))

    def waiting(self, before: Sequence[float], figure: float) -> list[float]:
        """Returns the last one."""
        return [figure]

    def make_series(self) -> Any:
        """Returns a gauge: of several processes the one counts that spoke last and still lives."""
        from prometheus_client import Gauge as Made

        return Made(**self._named(), multiprocess_mode="livemostrecent")

    def to_series(self, series: Any, figure: float) -> None:
        """Sets the figure."""
        series.set(figure)


@dataclass(frozen=True, kw_only=True)
class Distribution(Metric):
    """Many figures: Beam keeps their number, sum and extremes, Prometheus how many are below what.

    Attributes:
        buckets: Upper bounds of Prometheus' counts.
    """

    buckets: tuple[int, ...] = BUCKETS_S

    def to_beam(self, values: Sequence[str], figure: float) -> None:
        """Adds a figure; Beam takes whole numbers only."""
        Metrics.distribution(NAMESPACE, self.flat(values)).update(round(figure))

    def waiting(self, before: Sequence[float], figure: float) -> list[float]:
        """Returns all of them, up to a number that only waits where no Beam is."""
        return [*before, figure][-MOST_WAITING:]

    def make_series(self) -> Any:
        """Returns a histogram."""
        from prometheus_client import Histogram as Made

        return Made(**self._named(), buckets=self.buckets)

    def to_series(self, series: Any, figure: float) -> None:
        """Adds a figure."""
        series.observe(figure)
