"""How far a partition's time has come."""

from dataclasses import replace

import pyarrow as pa
import pytest
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

from tests.transforms.segments import NOON, raw_segment
from transforms.kafka.stream.watermark import after, stamp

#: Messages of the test segments are stamped a second apart, offset 0 at noon.
T0 = NOON.timestamp()
LATER = T0 + 10_000


def stamped(*milliseconds):
    """A segment whose messages have these Kafka timestamps."""
    segment = raw_segment(0, len(milliseconds))
    at = segment.messages.schema.get_field_index("timestamp")
    field = segment.messages.schema.field(at)
    column = pa.array(milliseconds, pa.int64()).cast(field.type)
    return replace(segment, messages=segment.messages.set_column(at, field, column))


class TestStamp:
    def test_it_is_the_earliest_timestamp(self):
        assert stamp(stamped(5_000, 2_000, 9_000), None, LATER) == Timestamp(2)

    def test_it_is_never_below_the_watermark(self):
        assert stamp(stamped(5_000, 2_000), Timestamp(4), LATER) == Timestamp(4)

    def test_a_segment_without_messages_takes_the_watermark(self):
        empty = raw_segment(0, 5, [])
        assert stamp(empty, Timestamp(4), LATER) == Timestamp(4)
        assert stamp(empty, None, LATER) == MIN_TIMESTAMP

    @pytest.mark.parametrize("nonsense", [-1, -(2**62), 2**62])
    def test_timestamps_that_no_clock_gives_end_nothing(self, nonsense):
        assert Timestamp(0) <= stamp(stamped(nonsense), None, LATER) <= Timestamp(LATER)


class TestAfter:
    def test_it_is_the_latest_timestamp_less_the_disorder(self):
        assert after(raw_segment(0, 50), None, 30.0, LATER) == Timestamp(T0 + 49 - 30)

    def test_it_never_moves_back(self):
        known = Timestamp(T0 + 100)
        assert after(raw_segment(0, 50), known, 30.0, LATER) == known

    def test_a_clock_that_is_ahead_moves_it_no_further_than_ours(self):
        assert after(stamped(int(T0 * 1000), 2**60), None, 30.0, T0 + 5) == Timestamp(T0 + 5 - 30)

    def test_a_segment_without_messages_leaves_it(self):
        assert after(raw_segment(0, 5, []), Timestamp(4), 30.0, LATER) == Timestamp(4)
        assert after(raw_segment(0, 5, []), None, 30.0, LATER) is None
