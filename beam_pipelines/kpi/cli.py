"""``python -m beam_pipelines.kpi``: the live figures that a stream or a drain has published."""

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from beam_pipelines.arguments import (
    Parser,
    add_kafka_config_flag,
    kafka_config_of,
    run_command,
)
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.kpi.board import Board
from beam_pipelines.kpi.client import TopicFollower
from beam_pipelines.kpi.figures import WINDOWS, LiveFigures, read_panes, shown_as
from beam_pipelines.pharmacy.running import shown
from beam_pipelines.terminal import console
from transforms.errors import BrokerUnavailableError, ConfigurationError
from transforms.kafka import BrokerSettings

TOPIC: Final = "pharmacy.kpi"
#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0
_CALL_S: Final = 1.0


def main(argv: Sequence[str]) -> int:
    """Shows the figures and returns the exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    if arguments.format == "json" and not arguments.once:
        raise ConfigurationError("--format=json needs --once", "Add it")
    if arguments.top < 1:
        raise ConfigurationError("--top must be 1 or more", "Such as 5")
    settings = BrokerSettings(
        bootstrap_servers=arguments.kafka_bootstrap_servers,
        config=kafka_config_of(arguments),
        group_id="pharmabeam-kpi",
    )
    follower = TopicFollower(settings, arguments.topic, patience_s=PATIENCE_S)
    try:
        return _once(follower, arguments) if arguments.once else _live(follower, arguments)
    finally:
        follower.close()


def _once(follower: TopicFollower, arguments: argparse.Namespace) -> int:
    """Shows what there is now."""
    as_json = arguments.format == "json"
    board = Board(windows=None if as_json else WINDOWS)
    deadline = time.monotonic() + PATIENCE_S
    while not follower.has_all:
        read = list(read_panes(follower.read(_CALL_S), arguments.topic))
        board.add(read)
        if read:
            deadline = time.monotonic() + PATIENCE_S
        elif time.monotonic() >= deadline:
            raise BrokerUnavailableError(
                f"nothing came from {arguments.topic} for {PATIENCE_S:.0f} s", "Look at the broker"
            )
    if as_json:
        for pane in board.panes():
            sys.stdout.write(f"{pane.to_bytes().decode()}\n")
    else:
        console().print(shown_as(board.newest(), arguments.top))
    return ExitCode.COMPLETE


def _live(follower: TopicFollower, arguments: argparse.Namespace) -> int:
    """Shows what there is and what comes, until Ctrl-C."""
    figures = LiveFigures(lambda: follower, arguments.topic, arguments.top)
    with suppress(KeyboardInterrupt), shown(figures, console()):
        while True:
            time.sleep(_CALL_S)  # A wait without an end may sleep through the signal.
    return ExitCode.COMPLETE


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.kpi", __doc__ or "")
    parser.add_argument("--kafka_bootstrap_servers", required=True, metavar="HOST:PORT,...")
    add_kafka_config_flag(parser)
    parser.add_argument("--topic", default=TOPIC, help=f"{TOPIC} by default")
    parser.add_argument("--once", action="store_true", help="show what there is now, and leave")
    parser.add_argument("--top", type=int, default=5, help="cells of a window; 5 by default")
    parser.add_argument(
        "--format",
        choices=("table", "json"),
        default="table",
        help="json: with --once, the panes that count of all windows, one a line",
    )
    return parser
