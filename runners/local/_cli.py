"""The command ``python -m runners.local up|status|down``.

Exit codes: 0 done, or all healthy; 1 not healthy, or a server didn't come up; 2 bad input.
"""

import argparse
import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from runners.errors import JavaNotFoundError, RunnersError, StateFolderError
from runners.local._flink import FlinkSettings
from runners.local._kafka import VERSION
from runners.local._services import ALL, Services
from runners.terminal import Parser, complain, say

__all__ = ["main"]

_MODULE = "runners.local"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: arguments without the program's name; ``sys.argv`` by default.

    Returns:
        The exit code.
    """
    arguments = _parser().parse_args(argv)
    flink = FlinkSettings(task_managers=getattr(arguments, "task_managers", None))
    handles = Services.of(arguments.state_dir, flink=flink)
    try:
        with _interruptible():
            return int(arguments.command(handles, arguments))
    except KeyboardInterrupt:
        complain(_MODULE, "interrupted; what this call had started is stopped again")
        return 130
    except RunnersError as error:
        complain(_MODULE, str(error))
        return 2 if isinstance(error, JavaNotFoundError | StateFolderError) else 1


def _up(handles: Services, arguments: argparse.Namespace) -> int:
    with handles.state.lock():
        handles.up((*ALL, *arguments.extra))
        path = handles.write_environ()
    say(f"Kafka {VERSION}  {handles.kafka.bootstrap_servers}")
    say(f"S3           {handles.s3.endpoint_url}  {handles.s3.lake_root}")
    say(f"Redshift     {handles.redshift.address}")
    if handles.flink.job_manager.is_expected():
        count = len(handles.flink.task_managers)
        say(f"Flink        {handles.flink.address}  {count} TaskManagers")
    say(f"Environment  {path}")
    say(f"Logs         {handles.state.folder / 'logs'}")
    return 0


def _status(handles: Services, _: argparse.Namespace) -> int:
    healthy = True
    width = max(len(service.name) for service in handles.expected)
    for service in handles.expected:
        ready = service.is_ready()
        healthy &= ready
        word = "healthy" if ready else "not answering" if service.is_alive() else "not running"
        say(f"{service.name:<{width}} {word}" + (f" (pid {service.pid})" if service.pid else ""))
    return 0 if healthy else 1


def _down(handles: Services, arguments: argparse.Namespace) -> int:
    if not handles.state.folder.exists():
        say("nothing to stop")
        return 0
    with handles.state.lock():
        handles.down()
        if arguments.purge:
            handles.purge()
    say("stopped" + (", data removed" if arguments.purge else ""))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=f"python -m {_MODULE}",
        description="Local Kafka and S3 servers, a stand-in for Amazon Redshift, and Flink.",
    )
    commands = parser.add_subparsers(required=True, metavar="up|status|down")
    for name, command, text in (
        ("up", _up, "start what doesn't run, wait until all answer, write D/env"),
        ("status", _status, "exit 0 if all answer, 1 if not"),
        ("down", _down, "stop what up started; data stay"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument(
            "--state_dir",
            metavar="D",
            type=Path,
            default=Path(".local"),
            help="folder of data, logs and env (default: .local)",
        )
        if name == "up":
            sub.add_argument(
                "--with",
                dest="extra",
                action="append",
                choices=("flink",),
                default=[],
                help="start this beside the usual servers: flink, a cluster of several processes",
            )
            sub.add_argument(
                "--task_managers",
                metavar="N",
                type=_count,
                help="of the Flink cluster, each with one task and one Python worker (default: 2)",
            )
        if name == "down":
            sub.add_argument("--purge", action="store_true", help="remove the data too")
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {count}")
    return count


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Makes a termination or a closed terminal unwind the body, as Ctrl-C does."""

    def interrupt(_: int, __: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {n: signal.signal(n, interrupt) for n in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
