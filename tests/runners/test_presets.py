import pickle

import pytest
from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
    StandardOptions,
)

from runners import capabilities, job_servers, presets
from runners.errors import PackagingError, RunnerRefusedError
from runners.java import Java
from tests.fakes.flink import serving

ENDPOINT = "--job_endpoint=127.0.0.1:1"


@pytest.fixture(autouse=True)
def nothing_is_fetched(monkeypatch, tmp_path):
    java = Java(executable=tmp_path / "java", version=17)
    monkeypatch.setattr(job_servers.java, "find", lambda **limits: java)
    monkeypatch.setattr(job_servers.maven, "jars", lambda names, **rest: [tmp_path / "a.jar"])
    monkeypatch.setattr(job_servers.residuals, "mended", lambda jars, folder: list(jars))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(presets.os, "cpu_count", lambda: 4)


def _options(*argv):
    return PipelineOptions(presets.prepare(argv, mode="drain"))


class TestDirect:
    def test_it_is_the_default_and_never_prism(self):
        for argv in ([], ["--runner=direct"], ["--runner", "DirectRunner"]):
            runner = _options(*argv).view_as(StandardOptions).runner
            assert runner.endswith("fn_api_runner.FnApiRunner")

    def test_its_name_is_one_that_beam_can_create(self):
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner
        from apache_beam.runners.runner import create_runner

        name = _options().view_as(StandardOptions).runner
        assert isinstance(create_runner(name), FnApiRunner)

    @pytest.mark.parametrize("workers", ["2", "0"])
    def test_several_workers_are_processes(self, workers):
        options = _options("--direct_num_workers", workers).view_as(DirectOptions)
        assert options.direct_running_mode == "multi_processing"

    def test_one_worker_stays_in_this_process(self):
        options = _options("--direct_num_workers=1").view_as(DirectOptions)
        assert options.direct_running_mode == "in_memory"

    @pytest.mark.parametrize("mode", ["in_memory", "multi_threading"])
    def test_several_workers_in_one_process_are_refused(self, mode):
        with pytest.raises(RunnerRefusedError, match="multi_processing is set for you"):
            _options("--direct_num_workers=2", f"--direct_running_mode={mode}")


class TestFlink:
    def test_it_gets_a_mini_cluster_of_the_job_servers_version(self):
        options = _options("--runner=flink")

        flink = options.view_as(FlinkRunnerOptions)
        assert (flink.flink_master, flink.flink_version, flink.parallelism) == (
            "[local]",
            "1.19",
            4,
        )
        assert options.view_as(PortableOptions).environment_type == "LOOPBACK"
        assert flink.flink_job_server_jar.endswith(".jar")

    def test_the_users_own_choices_stay(self):
        options = _options(
            "--runner=FlinkRunner",
            "--parallelism=7",
            "--flink_job_server_jar=own.jar",
            "--flink_version=2.0",
            "--job_server_jvm_properties=-Xmx9g",
        )

        flink = options.view_as(FlinkRunnerOptions)
        assert (flink.parallelism, flink.flink_version) == (7, "2.0")
        assert flink.flink_job_server_jar == "own.jar"
        # The last of two options of a JVM wins.
        assert options.view_as(JobServerOptions).job_server_jvm_properties[-1] == "-Xmx9g"

    def test_a_cluster_of_the_same_class_path_gets_a_job_server_that_sends_none(self, tmp_path):
        (tmp_path / "a.jar").touch()
        with serving() as cluster:
            flags = ["--runner=flink", f"--flink_master={cluster.address}"]
            usual = _options(*flags).view_as(FlinkRunnerOptions).flink_job_server_jar
            cluster.class_path = [usual]
            assert _options(*flags).view_as(FlinkRunnerOptions).flink_job_server_jar != usual

    @pytest.mark.parametrize(
        "flag",
        ["--flink_version=2.0", "--flink_submit_uber_jar", "--output_executable_path=x.jar"],
    )
    def test_what_the_composed_job_server_cannot_do_is_refused(self, flag):
        with pytest.raises(RunnerRefusedError, match=flag.partition("=")[0]):
            _options("--runner=flink", flag)


class TestSpark:
    def test_it_runs_inside_the_job_server_on_loopback_without_speculation(self):
        options = _options("--runner=spark")

        assert options.view_as(SparkRunnerOptions).spark_master_url == "local[4]"
        assert options.view_as(PortableOptions).environment_type == "LOOPBACK"
        properties = options.view_as(JobServerOptions).job_server_jvm_properties
        assert "-Dspark.speculation=false" in properties
        assert "-Dspark.driver.bindAddress=127.0.0.1" in properties

    def test_a_driver_of_a_cluster_is_not_confined_to_loopback(self):
        argv = ["--runner=spark", "--spark_master_url=spark://h:7077", "--environment_type=DOCKER"]
        argv += ["--environment_config=image"]
        properties = _options(*argv).view_as(JobServerOptions).job_server_jvm_properties
        assert not [option for option in properties if "127.0.0.1" in option]


