"""The roles of the lake's commands, held against what the commands really ask S3 for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from beam_pipelines.produce.topics import TOPICS
from runners.local import S3, Kafka
from tests.faults.conftest import produce
from tests.faults.lakes import SWEEP, store_settings
from tests.integration.small import delete_records, send
from tests.launcher import PHARMACY, VERIFY, Launcher
from tests.oracle import committed_ends
from tests.runners.deploy.held import assert_fits
from tests.runners.deploy.s3_calls import Recorder
from transforms.lake import ObjectStore, read_dataset
from transforms.lake.names import PartitionId, data_key

pytestmark = pytest.mark.operations

REPORT, LAKE = "beam_pipelines.report.cli:main", "beam_pipelines.lake.cli:main"
#: Topics of our own: the packaged ones are other tests'.
OURS = {spec.name: replace(spec, name=f"iam.{spec.dataset}", partitions=1) for spec in TOPICS}
DISPENSES = "iam.dispense_event"


class Stage:
    """A lake of the packaged configuration, and its commands, each behind a recorder."""

    def __init__(self, launcher: Launcher, kafka: Kafka, s3: S3, folder: Path) -> None:
        self.root = f"s3://{s3.bucket}/iam"
        self.kafka, self.s3, self.folder = kafka, s3, folder
        self._launcher = launcher
        self._config = folder / "config.yaml"
        self._config.write_text(yaml.safe_dump(_renamed()))

    @contextmanager
    def recording(self) -> Iterator[Recorder]:
        with Recorder(self.s3.port, self.root) as recorder:
            yield recorder
        assert not recorder.unknown

    def run(self, recorder: Recorder, main: str, *argv: str, code: int = 0) -> None:
        environ = {**self.s3.environ(), "AWS_ENDPOINT_URL_S3": recorder.endpoint_url}
        argv = (*argv, f"--lake_root={self.root}")
        ended = self._launcher.launch(argv, environ=environ, main=main).wait()
        assert ended.code == code, ended

    def drain(self, recorder: Recorder, code: int) -> None:
        flags = ("--mode=drain", f"--config={self._config}", "--progress=off")
        self.run(recorder, PHARMACY, *flags, *self.servers, code=code)

    @property
    def servers(self) -> tuple[str, ...]:
        return (f"--kafka_bootstrap_servers={self.kafka.bootstrap_servers}",)


def _renamed() -> dict[str, Any]:
    packaged: dict[str, Any] = yaml.safe_load(
        files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text()
    )
    for each in packaged["topics"]:
        each["topic"] = OURS[each["topic"]].name
    return packaged


@pytest.fixture(scope="module")
def stage(
    launcher: Launcher, kafka: Kafka, s3: S3, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    produce(kafka, seed=7, events=300, topics=OURS)
    return Stage(launcher, kafka, s3, tmp_path_factory.mktemp("iam"))


@pytest.fixture(scope="module")
def written(stage: Stage) -> Recorder:
    """A lake is begun, goes on, and meets a gap."""
    with stage.recording() as recorder:
        stage.drain(recorder, code=0)
        fence = committed_ends(stage.kafka.bootstrap_servers, DISPENSES)[0]
        send(stage.kafka, DISPENSES, [b"no message"] * 2)
        delete_records(stage.kafka, DISPENSES, before=fence + 1)
        stage.drain(recorder, code=4)
    return recorder


def test_the_writer_may_do_what_the_main_job_does_and_no_more(written):
    assert_fits("writer", written.calls)


def test_the_writer_deletes_nothing(written):
    assert not {call.action for call in written.calls} & {
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
    }


def test_the_sweeper_may_do_what_a_sweep_does_and_no_more(stage, written):
    owner = _first_owner(stage)
    orphan = data_key(owner, "dispense_event", "event_date=2026-01-31", 0, 1, "0" * 64)
    begun = data_key(owner, "dispense_event", "event_date=2026-01-31", 0, 1, "1" * 64)
    store = ObjectStore(stage.root, store_settings(stage.s3))
    store.put(orphan, b"an orphan")
    prefix = stage.root.removeprefix(f"s3://{stage.s3.bucket}/")
    stage.s3.client().create_multipart_upload(Bucket=stage.s3.bucket, Key=f"{prefix}/{begun}")
    with stage.recording() as recorder:
        stage.run(recorder, SWEEP, "sweep", "--delete")
    assert store.size(orphan) is None
    assert_fits("sweeper", recorder.calls)


def test_the_reader_may_do_what_commands_that_only_look_do_and_no_more(stage, written, monkeypatch):
    with stage.recording() as recorder:
        stage.run(recorder, VERIFY, *stage.servers)
        stage.run(recorder, REPORT, f"--output={stage.folder / 'report.html'}")
        stage.run(recorder, LAKE, "ls", "--chains")
        stage.run(recorder, LAKE, "show", "--dead_letters", "--all")
        settings = replace(store_settings(stage.s3), endpoint_url=recorder.endpoint_url)
        # Arrow's own client, in C++.
        assert read_dataset(stage.root, "dispense_event", store=settings).to_table().num_rows
    assert_fits("reader", recorder.calls)


def _first_owner(stage: Stage) -> PartitionId:
    store = ObjectStore(stage.root, store_settings(stage.s3))
    (topic_id,) = store.folders(f"_commits/{DISPENSES}/")
    return PartitionId(DISPENSES, topic_id, 0)
