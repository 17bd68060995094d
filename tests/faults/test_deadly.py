"""A message that kills its process must not stop the others for ever."""

import signal
from dataclasses import replace

import pytest

from tests.faults.conftest import dispense_topic, produce_one_schema
from tests.faults.lakes import assert_holds, dead_letters_of
from tests.oracle import Verdict, expect_topic

pytestmark = pytest.mark.faults

DEADLY = 700


def test_a_message_that_kills_every_run_is_quarantined_once_two_runs_came_no_further(
    lake, kafka, topic_factory, config_factory
):
    topic = topic_factory(partitions=1)
    produce_one_schema(kafka, topic, partitions=1, count=1_200)
    lake = replace(lake, config=config_factory(dispense_topic(topic), messages=500))
    crash = f"decode.offset:{DEADLY}"

    # The first segment is sound, so the first death is that of a run that had come further.
    deaths = [lake.drain(crash=crash).code for _ in range(3)]
    ended = lake.drain(crash=crash)

    assert deaths == [-signal.SIGKILL] * 3
    assert ended.code == 0, ended
    assert f"ALARM: 2 runs died at {topic}[0] 500-1000" in ended.err
    assert "kills every process" in ended.err
    gone = [row["offset"] for c in lake.commits() for row in dead_letters_of(lake.store, c)]
    assert gone == list(range(500, 1_000))

    expected = expect_topic(kafka.bootstrap_servers, topic, carries="pharmacy.dispense")
    for offset in gone:
        del expected.rows[0, offset]
        expected.verdicts[0, offset] = Verdict("dead_letter", "quarantined")
    assert_holds(lake, {"dispense_event": expected})
