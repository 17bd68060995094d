"""The warehouse's part of a run where there is no warehouse; `tests/integration` has one."""

import io
import pickle
from dataclasses import replace

import apache_beam as beam
import pytest
from rich.console import Console

from beam_pipelines.pharmacy import loading
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.load_pipeline import LoadJob, build_load
from beam_pipelines.pharmacy.loading import check_warehouse, load
from beam_pipelines.warehouse.plan import load_plan
from tests.beam_pipelines.pharmacy.load_jobs import one_table
from tests.fakes.lake import TOPIC, FakeLake, segment
from transforms.errors import LakeMismatchError, SecretError
from transforms.lake import Mark, PartitionId
from transforms.redshift import (
    LoadOutcome,
    RedshiftSettings,
    WriteToRedshiftConfig,
)
from transforms.redshift.outcome import read_loads, write_loads

#: Nobody listens there, and nobody waits for long.
NOBODY = RedshiftSettings(host="127.0.0.1", port=1, user="u", password="env:HOME", patience_s=0.0)


@pytest.fixture
def lake() -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 5))
    return made


@pytest.fixture
def job(monkeypatch, lake) -> LoadJob:
    monkeypatch.setattr("transforms.redshift.write.ObjectStore", lambda root, _: lake.store)
    return one_table(NOBODY)


@pytest.fixture
def screen() -> Console:
    return Console(file=io.StringIO(), width=100)


class TestBefore:
    def test_a_warehouse_that_is_away_is_a_warning(self, job, lake, capsys):
        check_warehouse(job, lake.store)
        error = capsys.readouterr().err
        assert error.startswith("warning: the connection to the warehouse broke")
        assert error.count("\n") == 1

    def test_a_reference_that_names_nothing_is_a_refusal(self, job, lake):
        redshift = replace(NOBODY, password="env:NOT_SET_ANYWHERE")
        with pytest.raises(SecretError, match="NOT_SET_ANYWHERE"):
            check_warehouse(replace(job, redshift=redshift), lake.store)


class FakeLoader:
    def __init__(self, position):
        self._position = position

    def position(self):
        if isinstance(self._position, Exception):
            raise self._position
        return self._position


class TestAfter:
    def test_a_warehouse_that_stays_away_is_told_with_the_way_to_catch_up(
        self, job, lake, screen, capsys
    ):
        assert load(job, lake.store, [], screen)
        error = capsys.readouterr().err
        assert error.splitlines()[-1].startswith("error: the warehouse is behind the lake: the co")
        assert error.endswith("as does python -m beam_pipelines.warehouse load\n")
        assert [each.failure for each in read_loads(lake.store, "run-1")] == ["failed"]

    def test_a_refusal_names_its_own_remedy(self, job, lake, screen, capsys, monkeypatch):
        fork = LakeMismatchError("it is a fork", "Bring the lake back")
        monkeypatch.setattr(loading, "make_loader", lambda _: FakeLoader(fork))
        assert load(job, lake.store, [], screen)
        told = capsys.readouterr().err
        assert told == "error: the load was refused: it is a fork. Bring the lake back\n"
        assert [each.failure for each in read_loads(lake.store, "run-1")] == ["refused"]

    def test_with_nothing_to_load_no_runner_is_started(
        self, job, lake, screen, capsys, monkeypatch
    ):
        tail = lake.lane().chain.reload()
        position = {tail.commit.owner: Mark(tail.commit.seq, tail.sha256)}
        monkeypatch.setattr(loading, "make_loader", lambda _: FakeLoader(position))
        assert not load(job, lake.store, ["--runner=nonsense"], screen)
        assert "Nothing to load" in screen.file.getvalue()
        assert capsys.readouterr().err == ""
        assert read_loads(lake.store, "run-1") == []


class FakeProgress:
    def __init__(self, lag=0):
        self._lag = lag

    def lag(self):
        return self._lag


class TestEnd:
    """What is behind, and why."""

    def failed(self, job, lake, lag=0, failure=None):
        return loading._failed(job, lake.store, FakeProgress(lag), failure)

    def test_all_that_was_there_is_loaded(self, job, lake):
        assert self.failed(job, lake) is None

    def test_the_workers_own_word_comes_first(self, job, lake):
        told = LoadOutcome(failure="refused", reason="a fork")
        write_loads(lake.store, "run-1", [LoadOutcome(), told])
        assert self.failed(job, lake, lag=3, failure=RuntimeError("x")) == told

    def test_a_pipeline_that_broke_is_told(self, job, lake):
        found = self.failed(job, lake, failure=RuntimeError("it broke"))
        assert found == LoadOutcome(failure="failed", reason="RuntimeError: it broke")

    def test_commits_that_were_left_are_told(self, job, lake):
        assert self.failed(job, lake, lag=3).reason == "3 commits were left"


def test_the_packaged_job_travels_to_workers():
    plan = load_plan(load_config(None))
    job = LoadJob(lake_root="s3://bucket/lake", plan=plan, redshift=NOBODY, run_id="r")
    arrived = pickle.loads(pickle.dumps(job.writing()))
    assert isinstance(arrived, WriteToRedshiftConfig)
    assert [each.table for each in arrived.plan.loaded] == [each.table for each in plan.loaded]


def test_the_graph_reads_the_plans_topics_from_the_position_on(job):
    pipeline = beam.Pipeline()
    build_load(pipeline, job, {PartitionId(TOPIC, "id", 0): Mark(3, "ab")})
    labels = {each.full_label for each in pipeline.transforms_stack[0].parts}
    assert labels == {"ReadCommits", "WriteToRedshift"}
