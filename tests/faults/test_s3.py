"""Faults of S3 and of the network at each call that the protocol makes."""

import math
import signal
from dataclasses import replace

import pytest

from beam_pipelines.exit_codes import ExitCode
from tests.faults.conftest import DISPENSE, PATIENTS, dispense_topic, produce_one_schema
from tests.faults.lakes import assert_exact, wait_until
from tests.faults.rules import Cut, CutReply, Hang, Late, Reset, Slow, Status
from tests.faults.s3_proxy import S3Proxy
from tests.oracle import expect_topic

pytestmark = pytest.mark.faults

#: Numbers up to 9: the chains of these tests are short.
SEGMENT_COMMIT = r"_commits/.*[1-9]\.json$"

#: The calls that the protocol makes: method, key, query, and which of them is hit.
CALLS = {
    "PUT _lake.json": ("PUT", r"_lake\.json$", "", 1),
    "PUT genesis of partition 0": ("PUT", r"_commits/.*/0/0{20}\.json$", "", 1),
    "PUT genesis of another": ("PUT", r"_commits/.*/1/0{20}\.json$", "", 1),
    "PUT data": ("PUT", "/data/", "", 2),
    "PUT commit": ("PUT", SEGMENT_COMMIT, "", 2),
    "PUT report": ("PUT", "/_runs/", "", 1),
    "GET _lake.json": ("GET", r"_lake\.json$", "", 2),
    "GET commit": ("GET", r"_commits/.*\.json$", "", 2),
    "HEAD commit": ("HEAD", r"_commits/", "", 2),
    "LIST": ("GET", "", "delimiter=", 1),
}
CREATES = ("PUT _lake.json", "PUT genesis of partition 0", "PUT genesis of another", "PUT commit")

#: Short, so that a request without an answer costs no time.
TIMEOUT_S = 0.8

FAULTS = {
    "500": Status(500),
    "503": Status(503),
    "a reset before the effect": Reset(),
    "a reset after the effect": Reset(after_effect=True),
    "a time-out before the effect": Hang(600),
    "a time-out after the effect": Hang(600, after_effect=True),
}


@pytest.fixture
def proxy(s3):
    with S3Proxy(s3.port) as running:
        yield running


@pytest.fixture
def impatient(config_factory):
    """Returns a configuration that waits for S3 so many seconds."""

    def write(patience_s):
        waiting = {"patience_s": patience_s, "timeout_s": TIMEOUT_S}
        return config_factory(PATIENTS, DISPENSE, lake=waiting)

    return write


def befall(proxy, fault, calls):
    """Adds the fault to one call of each kind; returns the rules by call."""
    rules = {}
    for name in calls:
        method, key, query, nth = CALLS[name]
        rules[name] = proxy.add(fault, method=method, key=key, query=query, nth=nth)
    return rules


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_at_each_kind_of_call_is_survived(lake, stream, proxy, impatient, fault):
    # Only a PUT has an effect.
    late = getattr(fault, "after_effect", False)
    calls = [name for name in CALLS if name.startswith("PUT") or not late]
    rules = befall(proxy, fault, calls)
    ended = lake.behind(proxy).drain(config=impatient(60))
    assert {name: rule.applied for name, rule in rules.items()} == dict.fromkeys(calls, 1)
    assert ended.code == 0, ended
    assert_exact(lake, stream)


@pytest.mark.parametrize("status", [409, 412])
def test_a_refused_condition_on_a_free_number_is_tried_again(lake, stream, proxy, status):
    rules = befall(proxy, Status(status), CREATES)
    ended = lake.behind(proxy).drain()
    assert all(rule.applied == 1 for rule in rules.values()), ended
    assert ended.code == 0, ended
    assert_exact(lake, stream)


def test_broken_transfers_are_repeated(lake, stream, proxy):
    rules = [
        proxy.add(Cut(0.5), method="PUT", key="/data/", nth=2),
        proxy.add(Cut(0.5), method="PUT", key="_commits/", nth=6),
        proxy.add(CutReply(0.5), method="GET", key=r"_commits/.*\.json$"),
        proxy.add(CutReply(0.5), method="GET", key=r"_lake\.json$", nth=2),
    ]
    ended = lake.behind(proxy).drain()
    assert all(rule.applied == 1 for rule in rules), ended
    assert ended.code == 0, ended
    assert_exact(lake, stream)


