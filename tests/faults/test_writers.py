"""Several writers on one lake: at once, frozen and woken, losing to each other, and swept."""

from dataclasses import replace

import pytest

from beam_pipelines.exit_codes import ExitCode
from tests.faults.conftest import dispense_topic, produce_one_schema
from tests.faults.lakes import SWEEP, assert_exact, wait_until
from tests.oracle import expect_topic
from transforms.lake.names import parse_data_key

pytestmark = pytest.mark.faults

#: How a writer may end that has met another: all is committed, or the other goes on winning.
ENDS = (ExitCode.COMPLETE, ExitCode.CONTENTION)


@pytest.fixture
def single(lake, kafka, topic_factory, config_factory):
    """A lake of one partition of 400 messages in segments of 200, and what it must hold."""
    topic = topic_factory(partitions=1)
    produce_one_schema(kafka, topic, partitions=1, count=400)
    expected = expect_topic(kafka.bootstrap_servers, topic, carries="pharmacy.dispense")
    config = config_factory(dispense_topic(topic), messages=200)
    tiny = config_factory(dispense_topic(topic), messages=20)
    return replace(lake, config=config), tiny, {"dispense_event": expected}


def test_two_copies_at_once_write_each_message_once(lake, stream, config_factory):
    copies = [lake.start(), lake.start()]
    ended = [copy.wait() for copy in copies]
    assert all(end.code in ENDS for end in ended), ended
    assert_exact(lake, stream)


def test_frozen_writers_lose_when_they_wake_after_another_run(lake, stream):
    points = ("lake.before_commit:6:stop", "lake.before_data_file:1:stop")
    # With five partitions the sixth commit of a writer holds messages.
    frozen = [lake.start(crash=point) for point in (*points, "lake.after_data_file:1:stop")]
    for run in frozen:
        run.wait_frozen()
    assert lake.drain().code == 0
    committed = lake.keys("_commits/")
    for run in frozen:
        run.wake()
    ended = [run.wait() for run in frozen]
    assert all(end.code in ENDS for end in ended), ended
    assert lake.keys("_commits/") == committed
    assert_exact(lake, stream)


def test_a_writer_that_loses_five_times_in_a_row_stops_and_names_the_other(single):
    lake, tiny, expected = single
    loser = lake.start(crash="lake.before_commit:2+:stop")
    loser.wait_frozen()
    winner = lake.start(crash="lake.before_commit:1+:stop", config=tiny)
    winner.wait_frozen()
    for commits in range(1, 6):
        winner.wake()
        wait_until(lambda made=commits: len(lake.commits()) == made + 1)
        winner.wait_frozen()
        loser.wake()
        if commits < 5:
            loser.wait_frozen()
    ended = loser.wait()
    assert ended.code == ExitCode.CONTENTION
    assert len(ended.errors) == 1
    assert f"/{winner.pid} took 5 commits" in ended.errors[0]
    winner.kill()
    assert_exact(lake, expected)


def test_a_sweep_takes_what_a_frozen_writer_can_no_longer_commit(single):
    lake, tiny, expected = single
    frozen = lake.start(crash="lake.before_commit:2:stop")
    frozen.wait_frozen()
    written = data_files(lake)
    assert written
    assert lake.drain(config=tiny).code == 0
    # The fence has passed them: they can never be committed.
    assert lake.command(SWEEP, "sweep", "--delete").code == 0
    assert not written & data_files(lake)
    frozen.wake()
    assert frozen.wait().code in ENDS
    assert_exact(lake, expected)


def test_a_writer_that_was_frozen_over_a_sweep_at_the_fence_can_commit(single):
    lake, _, expected = single
    frozen = lake.start(crash="lake.before_commit:2:stop")
    frozen.wait_frozen()
    written = data_files(lake)
    assert lake.command(SWEEP, "sweep", "--delete").code == 0
    assert data_files(lake) == written
    frozen.wake()
    assert frozen.wait().code == 0
    named = {file.key for commit in lake.commits() for file in commit.files}
    assert written <= named
    assert_exact(lake, expected)


def data_files(lake):
    return {key for key in lake.keys("data/") if parse_data_key(key)}
