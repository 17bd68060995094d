"""What is refused and why: the limits of each runner, in one table.

Found by running Beam 2.77 against real servers, or read in the runners' sources.
"""

from typing import NoReturn

from runners.errors import RunnerRefusedError

__all__ = ["REFUSALS", "RUNNERS", "refuse"]

# By the names a user may write, in lower case and without the word "runner".
RUNNERS = {"direct": "direct", "fnapi": "direct", "flink": "flink", "spark": "spark"}

#: Subject as the user writes it -> why, and what to do instead.
REFUSALS: dict[str, tuple[str, str]] = {
    "--runner=direct in stream mode": (
        "the FnApiRunner groups only when all input has ended, and a stream's never does",
        "run it with --mode drain, again and again, or stream on --runner=flink",
    ),
    "--runner=spark in stream mode": (
        "Beam's portable Spark runner has no unbounded splittable DoFns and no streaming state",
        "run it with --mode drain, or stream on --runner=flink",
    ),
    "--streaming in drain mode": (
        "it would make a job of bounded input wait for checkpoints and timers that never come",
        "leave it out",
    ),
    "--direct_running_mode=in_memory with several workers": (
        "it runs them one after another",
        "leave the flag out: multi_processing is set for you",
    ),
    "--direct_running_mode=multi_threading with several workers": (
        "Python's interpreter lock lets one thread work at a time",
        "leave the flag out: multi_processing is set for you",
    ),
    "--flink_version": (
        "the job server is composed for Flink 1.19, and must match the cluster's minor version",
        "use 1.19, or give a job server of that version with --flink_job_server_jar",
    ),
    "--flink_submit_uber_jar": (
        "the composed job server holds no classes to upload, and such a job can't be restored",
        "leave it out: the job server submits the job",
    ),
    "--spark_submit_uber_jar": (
        "the composed job server holds no classes to upload",
        "leave it out: the job server submits the job",
    ),
    "--output_executable_path": (
        "the composed job server holds no classes to put into that file",
        "give Beam's shaded jar with --flink_job_server_jar or --spark_job_server_jar",
    ),
    "a remote master without --environment_type": (
        "the cluster's hosts can't reach workers inside this process",
        "choose --environment_type=EXTERNAL, PROCESS or DOCKER",
    ),
    "--environment_type=LOOPBACK with a remote master": (
        "the cluster's hosts can't reach workers inside this process",
        "choose --environment_type=EXTERNAL, PROCESS or DOCKER",
    ),
    "--environment_type=EXTERNAL alone": (
        "it doesn't say where the worker pool listens",
        "give --environment_config=HOST:PORT; python -m runners.pool starts one on each host",
    ),
    "--environment_type=PROCESS alone": (
        "it doesn't say what starts a worker",
        'give --environment_config=\'{"command": "/path/of/pharmabeam-worker"}\', the program that '
        "comes with this package",
    ),
    "--environment_type=DOCKER alone": (
        "Beam's own image doesn't hold this package",
        "give --environment_config=IMAGE, an image that does",
    ),
    "--metrics_port with workers elsewhere": (
        "this process serves the figures of its own workers only",
        "give it to python -m runners.pool, or set PHARMABEAM_METRICS_PORT where a runner starts "
        "workers by itself",
    ),
    "--savepoint_path in drain mode": (
        "a drain is a batch job, which has no state to go on from",
        "leave it out: the drain goes on from the lake's fences",
    ),
    "--savepoint_path without a Flink cluster": (
        "Beam restores on real clusters only, and would silently leave it out",
        "leave it out, and the stream goes on from the lake's fences, or give --flink_master",
    ),
    "a Flink cluster without a free slot": (
        "the job would wait five minutes for one and fail",
        "stop a job, start a TaskManager, or give --parallelism if the cluster starts TaskManagers "
        "on demand",
    ),
    **{
        f"--{flag} with a Flink cluster": (
            "the cluster shows a job's options to whoever asks its REST interface",
            "leave it out, and let the workers find credentials in their own environment",
        )
        for flag in ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
    },
    "--experiments=use_loopback_process_worker": (
        "its workers are started as the bare word python, which on this PATH is not this "
        "environment's: they would die, and the job would wait for ever",
        "activate the virtual environment first",
    ),
}


def refuse(subject: str) -> NoReturn:
    """Raises the refusal of the table for ``subject``.

    Raises:
        RunnerRefusedError: always.
    """
    reason, alternative = REFUSALS[subject]
    raise RunnerRefusedError(subject, reason, alternative)
