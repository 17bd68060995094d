"""A pipeline of the real one's shape: discovery, a bounded SDF that emits big elements, steps
on them, and small outputs that are combined. Its elements must stay within one stage.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
from apache_beam.coders import Coder
from apache_beam.coders.typecoders import registry
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider

BLOCKS = 3

# Reads that must overlap wait for one another here; one after another they would never meet.
_MEETING = threading.Barrier(2, timeout=30)


@dataclass(frozen=True)
class Block:
    partition: int
    number: int
    steps: int = 0


class BlockCoder(Coder):
    def encode(self, value):
        return b"%d %d %d" % (value.partition, value.number, value.steps)

    def decode(self, encoded):
        return Block(*map(int, encoded.split()))

    def is_deterministic(self):
        return True

    def estimate_size(self, value):
        return 100


registry.register_coder(Block, BlockCoder)


class _WholeRange(OffsetRestrictionTracker):
    def try_split(self, fraction_of_remainder):
        return None


class _Blocks(RestrictionProvider):
    def initial_restriction(self, element):
        return OffsetRange(0, BLOCKS)

    def create_tracker(self, restriction):
        return _WholeRange(restriction)

    def restriction_size(self, element, restriction):
        return restriction.size()


_RESTRICTION = beam.DoFn.RestrictionParam(_Blocks())


class _Discover(beam.DoFn):
    def __init__(self, partitions: int) -> None:
        self._partitions = partitions

    def process(self, unused: bytes) -> Iterator[int]:
        yield from range(self._partitions)


class _Read(beam.DoFn):
    def __init__(self, meet: bool) -> None:
        self._meet = meet

    def process(self, partition: int, tracker=_RESTRICTION) -> Iterator[Block]:
        if self._meet:
            _MEETING.wait()
        number = tracker.current_restriction().start
        while tracker.try_claim(number):
            yield Block(partition, number)
            number += 1


class _Step(beam.DoFn):
    def process(self, block: Block) -> Iterator[Block]:
        yield replace(block, steps=block.steps + 1)


class _Write(beam.DoFn):
    def process(self, block: Block) -> Iterator[tuple[int, int]]:
        yield block.partition, block.number + block.steps


class _Save(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = path

    def process(self, total: tuple[int, int]) -> None:
        with open(self._path, "a") as file:
            file.write(f"{total[0]} {total[1]}\n")


def build(
    pipeline: beam.Pipeline,
    path: str,
    *,
    partitions: int = 4,
    meet: bool = False,
    reshuffled: bool = True,
    crossing: bool = False,
) -> None:
    """Adds the steps; ``crossing`` sends the blocks over a stage's edge, as a real one must not."""
    found = pipeline | beam.Impulse() | "Discover" >> beam.ParDo(_Discover(partitions))
    if reshuffled:
        found |= "Spread" >> beam.Reshuffle()
    blocks = found | "Read" >> beam.ParDo(_Read(meet))
    if crossing:
        blocks |= "Cross" >> beam.Reshuffle()
    (
        blocks
        | "Step1" >> beam.ParDo(_Step())
        | "Step2" >> beam.ParDo(_Step())
        | "Write" >> beam.ParDo(_Write())
        | "Total" >> beam.CombinePerKey(sum)
        | "Save" >> beam.ParDo(_Save(path))
    )


def expected(partitions: int = 4) -> list[tuple[int, int]]:
    """The totals by partition, in plain Python."""
    return [(partition, sum(n + 2 for n in range(BLOCKS))) for partition in range(partitions)]


def totals(path: str) -> list[tuple[int, int]]:
    """What a run saved."""
    with open(path) as file:
        return sorted(tuple(map(int, line.split())) for line in file)
