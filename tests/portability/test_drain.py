"""The same drain on Flink and on Spark: an equal lake, in one stage, and all of it loaded."""

import orjson
import pytest

from beam_pipelines.pharmacy.cli import main
from beam_pipelines.produce import TOPICS
from beam_pipelines.produce.cli import main as produce
from beam_pipelines.verify.cli import main as verify
from beam_pipelines.warehouse.cli import main as warehouse
from tests import plans
from transforms.lake import ObjectStore, commits, owners, read_dataset, require_lake
from transforms.lake.verify import verify_lake
from transforms.segment import Segment

pytestmark = pytest.mark.portability

EVENTS = 6_000


@pytest.fixture(scope="module")
def topics(kafka):
    """The six topics with a small stream in them, planted faults and all."""
    flags = [f"--kafka_bootstrap_servers={kafka.bootstrap_servers}", "--seed=7"]
    assert produce([*flags, f"--events={EVENTS}", "--faults=default"]) == 0


@pytest.fixture
def aws(s3, monkeypatch):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEAD_LETTER_KEY", "ab" * 32)
    monkeypatch.setenv("MASKING_KEY", "cd" * 32)


@pytest.fixture
def redshift_flags(runner, redshift, monkeypatch):
    """A schema of the runner's own, with all tables."""
    for name, value in redshift.environ().items():
        monkeypatch.setenv(name, value)
    flags = ["--redshift_host=127.0.0.1", f"--redshift_schema={runner}"]
    assert warehouse(["migrate", *flags]) == 0
    return flags


def _drain(kafka, root, flags):
    return main(
        [
            "--mode=drain",
            f"--kafka_bootstrap_servers={kafka.bootstrap_servers}",
            f"--lake_root={root}",
            "--progress=off",
            *flags,
        ]
    )


def _datasets(root):
    names = {
        file.dataset
        for tail in _commits(root)
        for file in tail.commit.files
        if not file.dataset.startswith("_")
    }
    order = [("_partition", "ascending"), ("_offset", "ascending"), ("_row", "ascending")]
    return {name: read_dataset(root, name).to_table().sort_by(order) for name in names}


def _commits(root):
    store = ObjectStore(root)
    return list(commits(store, require_lake(store)))


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_the_lake_is_that_of_the_direct_runner_and_no_segment_crosses_a_stage(
    runner, request, kafka, aws, topics, lake_root, redshift_flags, capsys
):
    flags = request.getfixturevalue(runner)
    with plans.encodings(Segment) as seen:
        assert _drain(kafka, f"{lake_root}-{runner}", [*flags, *redshift_flags]) == 0
    assert seen == []
    assert _drain(kafka, f"{lake_root}-direct", ["--runner=direct"]) == 0

    there, here = _datasets(f"{lake_root}-{runner}"), _datasets(f"{lake_root}-direct")
    assert there.keys() == here.keys()
    assert len(there) == len(TOPICS)
    for name, table in here.items():
        assert there[name].equals(table), name
    store = ObjectStore(f"{lake_root}-{runner}")
    assert len(owners(store)) == sum(spec.partitions for spec in TOPICS)
    assert not verify_lake(store).breaches
    proof = [f"--lake_root={lake_root}-{runner}", "--metadata_only", "--format=json"]
    capsys.readouterr()
    assert verify([*proof, "--progress=off", *redshift_flags]) == 0
    rows = here["dispense_event"].num_rows
    told = f"raw_dispense_event: {rows:,} rows accepted, {rows:,} loaded, 0 rejected"
    assert told in orjson.loads(capsys.readouterr().out)["notes"]


def test_with_nothing_new_the_runner_is_not_even_started(kafka, aws, topics, lake_root):
    assert _drain(kafka, lake_root, ["--runner=direct"]) == 0
    before = len(_commits(lake_root))

    assert _drain(kafka, lake_root, ["--runner=flink", "--job_endpoint=localhost:1"]) == 0

    assert len(_commits(lake_root)) == before
