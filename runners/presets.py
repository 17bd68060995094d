"""Complete a user's Beam flags for the runner they name, or refuse what it can't keep.

    argv = presets.prepare(["--runner=flink"], mode="drain")
    with beam.Pipeline(options=PipelineOptions(argv)) as pipeline: ...

The user's own flags always stay; a preset adds what is missing, and `explain` says why.
"""

import logging
import os
from collections.abc import Callable, Sequence

from runners import direct, flink, job_servers, spark
from runners.capabilities import RUNNERS, refuse
from runners.errors import RunnerRefusedError
from runners.flags import Flags, Mode, Setting
from runners.job_servers import FLINK, SPARK, JobServer
from runners.packaging import absolute_setup_file

__all__ = ["Mode", "explain", "prepare"]

_LOG = logging.getLogger(__name__)

_SERVERS = {"flink": FLINK, "spark": SPARK}

# Why each flag is set; where runners differ, "runner.flag" goes before "flag".
_WHY = {
    "direct.runner": "Beam's DirectRunner would download and run Prism, a program in Go",
    "flink.runner": "the runner that was asked for",
    "spark.runner": "the runner that was asked for",
    "direct_running_mode": "several workers are of use only as processes: threads share one lock",
    "flink_version": "the cluster's minor version must be the job server's",
    "flink_master": "no cluster was named: a mini cluster runs inside the job server",
    "parallelism": "a task for each core of this machine, or each free slot of the cluster",
    "streaming": "the input has no end",
    "checkpointing_interval": "after a failure at most 10 s of work is done again",
    "checkpointing_mode": "a window's state counts each commit once",
    "checkpoint_timeout_millis": "a worker that is frozen or cut off shows by it",
    "min_pause_between_checkpoints": "slow checkpoints must leave time for work between them",
    "finish_bundle_before_checkpointing": "without it a stream may hang for ever at its start",
    "externalized_checkpoints_enabled": "a lost job can be started again from its last checkpoint",
    "retain_externalized_checkpoints_on_cancellation": "a canceled one can be, too",
    "flink_conf_dir": "restarts for ever, with growing pauses; see config.yaml in that folder",
    "max_bundle_size": "a checkpoint waits for the open bundle, so it must end soon",
    "max_bundle_time_mills": "a checkpoint waits for the open bundle, so it must end soon",
    "job_name": "the name by which the stream is found on its cluster, to stop it",
    "savepoint_path": "where the stream goes on from",
    "default_sdk_harness_log_level": "at INFO a worker logs all options, which may be credentials",
    "environment_cache_millis": "a worker is kept for the next step, which may fail on its end",
    "spark_master_url": "no cluster was named: Spark runs inside the job server",
    "environment_type": "the master is on this machine: the workers run in this process",
    "sdk_worker_parallelism": "a worker for each task that a TaskManager or the JVM runs at once",
    "flink_job_server_jar": "composed of Maven artifacts, which every mirror has",
    "spark_job_server_jar": "composed of Maven artifacts, Spark's own included",
    "job_server_java_launcher": "a supervisor ends the job server when this process ends",
    "job_server_jvm_properties": "options of the job server's JVM, see runners/job_servers.py",
    "setup_file": "Beam's stager changes into its folder, and fails on a relative path",
}


