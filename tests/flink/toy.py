"""A stream of the real one's shape: a splittable DoFn that counts for ever, and a sink beside it.

Each call claims one number and defers for a second. The sink appends a line a number, with the
process that wrote it, so a test sees what came twice, what never, and from where it went on.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration

PARTITIONS = 2


class _Endless(OffsetRestrictionTracker):
    def is_bounded(self):
        return False


class _Counts(RestrictionProvider):
    def initial_restriction(self, element):
        return OffsetRange(0, 1 << 40)

    def create_tracker(self, restriction):
        return _Endless(restriction)

    def restriction_size(self, element, restriction):
        return 1


_RESTRICTION = beam.DoFn.RestrictionParam(_Counts())


class _Partitions(beam.DoFn):
    def process(self, unused: bytes) -> Iterator[int]:
        yield from range(PARTITIONS)


class _Count(beam.DoFn):
    @beam.DoFn.unbounded_per_element()
    def process(self, partition: int, tracker=_RESTRICTION) -> Iterator[tuple[int, int]]:
        number = tracker.current_restriction().start
        if tracker.try_claim(number):
            yield partition, number
        tracker.defer_remainder(Duration(1))


class _Append(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, pair: tuple[int, int]) -> None:
        options = os.environ.get("PIPELINE_OPTIONS", "")
        told = "told" if "checkpointing_interval" in options else "untold"
        with open(self._path, "a") as file:
            file.write(f"{pair[0]} {pair[1]} {os.getpid()} {told}\n")


def build(pipeline: beam.Pipeline, path: Path) -> None:
    """Adds the steps."""
    (
        pipeline
        | beam.Impulse()
        | "Partitions" >> beam.ParDo(_Partitions())
        | beam.Reshuffle()
        | "Count" >> beam.ParDo(_Count())
        | "Append" >> beam.ParDo(_Append(str(path)))
    )


class Written:
    """What a stream's sink has written so far."""

    def __init__(self, path: Path) -> None:
        self._lines = path.read_text().splitlines() if path.exists() else []
        self._lines = [line.split() for line in self._lines if line.count(" ") == 3]

    def numbers(self, partition: int) -> list[int]:
        """The numbers of one partition, in the order of writing."""
        return [int(line[1]) for line in self._lines if int(line[0]) == partition]

    def highest(self) -> list[int]:
        """The highest number of each partition, -1 if there is none."""
        return [max(self.numbers(each), default=-1) for each in range(PARTITIONS)]

    @property
    def workers(self) -> list[int]:
        """The processes that wrote, in the order of their first lines."""
        return list(dict.fromkeys(int(line[2]) for line in self._lines))

    @property
    def all_told(self) -> bool:
        """Whether each worker had been given the pipeline's options."""
        return all(line[3] == "told" for line in self._lines)