def test_a_commit_that_takes_effect_five_seconds_late_meets_itself(lake, stream, proxy):
    proxy.add(Late(5), method="PUT", key=SEGMENT_COMMIT, nth=2)
    assert lake.behind(proxy).drain().code == 0
    proxy.wait_for(lambda seen: isinstance(seen.action, Late) and seen.server_status == 412)
    assert_exact(lake, stream)


@pytest.fixture
def single(lake, kafka, topic_factory, config_factory):
    """A lake of one partition of 300 messages; configurations with segments of 100 and of 300."""
    topic = topic_factory(partitions=1)
    produce_one_schema(kafka, topic, partitions=1, count=300)
    expected = expect_topic(kafka.bootstrap_servers, topic, carries="pharmacy.dispense")
    small = config_factory(dispense_topic(topic), messages=100)
    large = config_factory(dispense_topic(topic), messages=300)
    return replace(lake, config=large), small, {"dispense_event": expected}


def a_dead_writer_with_a_commit_under_way(lake, proxy, small):
    proxy.add(Late(None), method="PUT", key=SEGMENT_COMMIT)
    proxy.add(Hang(600), method="PUT", key=SEGMENT_COMMIT, nth=2, count=math.inf)
    writer = lake.behind(proxy).start(config=small)
    proxy.wait_for(lambda seen: isinstance(seen.action, Late))
    assert writer.kill().code == -signal.SIGKILL


def test_a_late_commit_of_a_dead_writer_loses_the_number_that_another_took(single, proxy):
    lake, small, expected = single
    a_dead_writer_with_a_commit_under_way(lake, proxy, small)
    assert lake.drain().code == 0
    proxy.land()
    proxy.wait_for(lambda seen: isinstance(seen.action, Late) and seen.server_status == 412)
    assert_exact(lake, expected)


def test_a_late_commit_of_a_dead_writer_that_lands_first_is_built_upon(single, proxy):
    lake, small, expected = single
    a_dead_writer_with_a_commit_under_way(lake, proxy, small)
    other = lake.start(crash="lake.before_commit:1:stop")
    other.wait_frozen()
    proxy.land()
    proxy.wait_for(lambda seen: isinstance(seen.action, Late) and seen.server_status == 200)
    other.wake()
    assert other.wait().code == 0
    assert [(c.start, c.end) for c in lake.commits()] == [(0, 0), (0, 100), (100, 300)]
    assert_exact(lake, expected)


def killed_in_mid_upload(lake, proxy, s3, config=""):
    """Starts a run, kills the server while it gets a data file, and returns the run."""
    slow = proxy.add(Slow(20_000), method="PUT", key="/data/", nth=3)
    run = lake.behind(proxy).start(config=config)
    wait_until(lambda: slow.applied)
    s3.kill()
    return run


def test_a_server_that_dies_in_mid_upload_and_comes_back_is_waited_for(lake, stream, proxy, s3):
    run = killed_in_mid_upload(lake, proxy, s3)
    s3.restart()
    assert run.wait().code == 0
    assert_exact(lake, stream)


def test_a_server_that_stays_away_ends_the_run_with_one_line(lake, stream, proxy, s3, impatient):
    ended = killed_in_mid_upload(lake, proxy, s3, impatient(1)).wait()
    assert ended.code == ExitCode.FAILED
    assert ended.errors
    assert all("S3 did not answer for 1 s" in line for line in ended.errors)
    s3.restart()
    assert_exact(lake, stream)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Status(507, "InsufficientStorage"), "S3 did not answer for 1 s"),
        (Status(403, "AccessDenied"), "Check the bucket's name, credentials and permissions"),
    ],
    ids=["a full disk", "a lost permission"],
)
def test_refused_uploads_in_mid_run_end_it_with_one_line_a_partition(
    lake, stream, proxy, impatient, fault, says
):
    proxy.add(fault, method="PUT", key="/data/", nth=8, count=math.inf)
    ended = lake.behind(proxy).drain(config=impatient(1))
    assert ended.code == ExitCode.FAILED
    assert ended.errors
    assert all(says in line for line in ended.errors)
    assert lake.verify("--allow_lag").code == 0
    assert_exact(lake, stream)
