"""Messages put among those of a chunk."""

from dataclasses import dataclass

from beam_pipelines.produce.chunk import Chunk, Headers
from beam_pipelines.produce.planting import Planting


@dataclass(frozen=True, kw_only=True)
class Insertion:
    """A message that follows a row of a chunk.

    Attributes:
        after: The row that it follows.
        planting: What it is for.
        key: Its key.
        value: Its value.
        partition: Its partition.
        timestamp_ms: Its timestamp, milliseconds since 1970.
        headers: Its headers.
    """

    after: int
    planting: Planting
    key: bytes | None
    value: bytes | None
    partition: int
    timestamp_ms: int
    headers: Headers | None = None


def copy_of(
    chunk: Chunk, row: int, kind: str, value: bytes | None, *, after: int | None = None
) -> Insertion:
    """An insertion with the row's key, partition and time.

    Args:
        chunk: Where the row is.
        row: The row.
        kind: Name of the fault.
        value: The value.
        after: The row that the insertion follows; the row itself by default.
    """
    return Insertion(
        after=row if after is None else after,
        planting=Planting(kind=kind),
        key=chunk.keys[row],
        value=value,
        partition=chunk.partitions[row],
        timestamp_ms=chunk.timestamps_ms[row],
    )


def inserted(chunk: Chunk, insertions: list[Insertion]) -> Chunk:
    """`chunk` with insertions; those of one row in the order given."""
    result = Chunk(
        topic=chunk.topic, partitions=[], keys=[], values=[], timestamps_ms=[], fate=chunk.fate
    )
    done = 0
    for insertion in sorted(insertions, key=lambda each: each.after):
        _extend(result, chunk, done, insertion.after + 1)
        done = insertion.after + 1
        row = len(result)
        result.planted[row] = insertion.planting
        if insertion.headers is not None:
            result.headers[row] = insertion.headers
        result.partitions.append(insertion.partition)
        result.keys.append(insertion.key)
        result.timestamps_ms.append(insertion.timestamp_ms)
        result.values.append(insertion.value)
    _extend(result, chunk, done, len(chunk))
    return result


def _extend(result: Chunk, chunk: Chunk, start: int, end: int) -> None:
    """Appends the chunk's rows from `start` to `end`."""
    shift = len(result) - start
    result.partitions.extend(chunk.partitions[start:end])
    result.keys.extend(chunk.keys[start:end])
    result.values.extend(chunk.values[start:end])
    result.timestamps_ms.extend(chunk.timestamps_ms[start:end])
    for row in range(start, end):
        if row in chunk.planted:
            result.planted[row + shift] = chunk.planted[row]
        if row in chunk.headers:
            result.headers[row + shift] = chunk.headers[row]
