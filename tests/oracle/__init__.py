"""The independent oracle: what the lake must hold, worked out message by message.

A plain consumer, plain Python and the strict per-record path; none of the pipeline's code for
reading, framing, columnar decoding or writing. `tests/oracle/test_oracle.py` checks that.
"""

from tests.oracle.compare import Difference, compare, compare_dispositions
from tests.oracle.expected import Expected, Verdict, expected_of
from tests.oracle.messages import Message
from tests.oracle.reader import committed_ends, earliest_starts, read_committed
from tests.oracle.whole import expect_topic, expect_topics, expected_of_run

__all__ = [
    "Difference",
    "Expected",
    "Message",
    "Verdict",
    "committed_ends",
    "compare",
    "compare_dispositions",
    "earliest_starts",
    "expect_topic",
    "expect_topics",
    "expected_of",
    "expected_of_run",
    "read_committed",
]
