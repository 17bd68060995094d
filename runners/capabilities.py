"""What is refused and why: the limits of each runner, in one table.

Found by running Beam 2.77 against real servers, or read in the runners' sources.
"""

from typing import NoReturn

from runners.errors import RunnerRefusedError

__all__ = ["RUNNERS", "refuse"]

# By the names a user may write, in lower case and without the word "runner".
RUNNERS = {"direct": "direct", "fnapi": "direct", "flink": "flink", "spark": "spark"}

# Subject as the user writes it -> why, and what to do instead.
_REFUSALS: dict[str, tuple[str, str]] = {
    "--runner=direct in stream mode": (
        "the FnApiRunner groups only when all input has ended, and a stream's never does",
        "run it with --mode drain, again and again",
    ),
    "--runner=flink in stream mode": (
        "streaming comes with the Flink cluster preset",
        "run it with --mode drain",
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
    reason, alternative = _REFUSALS[subject]
    raise RunnerRefusedError(subject, reason, alternative)
