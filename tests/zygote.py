"""A process that has imported everything and forks a child for each command.

Starting the interpreter and importing the pipeline cost two seconds of CPU; a fork costs ten
milliseconds. It reads one JSON command a line on standard input and answers each with one line on
standard output. At the end of its input it kills the children that are left and ends.

    {"do": "fork", "main": "module:function", "argv": [...], "environ": {...}, "before": "m:f",
     "stdout": path, "stderr": path}  ->  {"pid": 123}
    {"do": "reap", "pid": 123}        ->  {"status": 9}      waits; a wait status as of os.waitpid
"""

import ctypes
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import boto3
import botocore.session

#: What the commands need; imported before the first fork.
_MODULES = (
    "apache_beam.runners.portability.fn_api_runner",
    "pyarrow.parquet",
    "beam_pipelines.pharmacy.cli",
    "beam_pipelines.produce.cli",
    "beam_pipelines.verify.cli",
    "beam_pipelines.lake.cli",
    "beam_pipelines.warehouse.cli",
    "tests.load_process",
)
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serves commands until the input ends; returns in a child when its command has ended."""
    _die_with_parent()
    for name in _MODULES:
        import_module(name)
    _read_models()
    # A thread would not live on in a child, and what it holds locked would stay so for ever.
    assert threading.active_count() == 1
    # A collection in a child would touch, and so copy, every page that it shares with this process.
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    replies = os.fdopen(os.dup(1), "w")
    print(json.dumps({"ready": os.getpid()}), file=replies, flush=True)
    while line := sys.stdin.readline():
        command = json.loads(line)
        if command["do"] == "reap":
            reply = {"status": os.waitpid(command["pid"], 0)[1]}
            children.discard(command["pid"])
        else:
            child = os.fork()
            if child == 0:
                replies.close()
                sys.exit(_run(command))
            children.add(child)
            reply = {"pid": child}
        print(json.dumps(reply), file=replies, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)


def _read_models() -> None:
    """Reads botocore's models once for all: for each client anew they take 80 ms of CPU."""
    botocore.session.create_loader = cache(botocore.session.create_loader)
    boto3.session.Session(region_name="us-east-1").client("s3")


def _run(command: dict[str, Any]) -> int:
    """Becomes the process of the command, as a shell would have started it."""
    _die_with_parent()
    # A group of its own, so that a test can interrupt all of it as a terminal does.
    os.setpgid(0, 0)
    for descriptor, path in ((0, "/dev/null"), (1, command["stdout"]), (2, command["stderr"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.update(command["environ"])
    sys.argv = [command["main"].partition(":")[0], *command["argv"]]
    if command["before"]:
        _named(command["before"])()
    return int(_named(command["main"])(command["argv"]))


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
