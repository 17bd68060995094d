"""What was read ahead of one partition, while a segment is gathered over many short calls."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from transforms.kafka.messages import Arrival, Fetched
from transforms.segment import MESSAGES_SCHEMA, column_values


@dataclass
class _Part:
    arrived: float
    table: pa.Table


class PartitionBuffer:
    """A contiguous range of one partition that has been read and not yet given out.

    A cache: whoever doubts it throws it away and reads again from the fence. Not safe for use by
    two threads at once; ``SharedConsumer`` sees to that.

    Args:
        topic: Topic name.
        partition: Partition number.
        start: Where the range begins: the fence.
        first: The first offset that the broker still has; what lies between is a gap.
        now: The time, in seconds of a monotonic clock.

    Attributes:
        start: First offset of the range.
        end: Offset after the last one that is known to be read: the next one to read.
        messages: Messages in it.
        bytes: Bytes of their keys, values and headers, about.
        at_end: The log ended at ``end`` when the client last looked.
        lost: The broker has deleted the offset ``end``.
        paused: Nothing is fetched for it.
        asked: When it was last asked for, in seconds of the same clock.
        error: What the client reported of the partition.
    """

    def __init__(self, topic: str, partition: int, start: int, first: int, now: float) -> None:
        self.topic = topic
        self.partition = partition
        self.start = start
        self.end = first
        self.messages = 0
        self.bytes = 0
        self.at_end = False
        self.lost = False
        self.paused = False
        self.asked = now
        self.error: Exception | None = None
        self._parts: deque[_Part] = deque()
        self._grew_at = now

    @property
    def empty(self) -> bool:
        """Whether there is nothing that a segment could account for."""
        return self.end == self.start

    @property
    def since(self) -> float:
        """When the oldest of it came, in seconds of the clock; meaningless while it is empty."""
        return self._parts[0].arrived if self._parts else self._grew_at

    def add(self, arrival: Arrival, now: float) -> None:
        """Adds what came; what lies below the end is known already."""
        table = _from(arrival.table, self.end)
        if self.empty:
            self._grew_at = now
        if table.num_rows:
            self._parts.append(_Part(now, table))
            self.messages += table.num_rows
            self.bytes += table.nbytes
            self.end = int(column_values(table, "offset")[-1]) + 1
            self.at_end = False
        if arrival.end is not None and arrival.end >= self.end:
            # Holes below it (aborted transactions, markers) are read by that, too.
            self.end = arrival.end
            self.at_end = True
        self.lost = self.lost or arrival.lost
        self.error = self.error or arrival.error

    def head(self, messages: int) -> Fetched:
        """Returns the beginning of the range, with at most so many messages."""
        tables, count = [MESSAGES_SCHEMA.empty_table()], 0
        for part in self._parts:
            if count == messages:
                break
            tables.append(part.table.slice(0, messages - count))
            count += tables[-1].num_rows
        # Many calls gave a few messages each; whatever comes next handles whole columns.
        table = pa.concat_tables(tables).combine_chunks()
        if count == self.messages:
            return Fetched(table, self.end)
        return Fetched(table, int(column_values(table, "offset")[-1]) + 1)

    def drop(self, offset: int) -> None:
        """Forgets what lies below an offset: it is on its way."""
        self.start = offset
        while self._parts and int(column_values(self._parts[0].table, "offset")[0]) < offset:
            part = self._parts.popleft()
            self.messages -= part.table.num_rows
            self.bytes -= part.table.nbytes
            rest = _from(part.table, offset)
            if rest.num_rows:
                self._parts.appendleft(_Part(part.arrived, rest))
                self.messages += rest.num_rows
                self.bytes += rest.nbytes


def _from(table: pa.Table, offset: int) -> pa.Table:
    below = int(np.searchsorted(column_values(table, "offset"), offset))
    return table.slice(below) if below else table
