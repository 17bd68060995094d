"""``WriteToS3`` as a step of a pipeline."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.object_store import FakeBucket
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.segments import LAYOUTS, segment
from transforms.errors import (
    ConfigurationError,
    LakeMismatchError,
    PipelineError,
    SegmentError,
    StoreUnavailableError,
)
from transforms.lake import (
    LakeSettings,
    WriteToS3,
    WriteToS3Config,
    files,
    read_run,
    read_runs,
    write,
    writer,
)
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.write import _RehearseFn, _ReportFn, _WriteFn
from transforms.quality import SealDeadLetters

ROOT = "s3://bucket/lake"


def config(**changed):
    values = {
        "lake_root": ROOT,
        "layouts": LAYOUTS,
        "dead_letters": SealDeadLetters("env:TEST_KEY"),
        **changed,
    }
    return WriteToS3Config(**values)


@pytest.fixture
def bucket(monkeypatch):
    made = FakeBucket()
    monkeypatch.setattr(write, "ObjectStore", lambda root, _settings: made.store(root))
    # Lanes are the process's; each test has a lake of its own.
    monkeypatch.setattr("transforms.lake.lanes._lanes", {})
    monkeypatch.setenv("TEST_KEY", "ab" * 32)
    return made


def begun(bucket, **changed):
    step = pickle.loads(pickle.dumps(_WriteFn(config(**changed))))
    step.setup()
    return step


def outcome(failure=""):
    return PartitionOutcome(
        topic="t", topic_id="id", partition=0, wanted=9, fence=0, failure=failure, reason="why"
    )


class TestRehearsal:
    @pytest.fixture
    def step(self, bucket):
        made = pickle.loads(pickle.dumps(_RehearseFn(config())))
        made.setup()
        return made

    def test_it_makes_the_files_and_stores_nothing(self, bucket, step, monkeypatch):
        made = []
        whole = files.build_files
        monkeypatch.setattr(
            writer, "build_files", lambda *given: made.extend(whole(*given)) or iter(made)
        )
        assert list(step.process(segment(0, 10))) == [segment(0, 10)]
        assert [built.file.rows for built in made] == [10]
        assert bucket.objects == {}

    def test_what_the_sink_would_fail_on_fails_it(self, step):
        with pytest.raises(SegmentError):
            list(step.process(replace(segment(0, 10), rows={})))

    def test_a_segment_that_met_an_outage_is_let_pass(self, step):
        failed = replace(segment(0, 10), rows={}, failure=StoreUnavailableError("away"))
        assert list(step.process(failed)) == [failed]


class TestConfig:
    def test_a_sink_without_datasets_is_refused(self):
        with pytest.raises(ConfigurationError, match="layouts must name"):
            config(layouts={})

    def test_a_sink_that_would_drop_dead_letters_can_not_be_made(self):
        with pytest.raises(TypeError, match="dead_letters"):
            WriteToS3Config(lake_root=ROOT, layouts=LAYOUTS)

    def test_display_data_hold_the_address_only(self):
        assert WriteToS3(config()).display_data() == {"lake_root": ROOT}


class TestSetup:
    def test_without_a_lake_it_refuses(self, bucket):
        with pytest.raises(LakeMismatchError, match="there is no lake"):
            begun(bucket)

    def test_with_other_settings_it_refuses(self, bucket):
        born(bucket)
        with pytest.raises(LakeMismatchError, match="policy"):
            begun(bucket, lake=LakeSettings(policy="limited"))


class TestProcess:
    def test_a_bundle_ends_when_its_segments_are_durable(self, bucket):
        born(bucket)
        step = begun(bucket)
        for at in (0, 10):
            assert list(step.process(segment(at, at + 10))) == []
        (told,) = step.finish_bundle()
        assert (told.value.fence, told.value.messages, told.value.failure) == (20, 20, "")
        chain = new_lane(bucket.store()).chain
        assert [t.commit.end for t in chain.read_from()] == [0, 10, 20]
        assert list(step.finish_bundle()) == []

    def test_a_segment_that_failed_before_is_not_written_but_told(self, bucket):
        born(bucket)
        step = begun(bucket)
        list(step.process(replace(segment(0, 10), failure=StoreUnavailableError("away"))))
        (told,) = step.finish_bundle()
        assert (told.value.fence, told.value.failure, told.value.reason) == (0, "failed", "away")
        assert new_lane(bucket.store()).chain.tail().fence == 0


class TestReport:
    def test_it_is_written_under_the_runs_name(self, bucket):
        _ReportFn(config(run_id="run-1")).process([outcome(), outcome("failed")])
        assert [each.failure for each in read_run(bucket.store(), "run-1")] == ["failed"]

    def test_it_tells_how_long_the_run_took(self, bucket):
        started = datetime.now(UTC) - timedelta(seconds=60)
        _ReportFn(config(run_id="run-1", started=started)).process([outcome()])
        (run,) = read_runs(bucket.store(), newest=1)
        assert abs(run.started - started) < timedelta(milliseconds=1)
        assert run.seconds >= 59

    def test_a_run_that_did_nothing_writes_none(self, bucket):
        _ReportFn(config(run_id="run-1")).process([])
        assert bucket.objects == {}

    def test_without_a_name_a_failed_partition_fails_the_pipeline(self, bucket):
        with pytest.raises(PipelineError, match=r"1 partitions failed, first t\[0\]: why"):
            _ReportFn(config()).process([outcome(), outcome("failed")])
        assert bucket.objects == {}
