"""Trying transforms on a segment in a process of its own: does it live?

A process that a message kills can't tell of it, so the question is put to a child. It says when it
has run the transforms on an empty segment, so all is loaded and set up, and says again when it has
run them on the segment. Only a child that dies between the two was killed by the segment. What a
transform raises is no death: the run itself deals with that.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import IO, Any, Final

import apache_beam as beam
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.segment import DISPOSED_SCHEMA, FINDINGS_SCHEMA, Segment, SegmentCoder

_READY: Final = b"r"
_DONE: Final = b"d"


class Ending(Enum):
    """What became of a rehearsal."""

    LIVED = auto()
    DIED = auto()
    #: The child could not be started, or died before it was given the segment.
    UNKNOWN = auto()


class Rehearsal:
    """Runs transforms on segments in child processes, one process for each.

    Args:
        transforms: PTransforms from segments to segments, in their order.
    """

    def __init__(self, transforms: Sequence[beam.PTransform[Any, Any]]) -> None:
        self._pickled: bytes = pickler.dumps(list(transforms))

    def run(self, segment: Segment) -> Ending:
        """Returns whether a process that handles the segment lives."""
        parts = [self._pickled, SegmentCoder().encode(_untouched(segment))]
        receiving, sending = os.pipe()
        with os.fdopen(receiving, "rb") as replies:
            try:
                child = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(sending)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # A library's last words may hold a value.
                    pass_fds=[sending],
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                )
            except OSError:
                return Ending.UNKNOWN
            finally:
                os.close(sending)
            with child:
                return _ending(child, replies, parts)


def _ending(child: "subprocess.Popen[bytes]", replies: IO[bytes], parts: Sequence[bytes]) -> Ending:
    assert child.stdin is not None
    try:
        for part in parts:
            child.stdin.write(len(part).to_bytes(8, "big") + part)
        child.stdin.close()
    except BrokenPipeError:
        return Ending.UNKNOWN
    if replies.read(1) != _READY:
        return Ending.UNKNOWN
    return Ending.LIVED if replies.read(1) == _DONE else Ending.DIED


def main(descriptor: int) -> None:
    """Is the child: reads transforms and segment from standard input, replies to a pipe."""
    given = sys.stdin.buffer
    pickled, encoded = (given.read(int.from_bytes(given.read(8), "big")) for _ in range(2))
    transforms, segment = pickler.loads(pickled), SegmentCoder().decode(encoded)
    empty = replace(segment, messages=segment.messages.slice(0, 0))
    for reply, each in ((_READY, empty), (_DONE, segment)):
        _handle(transforms, each)
        os.write(descriptor, reply)


def _handle(transforms: Sequence[beam.PTransform[Any, Any]], segment: Segment) -> None:
    try:
        with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
            handled = pipeline | "Segment" >> beam.Create([segment])
            for number, transform in enumerate(transforms):
                handled = handled | f"{number}" >> transform
    except Exception:  # noqa: BLE001 - not a death; the run itself will meet and report it
        return


def _untouched(segment: Segment) -> Segment:
    return replace(
        segment,
        disposed=DISPOSED_SCHEMA.empty_table(),
        findings=FINDINGS_SCHEMA.empty_table(),
        rows={},
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
