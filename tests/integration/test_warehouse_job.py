"""The main job with ``--redshift_*``: the lake first, then the warehouse, each row once."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.lakes import wait_until
from tests.integration.jobs import NUMBERS, SEGMENT, TABLE, Job
from tests.launcher import Ended, Run

pytestmark = pytest.mark.warehouse


@pytest.fixture
def job(kafka, make_lake, topic_factory, warehouse) -> Job:
    """Nothing is sent yet, and there is no lake and no schema."""
    topic = topic_factory(2)
    lake = make_lake(topic, segment={"messages": SEGMENT})
    return Job(kafka, lake, topic, warehouse, f"job_{next(NUMBERS)}")


@pytest.fixture
def drained(job) -> Job:
    """A lake with rows of two partitions, and a schema that has none of them."""
    job.send(100)
    job.send(30, partition=1)
    assert job.lake.drain().code == 0
    job.migrate()
    return job


class TestDrain:
    def test_what_is_committed_is_loaded_and_a_second_run_goes_on(self, job):
        job.send(100)
        job.send(30, partition=1)
        job.migrate()

        first = job.run("--progress=auto")

        assert first.code == 0, first
        assert "130 rows loaded" in first.err
        job.assert_proven(130)
        (load,) = job.report()["loads"]
        assert load["result"]["tables"][TABLE]["loaded"] == 130
        assert job.report()["partitions"]

        again = job.run("--progress=auto")
        assert again.code == 0, again
        assert "Nothing new" in again.err
        assert "Nothing to load" in again.err

        job.send(7)
        assert job.run().code == 0
        job.assert_proven(137)

    def test_with_nothing_new_in_kafka_what_isnt_loaded_yet_is_loaded(self, drained):
        ended = drained.run("--progress=auto")
        assert ended.code == 0, ended
        assert "Nothing new" in ended.err
        drained.assert_proven(130)

    def test_without_a_flag_it_stops_at_the_lake(self, drained, warehouse):
        drained.send(5)
        environ = warehouse.redshift.environ() | {"REDSHIFT_SCHEMA": drained.schema}
        lake = replace(drained.lake, environ=environ)
        assert lake.drain().code == 0
        assert drained.rows() == 0

    def test_two_at_once_load_each_row_once(self, drained):
        runs = [drained.start() for _ in range(2)]
        assert [run.wait().code for run in runs] == [0, 0]
        drained.assert_proven(130)


class TestRefusals:
    """Before anything is read: the lake isn't even begun."""

    def refused(self, job: Job, drain_here: Callable[..., Ended], *flags: str) -> str:
        before = job.lake.keys()
        job.send(1)
        ended = drain_here(job.lake, *(flags or job.flags))
        assert ended.code == 2, ended
        assert len(ended.errors) == 1
        assert job.lake.keys() == before
        return ended.err

    def test_without_a_schema(self, job, drain_here):
        assert "Run python -m beam_pipelines.warehouse migrate" in self.refused(job, drain_here)

    def test_with_a_schema_that_lacks_a_column(self, job, drain_here):
        job.migrate()
        job.warehouse.run(f"alter table {job.schema}.{TABLE} drop column npi")
        assert f"'{TABLE}.npi added'" in self.refused(job, drain_here)

    def test_with_a_wrong_password(self, job, drain_here, monkeypatch):
        monkeypatch.setenv("WRONG", "hunter2")
        flags = [*job.flags, "--redshift_password=env:WRONG"]
        error = self.refused(job, drain_here, *flags)
        assert "Check user, password and database" in error
        assert "hunter2" not in error

    def test_with_a_schema_that_was_loaded_from_another_lake(self, drained, drain_here):
        assert drained.run().code == 0
        other = replace(drained.lake, root=f"{drained.lake.root}-other")
        error = self.refused(Job(**(vars(drained) | {"lake": other})), drain_here)
        assert "this one is not begun yet" in error

    def test_with_a_schema_that_was_loaded_from_a_fork(self, drained, drain_here):
        assert drained.run().code == 0
        fences = f"{drained.schema}.load_fences"
        drained.warehouse.run(f"update {fences} set commit_sha256 = 'ab' where seq > 0")
        assert "bring the lake back" in self.refused(drained, drain_here)


class TestOutages:
    def test_one_from_start_to_end_is_told_and_the_lake_is_drained(self, job, drain_here):
        job.send(100)
        job.migrate()
        job.warehouse.redshift.refuse_connections()

        ended = drain_here(job.lake, *job.flags, "--redshift_patience_s=0")

        assert ended.code == 1
        warning, error = ended.err.splitlines()
        assert warning.endswith("The lake comes first")
        assert error.startswith("error: the warehouse is behind the lake: the connection")
        assert "python -m beam_pipelines.warehouse load" in error
        assert [load["failure"] for load in job.report()["loads"]] == ["failed"]

        job.warehouse.redshift.clear()
        assert job.lake.verify().code == 0
        assert job.load().code == 0
        job.assert_proven(100)

    def test_one_at_the_start_is_over_when_the_lake_is_drained(self, job):
        job.send(100)
        job.migrate()
        job.warehouse.redshift.refuse_connections()
        run = job.start()
        wait_until(lambda: "The lake comes first" in run.stderr)
        job.warehouse.redshift.clear()
        assert run.wait().code == 0
        job.assert_proven(100)

    def test_one_in_the_middle_of_a_load_is_waited_out(self, drained, mid_load):
        run = mid_load(drained)
        drained.warehouse.redshift.refuse_connections()
        drained.warehouse.redshift.drop_connections()
        wait_until(lambda: "the load is begun again" in run.stderr)
        drained.warehouse.redshift.clear()
        assert run.wait().code == 0
        drained.assert_proven(130)

    def test_one_that_outlasts_the_patience_in_the_middle_of_a_load_is_told(
        self, drained, mid_load
    ):
        run = mid_load(drained, "--redshift_patience_s=0")
        drained.warehouse.redshift.refuse_connections()
        drained.warehouse.redshift.drop_connections()
        ended = run.wait()
        assert ended.code == 1
        assert "error: the warehouse is behind the lake" in ended.errors[-1]
        drained.warehouse.redshift.clear()
        assert drained.run().code == 0
        drained.assert_proven(130)


@pytest.fixture
def mid_load(warehouse) -> Callable[..., Run]:
    """``mid_load(job, *flags)`` starts a run and waits until it holds the lock and copies."""

    def start(job: Job, *flags: str) -> Run:
        before = warehouse.redshift.fired()
        warehouse.redshift.arm("^copy", "freeze")
        run = job.start(*flags)
        wait_until(lambda: warehouse.redshift.fired() > before)
        return run

    return start


class TestEndsInTheMiddleOfALoad:
    def test_killed(self, drained, mid_load, warehouse):
        assert mid_load(drained).kill().code == -9
        warehouse.redshift.clear()
        assert drained.run().code == 0
        drained.assert_proven(130)

    def test_interrupted(self, drained, mid_load, warehouse):
        run = mid_load(drained)
        run.interrupt()
        ended = run.wait()
        warehouse.redshift.clear()
        assert ended.code == 130, ended
        assert drained.rows() == 0
        assert drained.run().code == 0
        drained.assert_proven(130)
