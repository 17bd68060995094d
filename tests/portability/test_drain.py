"""The same topics on Direct, Flink and Spark: one lake, in one stage, and all of it loaded."""

import contextlib
import os
import signal
import threading
import time

import orjson
import pytest

from beam_pipelines.pharmacy.cli import main
from beam_pipelines.produce import TOPICS
from beam_pipelines.produce.cli import main as produce
from beam_pipelines.verify.cli import main as verify
from beam_pipelines.warehouse.cli import main as warehouse
from tests import plans
from tests.launcher import DEAD_LETTER_KEY, MASKING_KEY
from tests.oracle import committed_ends
from transforms.lake import (
    ObjectStore,
    commits,
    find_lake,
    owners,
    read_dataset,
    require_lake,
)
from transforms.lake.verify import verify_lake
from transforms.segment import Segment

pytestmark = pytest.mark.portability

EVENTS = 6_000

#: For a stream to start and to read all of them, on a busy machine.
PATIENCE_S = 150


@pytest.fixture(scope="module", autouse=True)
def environment(s3):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environ().items():
            patch.setenv(name, value)
        patch.setenv("DEAD_LETTER_KEY", DEAD_LETTER_KEY)
        patch.setenv("MASKING_KEY", MASKING_KEY)
        yield


@pytest.fixture(scope="module")
def topics(kafka):
    """The six topics with a small stream in them, planted faults and all."""
    flags = [f"--kafka_bootstrap_servers={kafka.bootstrap_servers}", "--seed=7"]
    assert produce([*flags, f"--events={EVENTS}", "--faults=default"]) == 0


@pytest.fixture(scope="module")
def direct(kafka, s3, topics, environment):
    """The lake that the DirectRunner makes of them."""
    root = f"s3://{s3.bucket}/drained-by-direct"
    assert _run(kafka, root, ["--mode=drain", "--runner=direct"]) == 0
    return root


@pytest.fixture
def redshift_flags(runner, redshift, monkeypatch):
    """A schema of the runner's own, with all tables."""
    for name, value in redshift.environ().items():
        monkeypatch.setenv(name, value)
    flags = ["--redshift_host=127.0.0.1", f"--redshift_schema={runner}"]
    assert warehouse(["migrate", *flags]) == 0
    return flags


def _run(kafka, root, flags):
    servers = f"--kafka_bootstrap_servers={kafka.bootstrap_servers}"
    return main([servers, f"--lake_root={root}", "--progress=off", *flags])


def _commits(root):
    store = ObjectStore(root)
    return list(commits(store, require_lake(store)))


def _datasets(root):
    names = {
        file.dataset
        for tail in _commits(root)
        for file in tail.commit.files
        if not file.dataset.startswith("_")
    }
    order = [("_partition", "ascending"), ("_offset", "ascending"), ("_row", "ascending")]
    return {name: read_dataset(root, name).to_table().sort_by(order) for name in names}


def _assert_equal_rows(root, expected):
    there, here = _datasets(root), _datasets(expected)
    assert there.keys() == here.keys()
    assert len(there) == len(TOPICS)
    for name, table in here.items():
        assert there[name].equals(table), name
    store = ObjectStore(root)
    assert len(owners(store)) == sum(spec.partitions for spec in TOPICS)
    assert not verify_lake(store).breaches


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_a_drained_lake_is_that_of_the_direct_runner_and_no_segment_crosses_a_stage(
    runner, request, kafka, direct, lake_root, redshift_flags, capsys
):
    flags = request.getfixturevalue(runner)
    with plans.encodings(Segment) as seen:
        assert _run(kafka, lake_root, ["--mode=drain", *flags, *redshift_flags]) == 0
    assert seen == []

    _assert_equal_rows(lake_root, direct)
    proof = [f"--lake_root={lake_root}", "--metadata_only", "--format=json"]
    capsys.readouterr()
    assert verify([*proof, "--progress=off", *redshift_flags]) == 0
    rows = _datasets(direct)["dispense_event"].num_rows
    told = f"raw_dispense_event: {rows:,} rows accepted, {rows:,} loaded, 0 rejected"
    assert told in orjson.loads(capsys.readouterr().out)["notes"]


def test_a_streamed_lake_is_that_of_the_direct_runner_and_no_segment_crosses_a_stage(
    flink, kafka, direct, lake_root
):
    with plans.encodings(Segment) as seen, _interrupted_at_the_end(kafka, lake_root):
        stream = ["--mode=stream", "--set=stream.max_age_s=1"]
        assert _run(kafka, lake_root, [*stream, *flink]) == 0
    assert seen == []

    _assert_equal_rows(lake_root, direct)


def test_with_nothing_new_the_runner_is_not_even_started(kafka, direct):
    before = len(_commits(direct))

    nowhere = ["--runner=flink", "--job_endpoint=localhost:1"]
    assert _run(kafka, direct, ["--mode=drain", *nowhere]) == 0

    assert len(_commits(direct)) == before


@contextlib.contextmanager
def _interrupted_at_the_end(kafka, root):
    """Presses Ctrl-C once all is committed, or when that takes too long."""
    ends = {spec.name: committed_ends(kafka.bootstrap_servers, spec.name) for spec in TOPICS}
    wanted = {(topic, p): end for topic, found in ends.items() for p, end in found.items()}
    deadline = time.monotonic() + PATIENCE_S
    over = threading.Event()

    def watch():
        while not over.wait(0.5):
            if _fences(root) == wanted or time.monotonic() > deadline:
                return os.kill(os.getpid(), signal.SIGINT)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _fences(root):
    store = ObjectStore(root)
    lake = find_lake(store)
    found = [tail.commit for tail in commits(store, lake)] if lake else []
    return {(commit.topic, commit.partition): commit.end for commit in found}
