"""The command ``python -m runners.flink status|savepoint|stop``.

Exit codes: 0 done; 1 there is no such job, or the cluster refuses; 2 bad input.
"""

import argparse
import time
from collections.abc import Sequence

from runners.errors import FlinkClusterError
from runners.flink.jobs import active, stop
from runners.flink.preset import JOB_NAME
from runners.flink.rest import Cluster, Job
from runners.terminal import Parser, complain, say

__all__ = ["main"]

_MODULE = "runners.flink"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments without the program's name; ``sys.argv`` by default.

    Returns:
        The exit code.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(Cluster(arguments.flink_master), arguments))
    except FlinkClusterError as error:
        complain(_MODULE, str(error))
        return 1


def _status(cluster: Cluster, _: argparse.Namespace) -> int:
    overview = cluster.overview()
    say(f"Flink {overview.version}, {overview.task_managers} TaskManagers, {overview.slots} slots")
    for job in cluster.jobs():
        say(f"{job.id}  {job.name}  {job.state}{_checkpoints(cluster, job)}")
    return 0


def _checkpoints(cluster: Cluster, job: Job) -> str:
    last = cluster.checkpoints(job.id).last
    if last is None or job.ended:
        return ""
    size = last.size_bytes / 1e6
    age = last.age_s(time.time())
    return f"  last checkpoint {age:.0f} s ago, took {last.duration_ms / 1e3:.1f} s, {size:.1f} MB"


def _savepoint(cluster: Cluster, arguments: argparse.Namespace) -> int:
    job = active(cluster, arguments.job_name)
    if job is None:
        return _no_job(arguments)
    say(cluster.savepoint(job.id))
    return 0


def _stop(cluster: Cluster, arguments: argparse.Namespace) -> int:
    stopped = stop(cluster, arguments.job_name, savepoint=not arguments.without_savepoint)
    if stopped is None:
        return _no_job(arguments)
    if stopped.problem:
        complain(_MODULE, f"canceled, since there is no savepoint: {stopped.problem}")
    say(f"{stopped.job.name} is {stopped.state}")
    if stopped.path:
        say(f"It can go on with --savepoint_path={stopped.path}")
    return 0


def _no_job(arguments: argparse.Namespace) -> int:
    complain(_MODULE, f"no job named {arguments.job_name} runs there: see status")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m {_MODULE}",
        description="Look at the streams of a Flink cluster, save their state, end them.",
    )
    commands = parser.add_subparsers(required=True, metavar="status|savepoint|stop")
    for name, command, text in (
        ("status", _status, "list the jobs, with the age of their last checkpoints"),
        ("savepoint", _savepoint, "make a savepoint of a running stream, and print its path"),
        ("stop", _stop, "end a stream with a savepoint, and print how it can go on"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument("--flink_master", metavar="HOST:PORT", required=True)
        if name != "status":
            sub.add_argument("--job_name", default=JOB_NAME, help=f"(default: {JOB_NAME})")
        if name == "stop":
            sub.add_argument(
                "--without_savepoint",
                action="store_true",
                help="cancel it at once; its last checkpoint stays",
            )
    return parser
