import pytest

from runners.errors import FlinkClusterError
from runners.flink import Checkpoint, Cluster
from tests.fakes.flink import FakeJob, checkpoint


class TestAddress:
    @pytest.mark.parametrize(
        ("given", "url", "host"),
        [
            ("h:8081", "http://h:8081", "h"),
            ("http://h:8081/", "http://h:8081", "h"),
            ("https://h/flink", "https://h/flink", "h"),
            ("[::1]:8081", "http://[::1]:8081", "::1"),
        ],
    )
    def test_it_may_have_a_scheme_or_not(self, given, url, host):
        assert (Cluster(given).url, Cluster(given).host) == (url, host)


class TestAnswers:
    def test_the_version_counts_to_its_minor(self, cluster):
        assert cluster.overview().minor == "1.19"

    def test_jobs_come_newest_first(self, cluster, fake):
        fake.jobs = [FakeJob("a", "old", started=1), FakeJob("b", "new", started=2)]
        assert [job.name for job in cluster.jobs()] == ["new", "old"]

    def test_task_managers_are_told_with_their_hosts(self, cluster, fake):
        fake.task_managers = ["10.0.0.7"]
        assert cluster.task_managers() == {"tm-0": ("10.0.0.7", 7000)}

    def test_a_task_manager_that_has_not_told_its_slots_yet_does_not_count(self, cluster, fake):
        fake.silent = {0}
        assert list(cluster.task_managers()) == ["tm-1"]

    def test_the_class_path_is_told_by_the_names_of_its_files(self, cluster, fake):
        fake.class_path = ["/opt/a.jar", "b.jar"]
        assert cluster.class_path() == {"a.jar", "b.jar"}

    def test_only_jobs_that_have_not_ended_use_slots(self, cluster, fake):
        fake.jobs = [
            FakeJob("a", "x", state="FINISHED", width=4),
            FakeJob("b", "y", state="RESTARTING", width=2),
        ]
        assert cluster.slots_in_use() == 2

    def test_the_last_checkpoint_is_told_with_its_age(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x", checkpoint=checkpoint("file:/c", begun=5_000))]
        last = cluster.checkpoints("a").last
        assert isinstance(last, Checkpoint)
        assert (last.path, last.duration_ms) == ("file:/c", 120)
        assert last.age_s(10) == pytest.approx(4.88)

    def test_a_savepoint_leaves_the_job_running(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x")]
        assert cluster.savepoint("a") == "file:/savepoint-a"
        assert cluster.state("a") == "RUNNING"


class TestErrors:
    def test_a_cluster_that_is_not_there_is_named_with_what_to_check(self):
        with pytest.raises(FlinkClusterError, match=r"http://127.0.0.1:1: .*check --flink_master"):
            Cluster("127.0.0.1:1").overview()

    def test_something_else_that_listens_there_is_no_cluster(self, fake):
        with pytest.raises(FlinkClusterError, match="gives no answer"):
            Cluster(f"https://{fake.address}").overview()

    def test_a_refusal_is_told_without_its_stack_trace(self, cluster):
        with pytest.raises(FlinkClusterError, match="404: NotFoundException: Job not found: check"):
            cluster.state("nowhere")

    def test_a_failed_savepoint_tells_its_innermost_cause(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x", refuses_savepoints=True)]
        with pytest.raises(FlinkClusterError, match="job a: CheckpointException: not running"):
            cluster.stop("a")

    def test_a_state_that_does_not_come_is_told(self, cluster, fake):
        fake.jobs = [FakeJob("a", "x")]
        with pytest.raises(FlinkClusterError, match="job a is RUNNING after 0 s"):
            cluster.wait_for("a", {"FINISHED"}, 0)