class TestJobServer:
    def test_the_supervisor_comes_before_all_options_of_the_jvm(self):
        options = _options("--runner=spark", "--job_server_jvm_properties=-Xmx9g")

        properties = options.view_as(JobServerOptions).job_server_jvm_properties
        supervisor, log, java = properties[:3]
        assert supervisor.endswith("_supervisor.py")
        assert log.endswith(".log")
        assert java.endswith("java")
        assert all(option.startswith("-") for option in properties[3:])

    def test_the_users_launcher_is_supervised_too(self):
        options = _options("--runner=flink", "--job_server_java_launcher", "/opt/j")
        assert options.view_as(JobServerOptions).job_server_jvm_properties[2] == "/opt/j"

    def test_none_is_composed_for_a_running_one(self):
        options = _options("--runner=flink", ENDPOINT)

        assert options.view_as(FlinkRunnerOptions).flink_job_server_jar is None
        assert options.view_as(JobServerOptions).job_server_java_launcher == "java"

    def test_the_user_is_told_which_one_and_where_its_log_is(self):
        lines = []
        presets.prepare(["--runner=flink"], mode="drain", notify=lines.append)

        assert [line for line in lines if "flink-1.19" in line and "160 Maven" in line]
        assert [line for line in lines if line.endswith(".log")]


class TestWorkers:
    @pytest.mark.parametrize(
        "master", [["flink", "--flink_master=h:8081"], ["spark", "--spark_master_url=spark://h:7"]]
    )
    @pytest.mark.parametrize("environment", [[], ["--environment_type=LOOPBACK"]])
    def test_a_cluster_cannot_use_workers_of_this_process(self, master, environment):
        with pytest.raises(RunnerRefusedError, match="choose --environment_type"):
            _options(f"--runner={master[0]}", ENDPOINT, master[1], *environment)

    def test_worker_processes_are_as_many_as_tasks(self, monkeypatch):
        monkeypatch.setattr("runners.workers._python_is_ours", lambda: True)
        experiment = "--experiments=use_loopback_process_worker=True"
        argv = ["--runner=spark", ENDPOINT, "--spark_master_url=local[3]", experiment]

        assert "--sdk_worker_parallelism=3" in presets.prepare(argv, mode="drain")

    def test_worker_processes_of_another_python_are_refused(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(RunnerRefusedError, match="activate the virtual environment"):
            _options("--runner=flink", ENDPOINT, "--experiments=use_loopback_process_worker=True")


class TestRefusals:
    @pytest.mark.parametrize("runner", ["direct", "spark"])
    def test_a_runner_that_cannot_stream_says_what_to_do(self, runner):
        with pytest.raises(RunnerRefusedError, match=r"--mode drain.* or stream on --runner=flink"):
            presets.prepare([f"--runner={runner}"], mode="stream")

    @pytest.mark.parametrize("runner", ["direct", "flink", "spark"])
    def test_a_drain_is_no_streaming_job(self, runner):
        with pytest.raises(RunnerRefusedError, match="--streaming"):
            _options(f"--runner={runner}", "--streaming")

    @pytest.mark.parametrize("runner", ["dataflow", "PrismRunner", "PortableRunner", "Flunk"])
    def test_an_unknown_runner_is_refused_with_the_names_of_the_known(self, runner):
        with pytest.raises(RunnerRefusedError, match="direct, flink or spark"):
            _options(f"--runner={runner}")

    def test_each_one_is_a_single_sentence_that_survives_pickling(self):
        for subject in capabilities.REFUSALS:
            with pytest.raises(RunnerRefusedError) as refused:
                capabilities.refuse(subject)
            assert "\n" not in str(refused.value)
            assert ". " not in str(refused.value)
            assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


class TestExplain:
    @pytest.mark.parametrize("argv", [[], ["--runner=flink"], ["--runner=spark", "--setup_file=."]])
    def test_it_names_each_flag_that_is_set_with_a_reason(self, argv, tmp_path, monkeypatch):
        if "--setup_file=." in argv:
            (tmp_path / "setup.py").touch()
            argv = [*argv[:-1], f"--setup_file={tmp_path / 'setup.py'}"]
        added = [w for w in presets.prepare(argv, mode="drain") if w not in argv]

        lines = presets.explain(argv, mode="drain")

        assert {w.partition("=")[0] for w in added} <= {s.partition("=")[0] for s in lines}
        assert all(line.partition("  # ")[2] for line in lines)

    def test_it_fetches_nothing(self, monkeypatch):
        monkeypatch.setattr(job_servers, "compose", None)
        assert any("<flink-1.19>" in s for s in presets.explain(["--runner=flink"], mode="drain"))


class TestSetupFile:
    def test_a_relative_path_becomes_absolute(self, tmp_path, monkeypatch):
        (tmp_path / "setup.py").touch()
        monkeypatch.chdir(tmp_path)

        argv = presets.prepare(["--setup_file", "setup.py"], mode="drain")

        assert f"--setup_file={tmp_path / 'setup.py'}" in argv
        assert "setup.py" not in argv

    def test_a_missing_one_is_an_error_that_names_the_flag(self):
        with pytest.raises(PackagingError, match="--setup_file"):
            presets.prepare(["--setup_file=nowhere/setup.py"], mode="drain")


def test_flags_that_the_preset_does_not_know_pass_untouched():
    argv = ["--lake_root=s3://b/p", "--s3_endpoint_url", "http://h", "--flag"]
    assert presets.prepare(argv, mode="drain")[-4:] == argv
