"""A stream's pipes as one graph, so that a failure starts all of it again, and not a part."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.window import GlobalWindows


def join(*outputs: PCollection[Any]) -> None:
    """Connects pipes at their ends, by a step that none of them sends anything to.

    Flink starts again only what a failed task is connected to. Tasks of a TaskManager share their
    Python worker, and while any of them runs, Beam keeps what it knows of that worker: where it
    has died, all that is started again fails on it, for ever. So no part may outlive another.

    Args:
        outputs: Of pipes of one pipeline; one alone needs nothing.
    """
    if len(outputs) < 2:
        return
    silent = tuple(
        output
        | f"Nothing{number}" >> beam.FlatMap(_nothing)
        | f"Anywhere{number}" >> beam.WindowInto(GlobalWindows())
        for number, output in enumerate(outputs)
    )
    # Without a shuffle each pipe would get a copy of its own of what comes after the union, and a
    # shuffle that nothing comes after is no step of the cluster's.
    joined = silent | "Join" >> beam.Flatten() | "OnePiece" >> beam.Reshuffle()
    _ = joined | "End" >> beam.FlatMap(_nothing)


def _nothing(_element: object) -> Iterator[bytes]:
    return iter(())