def prepare(
    argv: Sequence[str], *, mode: Mode, notify: Callable[[str], None] | None = None
) -> list[str]:
    """Returns the user's Beam flags, completed for the runner that they name.

    Args:
        argv: the flags. ``--runner`` is direct (the default), flink or spark; unknown flags stay.
        mode: ``drain`` reads to an end and stops; ``stream`` goes on.
        notify: gets one line for what takes time or leaves a trace; the log by default.

    Raises:
        RunnerRefusedError: the runner can't do that; the message names what can.
        FlinkClusterError: the Flink cluster of ``--flink_master`` gives no answer.
        MavenError: the job server can't be fetched.
        JavaNotFoundError: a job server is needed, and this machine has no fitting Java.

    Guarantees:
        Starts no job server: Beam does, when the pipeline runs.
    """
    flags = Flags(argv)
    notify = notify or _LOG.info
    runner, settings = _settings(flags, mode)
    if runner == "flink":
        settings += flink.cluster_settings(flags, mode=mode, notify=notify)
    server = _server(flags, runner)
    if server:
        # First, since the supervisor's path must come before all options of the JVM.
        settings = _composed(flags, runner, server, notify) + settings
    # Ours come first: of a repeated JVM property the user's, being last, wins.
    ours = ("runner", "setup_file", "savepoint_path")
    rest = flags.without(*ours, *(["job_server_java_launcher"] if server else []))
    return [*map(str, settings), *rest]


def explain(argv: Sequence[str], *, mode: Mode) -> list[str]:
    """Returns a line for each flag that `prepare` would add, with the reason.

    Nothing is fetched and no cluster asked: what they would tell shows as words.

    Raises:
        RunnerRefusedError: as `prepare`.
    """
    flags = Flags(argv)
    runner, settings = _settings(flags, mode)
    if runner == "flink":
        settings += flink.placeholders(flags)
    server = _server(flags, runner)
    if server:
        jar = Setting(f"{runner}_job_server_jar", f"<{server.name}>")
        settings += [
            *([] if jar.flag in flags else [jar]),
            Setting("job_server_java_launcher", "<supervised java>"),
            *(Setting("job_server_jvm_properties", option) for option in server.jvm),
        ]
    return [f"{setting}  # {_why(runner, setting.flag)}" for setting in settings]


def _settings(flags: Flags, mode: Mode) -> tuple[str, list[Setting]]:
    """Returns the runner's short name and the settings that need no download."""
    runner = _runner(flags.get("runner") or "direct")
    if mode == "stream" and runner != "flink":
        refuse(f"--runner={runner} in stream mode")
    if mode == "drain" and "streaming" in flags:
        refuse("--streaming in drain mode")
    cpus = os.cpu_count() or 1
    if runner == "direct":
        chosen = direct.settings(flags)
    elif runner == "flink":
        chosen = flink.settings(flags, mode=mode, cpus=cpus)
    else:
        chosen = spark.settings(flags, cpus=cpus)
    setup_file = flags.get("setup_file")
    if setup_file:
        chosen.append(Setting("setup_file", str(absolute_setup_file(setup_file))))
    return runner, chosen


def _runner(given: str) -> str:
    """Returns direct, flink or spark for any of the names Beam has for them."""
    name = given.rpartition(".")[2].lower().removesuffix("runner")
    if name not in RUNNERS:
        raise RunnerRefusedError(
            f"--runner={given}", "there is no preset for it", "choose direct, flink or spark"
        )
    return RUNNERS[name]


def _server(flags: Flags, runner: str) -> JobServer | None:
    """Returns the job server that Beam will start for us, if any."""
    return None if "job_endpoint" in flags else _SERVERS.get(runner)


def _composed(
    flags: Flags, runner: str, server: JobServer, notify: Callable[[str], None]
) -> list[Setting]:
    """Returns the settings that make Beam start ``server``, composing it where none was given."""
    log = job_servers.log_file(server)
    launcher, *options = job_servers.jvm_command(server, log, flags.get("job_server_java_launcher"))
    settings = [
        Setting("job_server_java_launcher", launcher),
        *(Setting("job_server_jvm_properties", option) for option in options),
    ]
    flag = f"{runner}_job_server_jar"
    if flag not in flags:
        cluster = flink.cluster_of(flags) if server is FLINK else None
        jar = job_servers.compose(
            server, notify=notify, class_path=cluster.class_path() if cluster else ()
        )
        settings.append(Setting(flag, str(jar)))
    notify(f"The job server's log is {log}")
    return settings


def _why(runner: str, flag: str) -> str:
    return _WHY.get(f"{runner}.{flag}") or _WHY[flag]
