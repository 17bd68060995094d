"""The command `python -m beam_pipelines.produce`.

Exit codes: 0 all is produced; 2 refused or failed, with one line that says why.
"""

import argparse
import datetime
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.errors import ArgumentError, ProduceError
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.manifest import Ledger, check_writable, write_manifest
from beam_pipelines.produce.one_schema import DEFAULT_DAY
from beam_pipelines.produce.pace import Pace
from beam_pipelines.produce.topics import topics_with

_EPOCH = datetime.date(1970, 1, 1)
_DAY_S = 86_400


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ArgumentError(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Produces the stream; returns the exit code."""
    # Without a handler Python would print librdkafka's warnings beside our one line.
    logging.getLogger("beam_pipelines.produce").addHandler(logging.NullHandler())
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        _run(_parser().parse_args(argv), console)
    except ProduceError as error:
        console.print(f"produce: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("produce: interrupted; the topics hold a part of the stream", markup=False)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m beam_pipelines.produce",
        description="Produces a realistic pharmacy stream to Kafka: same seed, same bytes.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--kafka_bootstrap_servers", required=True, metavar="HOST:PORT", help="the cluster")
    add("--events", type=_positive, default=300_000, help="sound events (default 300000)")
    add("--seed", type=_natural, default=0, help="same seed, same bytes (default 0)")
    add("--faults", choices=["default", "none"], default="default", help="faults to plant")
    add("--manifest", type=Path, metavar="FILE", help="where to write what was planted where")
    add("--day", type=_day, help="the events' day (default 2026-03-16)")
    add("--partitions", type=_positive, help="partitions of every topic (default 6, 4, 3, 2, 2, 2)")
    add(
        "--create_topics",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="create missing topics (the default)",
    )
    add("--replication", type=_positive, default=1, help="replicas of created topics (default 1)")
    add(
        "--live",
        action="store_true",
        help="messages bear the time at which they are sent, and events are of two days ago: so "
        "that readers can tell how old what they read is; not the same bytes on another day",
    )
    add("--rate", type=_positive, metavar="N", help="at most N events a second")
    add(
        "--kafka_config",
        action="extend",
        nargs="+",
        type=_setting,
        default=[],
        metavar="KEY=VALUE",
        help="a setting of librdkafka, for all clients",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def _day(text: str) -> int:
    try:
        return (datetime.date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a date YYYY-MM-DD, got {text!r}") from None


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        # The text itself isn't shown: it may be a password.
        raise argparse.ArgumentTypeError("must be KEY=VALUE")
    return key, value


def _run(args: argparse.Namespace, console: Console) -> None:
    if args.day is None:
        # Two days ago: whatever the time of day, no event of it lies in the future.
        args.day = int(time.time()) // _DAY_S - 2 if args.live else DEFAULT_DAY
    if args.manifest is not None:
        check_writable(args.manifest)
    topics = topics_with(args.partitions)
    target = KafkaTarget(
        args.kafka_bootstrap_servers,
        dict(args.kafka_config),
        transactional_id=f"pharmabeam-produce-{args.seed}",
    )
    target.prepare(topics, create=args.create_topics, replication=args.replication)
    ledger, pace = Ledger(digests=args.manifest is not None), Pace(args.rate)
    with _progress(console) as progress:
        task = progress.add_task("producing", total=args.events, rate="")
        for chunk in generate(args.seed, args.events, args.faults, args.day, topics):
            ledger.add(chunk)
            for piece in pace.pieces(chunk):
                target.send(_sent_now(piece) if args.live else piece)
                rate = f"{pace.messages / max(pace.seconds(), 1e-6):,.0f}/s"
                progress.update(task, completed=pace.messages, rate=rate)
        target.finish()
    if args.manifest is not None:
        write_manifest(args.manifest, _arguments(args), ledger, target.deliveries)
    _summarize(console, args, pace, ledger, target)


def _sent_now(piece: Chunk) -> Chunk:
    return replace(piece, timestamps_ms=[int(time.time() * 1000)] * len(piece))


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _arguments(args: argparse.Namespace) -> dict[str, Any]:
    """What decides on the content; neither the cluster nor its secrets."""
    return {
        "seed": args.seed,
        "events": args.events,
        "faults": args.faults,
        "day": (_EPOCH + datetime.timedelta(days=args.day)).isoformat(),
        "partitions": args.partitions,
    }


def _summarize(
    console: Console, args: argparse.Namespace, pace: Pace, ledger: Ledger, target: KafkaTarget
) -> None:
    seconds = max(pace.seconds(), 1e-6)
    line = (
        f"produced {pace.messages:,} messages to {len(ledger.topics())} topics in {seconds:.1f} s "
        f"({pace.messages / seconds:,.0f}/s)"
    )
    if args.faults != "none":
        deliveries = target.deliveries
        aborted = sum(t.fate is Fate.ABORTED for t in deliveries.transactions)
        line += (
            f"; planted {len(deliveries.planted):,} faults, {aborted} of "
            f"{len(deliveries.transactions)} transactions aborted"
        )
    if args.manifest is not None:
        line += f"; manifest: {args.manifest}"
    console.print(line, markup=False)
