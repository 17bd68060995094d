"""The splittable DoFn of a stream: short calls that claim nothing until a segment is due."""

import time
from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.kafka.config import ReadFromKafkaConfig
from transforms.kafka.discovery import PartitionTask
from transforms.kafka.figures import tell_read
from transforms.kafka.stream import watermark
from transforms.kafka.stream.worker import borrow, give_back
from transforms.segment import Segment
from transforms.watermark import later

#: Beyond every offset: Kafka's are int64.
END: Final = 2**63 - 1

#: Between two calls of a partition. Flink counts whole seconds and cuts off what is left of one by
#: the time it is told: of a plain second nothing would remain, and it would call without a pause.
_PAUSE: Final = Duration(1.5)
_NO_PAUSE: Final = Duration(0)


class _OpenEndedTracker(OffsetRestrictionTracker):  # type: ignore[misc]
    """A partition is read by one worker, in order: only its own checkpoint splits it."""

    def try_split(self, fraction: float) -> tuple[OffsetRange, OffsetRange] | None:
        return super().try_split(0) if fraction == 0 else None

    def is_bounded(self) -> bool:
        return False


class _OpenEnd(RestrictionProvider):  # type: ignore[misc]
    """The range from the end of the last claim on. The start is a hint only."""

    def initial_restriction(self, _task: PartitionTask) -> OffsetRange:
        return OffsetRange(0, END)

    def create_tracker(self, restriction: OffsetRange) -> _OpenEndedTracker:
        return _OpenEndedTracker(restriction)

    def restriction_size(self, _task: PartitionTask, _restriction: OffsetRange) -> int:
        return 1  # What is left has no end; runners only compare.


_RESTRICTION: Final = beam.DoFn.RestrictionParam(_OpenEnd())
_WATERMARK: Final = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class StreamSegmentsFn(beam.DoFn):  # type: ignore[misc]
    """Gives out the segments of one partition for ever.

    A call lasts a second or two, since a checkpoint waits for it. It claims nothing and defers with
    the restriction unchanged until a segment is due; then it claims, gives out that one segment and
    returns. The runner keeps a claim only together with what the fused sink has made of it.
    """

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        self._config = config

    def setup(self) -> None:
        """Joins the process's worker."""
        self._worker = borrow(self._config)

    def teardown(self) -> None:
        """Leaves it."""
        give_back(self._worker)

    @beam.DoFn.unbounded_per_element()  # type: ignore[misc]
    def process(
        self, task: PartitionTask, tracker: Any = _RESTRICTION, estimator: Any = _WATERMARK
    ) -> Iterator[Segment]:
        """Makes one call."""
        if task.failure is not None:
            # A topic that can't be read is reported once, by the sink, and done with.
            self._worker.lane(task).reject(task.failure)
            tracker.try_claim(END - 1)
            return
        stream = self._worker.stream(task)
        hint = tracker.current_restriction().start
        turn = stream.turn(hint)
        if turn.over:
            tracker.try_claim(END - 1)
            return
        if turn.segment is not None:
            # What lies below the hint was claimed by a run whose writing failed.
            if turn.segment.end > hint and not tracker.try_claim(turn.segment.end - 1):
                return  # The next call is no continuation of this one, and begins at the fence.
            tell_read(turn.segment)
            yield self._stamped(turn.segment, estimator)
        elif turn.quiet_at is not None:
            reached = Timestamp(turn.quiet_at - self._config.stream.disorder_s)
            _move(estimator, later(estimator.current_watermark(), reached))
        tracker.defer_remainder(_NO_PAUSE if turn.more else _PAUSE)

    def _stamped(self, segment: Segment, estimator: Any) -> Any:
        before, now = estimator.current_watermark(), time.time()
        made = TimestampedValue(segment, watermark.stamp(segment, before, now))
        _move(estimator, watermark.after(segment, before, self._config.stream.disorder_s, now))
        return made


def _move(estimator: Any, to: Timestamp | None) -> None:
    if to is not None:
        estimator.set_watermark(to)
