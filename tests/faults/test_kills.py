"""A run that is killed at any step of the protocol leaves a lake that the next run completes.

Each test kills one run after the other on the same lake: what a crash leaves must be right for a
run that crashes too. The counts of visits are chosen so that each run gets to its point.
"""

import signal
from dataclasses import replace

import pytest

from tests.faults.conftest import DISPENSE, PATIENTS, dispense_topic, produce_one_schema
from tests.faults.lakes import assert_exact, assert_holds, wait_until
from tests.faults.rules import Hang
from tests.faults.s3_proxy import S3Proxy
from tests.oracle import committed_ends, expect_topic

pytestmark = pytest.mark.faults

GENESES = DISPENSE.partitions + PATIENTS.partitions


# Genesis commits pass the points of a commit too.
CHAINS = {
    "reading and data files": """
        read.before_segment:1 read.after_segment:1 read.after_segment:3 lake.before_data_file:1
        lake.after_data_file:1 lake.before_data_file:3 lake.after_data_file:4
        """,
    "commits": f"""
        lake.before_commit:{GENESES + 1} lake.before_commit:2 lake.after_commit_sent:1
        lake.after_commit_sent:2 lake.after_commit:1 lake.after_commit:2
        """,
}


@pytest.mark.parametrize("points", [text.split() for text in CHAINS.values()], ids=CHAINS)
def test_a_kill_at_any_step_is_mended_by_the_next_run(lake, stream, points):
    for point in points:
        killed = lake.drain(crash=point)
        assert killed.code == -signal.SIGKILL, (point, killed)
    # It holds as it is, and the next run completes it.
    assert lake.verify("--allow_lag").code == 0
    assert_exact(lake, stream)


def test_a_kill_while_the_reply_to_a_commit_is_awaited_loses_nothing(lake, stream, s3):
    with S3Proxy(s3.port) as proxy:
        proxy.add(Hang(600, after_effect=True), method="PUT", key=r"_commits/.*[1-9]\.json$")
        run = lake.behind(proxy).start()
        wait_until(lambda: any(name.endswith("1.json") for name in lake.keys("_commits/")))
        assert run.kill().code == -signal.SIGKILL
    assert_exact(lake, stream)


def test_the_first_decision_where_to_start_outlives_kills_between_genesis_commits(
    lake, kafka, topic_factory, config_factory
):
    topic = topic_factory(partitions=3)
    later = replace(lake, config=config_factory(dispense_topic(topic)))
    for point in ("lake.before_genesis:1", "lake.after_genesis:1"):
        produce_one_schema(kafka, topic, partitions=3, count=90, seed=len(point))
        decided = committed_ends(kafka.bootstrap_servers, topic)
        assert later.drain("--start=latest", crash=point).code == -signal.SIGKILL
    for point in ("lake.before_genesis:1", "lake.after_genesis:1"):
        produce_one_schema(kafka, topic, partitions=3, count=90, seed=len(point))
        assert later.drain("--start=latest", crash=point).code == -signal.SIGKILL
    assert later.drain("--start=latest").code == 0
    expected = expect_topic(
        kafka.bootstrap_servers, topic, starts=decided, carries="pharmacy.dispense"
    )
    assert len(expected.rows) == 180
    assert_holds(later, {"dispense_event": expected})
