"""The command ``python -m runners.flink status|savepoint|stop``.

Exit codes: 0 done; 1 there is no such job, or the cluster refuses; 2 bad input.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

from runners.errors import FlinkClusterError
from runners.flink.jobs import active, stop
from runners.flink.preset import JOB_NAME
from runners.flink.rest import Cluster, Job

__all__ = ["main"]


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
        _complain(str(error))
        return 1


def _status(cluster: Cluster, _: argparse.Namespace) -> int:
    overview = cluster.overview()
    _say(f"Flink {overview.version}, {overview.task_managers} TaskManagers, {overview.slots} slots")
    for job in cluster.jobs():
        _say(f"{job.id}  {job.name}  {job.state}{_checkpoints(cluster, job)}")
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
    _say(cluster.savepoint(job.id))
    return 0


def _stop(cluster: Cluster, arguments: argparse.Namespace) -> int:
    stopped = stop(cluster, arguments.job_name, savepoint=not arguments.without_savepoint)
    if stopped is None:
        return _no_job(arguments)
    if stopped.problem:
        _complain(f"canceled, since there is no savepoint: {stopped.problem}")
    _say(f"{stopped.job.name} is {stopped.state}")
    if stopped.path:
        _say(f"It can go on with --savepoint_path={stopped.path}")
    return 0


def _no_job(arguments: argparse.Namespace) -> int:
    _complain(f"no job named {arguments.job_name} runs there: see status")
    return 1


class _Parser(argparse.ArgumentParser):
    """Reports bad input on one line."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message} (see --help)")
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m runners.flink",
        description="Look at the streams of a Flink cluster, save their state, end them.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="status|savepoint|stop")
    for name, command, text in (
        ("status", _status, "list the jobs, with the age of their last checkpoints"),
        ("savepoint", _savepoint, "make a savepoint of a running stream, and print its path"),
        ("stop", _stop, "end a stream with a savepoint, and print how it can go on"),
    ):
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
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


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _complain(text: str) -> None:
    print(f"runners.flink: {text}", file=sys.stderr, flush=True)  # noqa: T201
