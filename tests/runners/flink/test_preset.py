import pytest
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    PortableOptions,
)

from runners import presets
from runners.errors import FlinkClusterError, RunnerRefusedError
from runners.flags import Flags
from runners.flink.hosts import is_here
from tests.fakes.flink import FakeJob, checkpoint

# Nothing listens there, and nothing need: it only keeps a job server from being composed.
ENDPOINT = "--job_endpoint=localhost:1"


@pytest.fixture
def prepare(fake):
    """Prepares flags for a job on the fake cluster."""

    def call(*argv, mode="stream", notify=lambda line: None):
        given = ["--runner=flink", f"--flink_master={fake.address}", ENDPOINT, *argv]
        return presets.prepare(given, mode=mode, notify=notify)

    return call


class TestStream:
    def test_its_checkpoints_are_exactly_once_and_kept_for_the_next_start(self, prepare):
        flags = Flags(prepare())
        assert "streaming" in flags
        assert flags.get("checkpointing_mode") == "EXACTLY_ONCE"
        assert flags.get("checkpointing_interval") == "10000"
        assert "externalized_checkpoints_enabled" in flags
        assert "retain_externalized_checkpoints_on_cancellation" in flags

    def test_it_does_not_hang_at_its_start(self, prepare):
        assert "finish_bundle_before_checkpointing" in Flags(prepare())

    def test_it_restarts_for_ever_by_a_configuration_that_comes_with_this_package(self, prepare):
        folder = Flags(prepare()).get("flink_conf_dir")
        with open(f"{folder}/config.yaml") as file:
            assert "restart-strategy.type: exponential-delay\n" in file.read()

    def test_a_job_server_elsewhere_gets_no_folder_of_this_machine(self, prepare):
        assert "flink_conf_dir" not in Flags(prepare("--job_endpoint=198.51.100.1:8099"))

    @pytest.mark.parametrize(
        "flag", ["checkpointing_interval=1", "checkpoint_timeout_millis=2", "job_name=n"]
    )
    def test_the_users_own_choices_stay(self, prepare, flag):
        name, _, value = flag.partition("=")
        assert Flags(prepare(f"--{flag}")).all(name) == [value]

    def test_it_runs_in_the_job_server_too(self):
        argv = ["--runner=flink", ENDPOINT]
        flags = Flags(presets.prepare(argv, mode="stream"))
        assert (flags.get("flink_master"), "streaming" in flags) == ("[local]", True)

    def test_each_flag_is_explained_without_asking_the_cluster(self, fake):
        argv = ["--runner=flink", f"--flink_master={fake.address}", ENDPOINT]
        lines = presets.explain(argv, mode="stream")
        assert fake.asked == []
        told = {line.partition("=")[0].partition(" ")[0] for line in lines}
        added = presets.prepare(argv, mode="stream")
        assert {word.partition("=")[0] for word in added if word not in argv} <= told


class TestDrain:
    def test_workers_are_kept_from_one_step_to_the_next(self, prepare):
        assert Flags(prepare(mode="drain")).get("environment_cache_millis") == "10000"
        own = prepare("--environment_cache_millis=1", mode="drain")
        assert Flags(own).all("environment_cache_millis") == ["1"]


