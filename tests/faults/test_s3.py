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
TIMEOUT_S = 0.6


@pytest.fixture
def proxy(s3):
    with S3Proxy(s3.port) as running:
        yield running


@pytest.fixture
def impatient(config_factory):
    """Returns a configuration that waits for S3 so many seconds."""

    def write(patience_s, *topics):
        waiting = {"patience_s": patience_s, "timeout_s": TIMEOUT_S}
        return config_factory(*topics, lake=waiting)

    return write


def befall(proxy, faults):
    """Adds faults that befall each kind of call: its nth request, and those that try it again.

    Args:
        proxy: The way to the server.
        faults: By kind of call the faults in their order.

    Returns:
        A function that tells which of the faults have not befallen a request yet.
    """
    rules = {}
    for name, sequence in faults.items():
        method, key, query, first = CALLS[name]
        for nth, fault in enumerate(sequence, start=first):
            rule = proxy.add(fault, method=method, key=key, query=query, nth=nth)
            rules[name, fault] = rule
    return lambda: [place for place, rule in rules.items() if not rule.applied]


def test_errors_at_each_kind_of_call_are_survived(lake, stream, proxy):
    # A 409 or 412 where nobody has the number asks for the same number again.
    faults = {name: [Status(500), Status(503)] for name in CALLS}
    faults["PUT data"] += [Status(400, "BadDigest"), Status(400, "IncompleteBody")]
    faults["PUT commit"] += [Status(400, "RequestTimeout"), Status(400, "BadDigest")]
    faults |= {name: [*faults[name], Status(409), Status(412)] for name in CREATES}
    missing = befall(proxy, faults)
    ended = lake.behind(proxy).drain()
    assert not missing(), ended
    assert ended.code == 0, ended
    assert_exact(lake, stream)


def test_resets_before_the_effect_after_it_and_long_before_it_are_survived(lake, stream, proxy):
    missing = befall(proxy, {name: [Reset(), Reset(after_effect=True)] for name in CALLS})
    # This one takes effect when its number is long taken, by the same bytes.
    late = proxy.add(Late(5), method="PUT", key=SEGMENT_COMMIT, nth=7)
    ended = lake.behind(proxy).drain()
    assert not missing(), ended
    assert late.applied, ended
    assert ended.code == 0, ended
    proxy.wait_for(lambda seen: isinstance(seen.action, Late) and seen.server_status == 412)
    assert_exact(lake, stream)


def test_time_outs_at_each_kind_of_call_are_survived(lake, stream, proxy, impatient):
    # One run for each call would wait for twice as long; a PUT without its effect is a reset above.
    faults = {name: [Hang(600, after_effect=name.startswith("PUT"))] for name in CALLS}
    missing = befall(proxy, faults)
    ended = lake.behind(proxy).drain(config=impatient(60, PATIENTS, DISPENSE))
    assert not missing(), ended
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
    slow = proxy.add(Slow(5_000), method="PUT", key="/data/", nth=2)
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
    ended = killed_in_mid_upload(lake, proxy, s3, impatient(1, PATIENTS)).wait()
    assert ended.code == ExitCode.FAILED
    assert ended.errors
    assert all("S3 did not answer for 1 s" in line for line in ended.errors)
    s3.restart()
    assert_exact(lake, stream)


def test_refused_uploads_in_mid_run_end_it_with_one_line_a_partition(lake, stream, s3, impatient):
    full_disk = Status(507, "InsufficientStorage"), "S3 did not answer for 1 s"
    no_permission = Status(403, "AccessDenied"), "Check the bucket's name, credentials and perm"
    for fault, says in (full_disk, no_permission):
        with S3Proxy(s3.port) as proxy:
            proxy.add(fault, method="PUT", key="/data/", nth=4, count=math.inf)
            ended = lake.behind(proxy).drain(config=impatient(1, DISPENSE))
        assert ended.code == ExitCode.FAILED
        assert ended.errors
        assert all(says in line for line in ended.errors), ended
    assert_exact(lake, stream)
