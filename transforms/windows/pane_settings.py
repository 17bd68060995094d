"""When panes are fired, and of which windows."""

from dataclasses import dataclass
from datetime import datetime

from transforms.errors import ConfigurationError
from transforms.windows.spec import Aggregate


@dataclass(frozen=True)
class Sliding:
    """Windows over those of the aggregate.

    Attributes:
        size_s: Their width, in seconds.
        every_s: From one to the next, in seconds.
    """

    size_s: int
    every_s: int

    def check(self, aggregate: Aggregate) -> None:
        """Checks that the aggregate's windows fit in.

        Raises:
            ConfigurationError: They don't.
        """
        width = aggregate.width_us
        if width is None:
            raise ConfigurationError(
                f"the aggregate {aggregate.name} has local days, over which no window slides",
                "Leave sliding out, or declare an aggregate of hours",
            )
        size, every = self.size_s * 1_000_000, self.every_s * 1_000_000
        if every <= 0 or every % width or size % width or not width < size or every > size:
            raise ConfigurationError(
                f"windows of {self.size_s} s every {self.every_s} s don't slide over those of the "
                f"aggregate {aggregate.name}, which are {aggregate.window} wide",
                "Give multiples of that width, the size not smaller than the step",
            )


@dataclass(frozen=True, kw_only=True)
class PaneSettings:
    """When panes are fired.

    Attributes:
        early_s: A cell that has something new is fired so many seconds later, before the
            watermark passes.
        allowed_lateness_s: For how long, in seconds of event time, a window takes late rows after
            its end. Those that are later yet are in the totals only.
        sliding: Windows over those of the aggregate, beside them.
        suppress_below: Hides cells of fewer than so many; see ``suppress``. Zero hides none. All
            cells of a window are published together then. Who follows the panes still sees by how
            much a cell that is shown has grown.
        since: Only windows that start then or later, which are all that a stream from that time on
            reads whole; all by default.
    """

    early_s: int = 10
    allowed_lateness_s: int = 86_400
    sliding: tuple[Sliding, ...] = ()
    suppress_below: int = 0
    since: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("early_s", "allowed_lateness_s", "suppress_below"):
            if getattr(self, name) < 0:
                raise ConfigurationError(
                    f"{name} must not be negative, got {getattr(self, name)}", "Raise it"
                )