class TestCluster:
    def test_another_minor_version_is_refused_with_the_one_to_take(self, fake, tmp_path):
        fake.version = "1.20.1"
        argv = ["--runner=flink", f"--flink_master={fake.address}"]
        with pytest.raises(RunnerRefusedError, match=r"Flink 1.20.1 is refused.* 1.19, or give"):
            presets.prepare(argv, mode="drain")

    def test_it_is_the_version_of_the_users_own_job_server_that_counts(self, fake, prepare):
        fake.version = "2.0.0"
        prepare("--flink_version=2.0", mode="drain")

    def test_one_that_gives_no_answer_is_an_error(self):
        with pytest.raises(FlinkClusterError, match="check --flink_master"):
            presets.prepare(["--runner=flink", "--flink_master=localhost:1"], mode="drain")

    def test_a_job_takes_the_slots_that_no_other_uses(self, fake, prepare):
        fake.slots = 6
        fake.jobs = [FakeJob("a", "other", width=2), FakeJob("b", "old", "FINISHED", width=4)]
        flags = Flags(prepare(mode="drain"))
        # Three slots a TaskManager, each with a worker.
        assert (flags.get("parallelism"), flags.get("sdk_worker_parallelism")) == ("4", "3")

    def test_one_that_is_full_is_refused(self, fake, prepare):
        fake.jobs = [FakeJob("a", "other", width=2)]
        with pytest.raises(RunnerRefusedError, match="start a TaskManager"):
            prepare(mode="drain")
        assert "--parallelism=8" in prepare("--parallelism=8", mode="drain")

    def test_a_second_stream_of_one_name_is_refused_with_how_to_stop_the_first(self, fake, prepare):
        fake.jobs = [FakeJob("a", "n", "RESTARTING")]
        with pytest.raises(RunnerRefusedError, match=r"runners.flink stop .*--job_name n"):
            prepare("--job_name=n")
        prepare("--job_name=m")

    @pytest.mark.parametrize("flag", ["s3_secret_access_key", "s3_access_key_id"])
    def test_credentials_are_no_options_of_a_job(self, prepare, flag):
        with pytest.raises(RunnerRefusedError, match="REST interface"):
            prepare(f"--{flag}=x")


class TestWorkers:
    def test_of_a_cluster_on_this_machine_run_in_this_process(self, prepare):
        options = PipelineOptions(prepare()).view_as(PortableOptions)
        assert options.environment_type == "LOOPBACK"

    @pytest.mark.parametrize("given", [[], ["--environment_type=LOOPBACK"]])
    def test_of_a_task_manager_elsewhere_cannot(self, fake, prepare, given):
        fake.task_managers = ["127.0.0.1", "198.51.100.1"]
        with pytest.raises(RunnerRefusedError, match="EXTERNAL, PROCESS or DOCKER"):
            prepare(*given)

    def test_that_others_start_do_not_log_the_jobs_options(self, fake, prepare):
        fake.task_managers = ["198.51.100.1"]
        flags = prepare("--environment_type=EXTERNAL", "--environment_config=localhost:50000")
        assert "--default_sdk_harness_log_level=WARN" in flags

    @pytest.mark.parametrize(
        ("kind", "remedy"),
        [
            ("EXTERNAL", "python -m runners.pool"),
            ("PROCESS", "pharmabeam-worker"),
            ("DOCKER", "an image that does"),
        ],
    )
    def test_must_come_from_somewhere(self, prepare, kind, remedy):
        with pytest.raises(RunnerRefusedError, match=remedy):
            prepare(f"--environment_type={kind}")


class TestSavepoint:
    def test_the_latest_is_found_by_the_jobs_name(self, fake, prepare):
        kept = checkpoint("file:/s", savepoint=True)
        fake.jobs = [FakeJob("a", "n", "FINISHED", savepoint=kept)]
        lines = []
        flags = Flags(prepare("--job_name=n", "--savepoint_path=latest", notify=lines.append))
        assert flags.all("savepoint_path") == ["file:/s"]
        assert lines == ["The stream goes on from file:/s"]

    def test_without_one_the_stream_begins_from_the_fences_and_says_so(self, prepare):
        lines = []
        flags = Flags(prepare("--savepoint_path=latest", notify=lines.append))
        assert "savepoint_path" not in flags
        assert lines == ["The stream begins without Flink's state, from the lake's fences"]

    def test_a_path_is_taken_as_it_is(self, prepare):
        assert Flags(prepare("--savepoint_path", "s3://b/s")).all("savepoint_path") == ["s3://b/s"]

    def test_a_drain_has_none(self, prepare):
        with pytest.raises(RunnerRefusedError, match="goes on from the lake's fences"):
            prepare("--savepoint_path=file:/s", mode="drain")

    def test_a_mini_cluster_would_leave_it_out(self):
        argv = ["--runner=flink", ENDPOINT, "--savepoint_path=file:/s"]
        with pytest.raises(RunnerRefusedError, match="silently"):
            presets.prepare(argv, mode="stream")


class TestHosts:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
    def test_loopback_is_here(self, host):
        assert is_here(host)

    # The addresses of RFC 5737 and RFC 2606: nobody's.
    @pytest.mark.parametrize("host", ["198.51.100.1", "host.invalid"])
    def test_others_are_not(self, host):
        assert not is_here(host)
