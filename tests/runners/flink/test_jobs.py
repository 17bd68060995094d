import pytest

from runners import flink
from runners.errors import FlinkClusterError
from runners.flink import jobs
from tests.fakes.flink import FakeJob, checkpoint


class TestStop:
    def test_the_savepoint_is_known_though_the_cluster_tells_of_it_later(
        self, cluster, fake, monkeypatch
    ):
        monkeypatch.setattr(jobs, "restorable", lambda *unused: None)
        fake.jobs = [FakeJob("a", "x")]
        assert flink.stop(cluster, "x").path == "file:/savepoint-a"

    def test_a_stream_ends_with_a_savepoint(self, cluster, fake):
        fake.jobs = [FakeJob("a", "other"), FakeJob("b", "mine")]
        stopped = flink.stop(cluster, "mine")
        assert (stopped.state, stopped.path) == ("FINISHED", "file:/savepoint-b")
        assert fake.jobs[0].state == "RUNNING"

    def test_one_that_can_make_none_is_canceled_and_its_checkpoint_named(self, cluster, fake):
        kept = checkpoint("file:/chk-7")
        fake.jobs = [FakeJob("a", "x", "RESTARTING", checkpoint=kept, refuses_savepoints=True)]
        stopped = flink.stop(cluster, "x")
        assert (stopped.state, stopped.path) == ("CANCELED", "file:/chk-7")
        assert "not running" in stopped.problem

    def test_none_is_made_where_none_is_wanted(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x")]
        stopped = flink.stop(cluster, "x", savepoint=False)
        assert (stopped.state, stopped.path, stopped.problem) == ("CANCELED", None, None)

    def test_where_none_runs_nothing_is_asked_for(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x", "FAILED")]
        assert flink.stop(cluster, "x") is None
        assert [each for each in fake.asked if not each.startswith("GET")] == []

    def test_one_that_ends_by_itself_meanwhile_is_no_error(self, cluster, fake, monkeypatch):
        fake.jobs = [FakeJob("a", "x", refuses_savepoints=True)]

        def refuse(job_id):
            fake.jobs[0].state = "FAILED"
            raise FlinkClusterError(fake.address, "it has ended already")

        monkeypatch.setattr(cluster, "cancel", refuse)
        assert flink.stop(cluster, "x").state == "FAILED"

    def test_one_that_does_not_end_is_an_error(self, cluster, fake, monkeypatch):
        monkeypatch.setattr(jobs, "_END_TIMEOUT_S", 0)
        monkeypatch.setattr(cluster, "cancel", lambda job_id: None)
        fake.jobs = [FakeJob("a", "x")]
        with pytest.raises(FlinkClusterError, match="is RUNNING after"):
            flink.stop(cluster, "x", savepoint=False)


class TestLatest:
    def test_it_is_the_newest_of_checkpoint_and_savepoint(self, cluster, fake):
        savepoint = checkpoint("file:/s", begun=1, savepoint=True)
        fake.jobs = [
            FakeJob("a", "x", checkpoint=checkpoint("file:/c", begun=2), savepoint=savepoint)
        ]
        assert flink.latest(cluster, "x") == "file:/c"

    def test_what_flink_has_deleted_is_passed_over(self, cluster, fake):
        savepoint = checkpoint("file:/s", begun=1, savepoint=True)
        gone = checkpoint("file:/c", begun=2, discarded=True)
        fake.jobs = [FakeJob("a", "x", "FINISHED", checkpoint=gone, savepoint=savepoint)]
        assert flink.latest(cluster, "x") == "file:/s"

    def test_a_job_that_came_to_no_checkpoint_is_where_it_was_started_from(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x", "FAILED", restored="file:/before")]
        assert flink.latest(cluster, "x") == "file:/before"

    def test_the_newest_job_of_the_name_counts(self, cluster, fake):
        fake.jobs = [
            FakeJob("a", "x", "FINISHED", 1, checkpoint=checkpoint("file:/old")),
            FakeJob("b", "x", "FAILED", 2, checkpoint=checkpoint("file:/new")),
            FakeJob("c", "y", "FAILED", 3, checkpoint=checkpoint("file:/other")),
            FakeJob("d", "x", "FAILED", 4),
        ]
        assert flink.latest(cluster, "x") == "file:/new"

    def test_of_a_job_that_has_just_ended_the_last_word_is_waited_for(
        self, cluster, fake, monkeypatch
    ):
        monkeypatch.setattr(jobs.time, "time", lambda: 11.5)
        savepoint = checkpoint("file:/s", savepoint=True)
        fake.jobs = [FakeJob("a", "x", "FINISHED", ended=10_000)]

        def settle(seconds):
            assert seconds == 2.5
            fake.jobs[0].savepoint = savepoint

        monkeypatch.setattr(jobs.time, "sleep", settle)
        assert flink.latest(cluster, "x") == "file:/s"

    def test_an_unknown_name_has_none(self, cluster):
        assert flink.latest(cluster, "x") is None
