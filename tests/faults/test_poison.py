"""A bug that some message brings out must not stop the others."""

from dataclasses import replace

import pytest

from tests.faults.bugs import POISON
from tests.faults.conftest import dispense_topic, produce_one_schema
from tests.faults.lakes import assert_holds, dead_letters_of
from tests.oracle import Verdict, expect_topic

pytestmark = pytest.mark.faults


def test_messages_that_a_transform_fails_on_are_quarantined_and_the_rest_goes_on(
    lake, kafka, topic_factory, config_factory
):
    topic = topic_factory(partitions=1)
    produce_one_schema(kafka, topic, partitions=1, count=3_600)
    lake = replace(lake, config=config_factory(dispense_topic(topic), messages=1_800))
    ended = lake.drain(before="tests.faults.bugs:plant_poison")
    assert ended.code == 0
    assert "ALARM" in ended.err
    assert "ZeroDivisionError" in ended.err
    assert "may hold a value" not in ended.err

    gone = [row["offset"] for c in lake.commits() for row in dead_letters_of(lake.store, c)]
    # Segments of 1,800 are cut in two once: each poison takes a range of 900 with it.
    assert gone == [*range(0, 900), *range(1_800, 2_700)]
    assert set(POISON) < set(gone)

    expected = expect_topic(kafka.bootstrap_servers, topic, carries="pharmacy.dispense")
    for offset in gone:
        del expected.rows[0, offset]
        expected.verdicts[0, offset] = Verdict("dead_letter", "quarantined")
    assert_holds(lake, {"dispense_event": expected})
