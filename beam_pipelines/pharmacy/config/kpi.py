"""What a configuration file may say of live figures."""

from collections.abc import Container, Mapping
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from transforms.errors import ConfigurationError
from transforms.windows import CMS_THRESHOLD, Aggregate, PaneSettings, Sliding

Topic = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Seconds = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SlidingConfig(_Strict):
    """Windows over those of an aggregate; see ``transforms.windows.Sliding``."""

    size_s: Seconds
    every_s: Seconds


class KpiConfig(_Strict):
    """Live figures: the aggregates as panes in a Kafka topic; see ``PaneSettings``.

    Attributes:
        topic: Where they are published; made if it is missing. Without it nothing is.
        partitions: Of a topic that is made.
        early_s: A cell that has something new is published so many seconds later.
        allowed_lateness_s: For how long, in seconds of event time, a window takes late rows.
        suppress_below: Cells of fewer are hidden; 11 is the threshold of CMS, 0 hides none.
        sliding: Aggregate -> windows over its own, beside them.
        since: Windows that start before are left out. A start without state publishes all later
            ones anew, and so does each drain.
    """

    topic: Topic | None = None
    partitions: Annotated[int, Field(ge=1, le=1_000)] = 3
    early_s: Seconds = 10
    allowed_lateness_s: Annotated[int, Field(ge=0)] = 86_400
    suppress_below: Annotated[int, Field(ge=0)] = CMS_THRESHOLD
    sliding: dict[str, tuple[SlidingConfig, ...]] = {}
    since: AwareDatetime | None = None

    def settings(self) -> PaneSettings:
        """Returns when panes are fired."""
        return PaneSettings(
            early_s=self.early_s,
            allowed_lateness_s=self.allowed_lateness_s,
            suppress_below=self.suppress_below,
        )

    def slides(self) -> dict[str, tuple[Sliding, ...]]:
        """Returns by aggregate the windows over its own."""
        return {
            name: tuple(Sliding(each.size_s, each.every_s) for each in listed)
            for name, listed in self.sliding.items()
        }

    def check(self, topics: Container[str], aggregates: Mapping[str, Aggregate]) -> None:
        """Checks it against the rest of the file.

        Args:
            topics: Those that are read.
            aggregates: By name.

        Raises:
            ValueError: It doesn't fit.
        """
        if self.topic is not None and self.topic in topics:
            raise ValueError(f"kpi.topic is {self.topic}, which is read")
        if self.topic is not None and not aggregates:
            raise ValueError("kpi.topic needs an aggregate to publish, and there is none")
        for name, listed in self.slides().items():
            if name not in aggregates:
                raise ValueError(f"kpi.sliding names {name}, which is no aggregate")
            for each in listed:
                try:
                    each.check(aggregates[name])
                except ConfigurationError as error:
                    raise ValueError(f"kpi.sliding: {error}") from None
