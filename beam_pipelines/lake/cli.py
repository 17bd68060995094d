"""``python -m beam_pipelines.lake ls|show|sweep|adopt-topic``: shows a lake and tends it."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import orjson
from rich.console import Console

from beam_pipelines.arguments import (
    Parser,
    add_kafka_config_flag,
    add_store_flags,
    kafka_config_of,
    run_command,
    store_settings_of,
)
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.lake.adoption import adopt_topic
from beam_pipelines.lake.inventory import tables, take_inventory
from beam_pipelines.lake.letters import dead_letters
from beam_pipelines.lake.selection import selected
from beam_pipelines.terminal import console
from transforms.errors import ConfigurationError, SecretError
from transforms.kafka import Broker, BrokerSettings
from transforms.lake import ObjectStore, require_lake
from transforms.lake.runs import read_report
from transforms.lake.sweep import SweepPlan, plan_sweep, sweep
from transforms.secrets import resolve

#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0
#: The key that the pipeline's packaged configuration names, too.
DEFAULT_KEY: Final = "env:DEAD_LETTER_KEY"
#: Keys of one kind that a sweep names in full.
NAMED_KEYS: Final = 20


def main(argv: Sequence[str]) -> int:
    """Runs a subcommand and returns its exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    settings = replace(store_settings_of(arguments), patience_s=PATIENCE_S)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    require_lake(store)
    try:
        COMMANDS[arguments.command](store, arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (``head``, say) has seen enough; the interpreter's own last flush must not
        # fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.COMPLETE


def _ls(store: ObjectStore, arguments: argparse.Namespace) -> None:
    inventory = take_inventory(store)
    if arguments.format == "json":
        _write(inventory.to_dict(), orjson.OPT_INDENT_2)
        return
    for table in tables(inventory, chains=arguments.chains):
        console().print(table)


def _show(store: ObjectStore, arguments: argparse.Namespace) -> None:
    if arguments.run:
        _show_run(store, arguments.run)
        return
    if arguments.all and not arguments.dead_letters:
        raise ConfigurationError("--all means nothing without --dead_letters", "Add it")
    key = _key(arguments.key) if arguments.dead_letters else None
    for commit in selected(store, arguments):
        if arguments.dead_letters:
            for letter in dead_letters(store, commit, key):
                _write(letter)
        else:
            _write({"key": commit.key, **asdict(commit)}, orjson.OPT_INDENT_2)


def _show_run(store: ObjectStore, run_id: str) -> None:
    report = read_report(store, run_id)
    if report is None:
        raise ConfigurationError(
            f"the lake has no report of a run {run_id!r}", "A run with nothing new writes none"
        )
    _write(report, orjson.OPT_INDENT_2)


def _key(reference: str | None) -> str | None:
    """Returns the data key; a default that isn't set leaves the letters closed."""
    try:
        return resolve(reference or DEFAULT_KEY)
    except SecretError:
        if reference:
            raise
        sys.stderr.write("dead letters stay closed: DEAD_LETTER_KEY is not set, nor --key given\n")
        return None


def _sweep(store: ObjectStore, arguments: argparse.Namespace) -> None:
    plan = plan_sweep(store)
    if arguments.delete:
        sweep(store, plan)
    if arguments.format == "json":
        _write({"deleted": arguments.delete, **asdict(plan)}, orjson.OPT_INDENT_2)
    else:
        _print_sweep(plan, arguments.delete, Console(soft_wrap=True, highlight=False))


def _print_sweep(plan: SweepPlan, deleted: bool, screen: Console) -> None:
    _print_keys(screen, "orphan", [item.key for item in plan.orphans])
    _print_keys(screen, "unfinished upload of", [key for key, _ in plan.uploads])
    _print_keys(screen, "left, its partition has no chain:", plan.ownerless)
    _print_keys(screen, "left, not one of ours:", plan.unknown)
    for owner, why in sorted(plan.broken.items()):
        screen.print(f"left, the chain of {owner} is broken: {why}")
    screen.print(
        f"{len(plan.waiting):,} files lie at or above their fence and may yet be committed: left"
    )
    screen.print(
        f"{len(plan.orphans):,} orphans ({plan.bytes / 1e6:,.1f} MB) and {len(plan.uploads):,} "
        + ("unfinished uploads deleted" if deleted else "unfinished uploads; --delete sweeps them")
    )


def _print_keys(screen: Console, what: str, keys: Sequence[str]) -> None:
    for key in keys[:NAMED_KEYS]:
        screen.print(f"{what} {key}", markup=False)
    if len(keys) > NAMED_KEYS:
        screen.print(f"... and {len(keys) - NAMED_KEYS:,} more")


def _adopt(store: ObjectStore, arguments: argparse.Namespace) -> None:
    settings = BrokerSettings(
        bootstrap_servers=arguments.kafka_bootstrap_servers,
        config=kafka_config_of(arguments),
    )
    facts = adopt_topic(Broker(settings, patience_s=PATIENCE_S), store, arguments.topic)
    _write(
        {
            "topic": facts.topic,
            "topic_id": facts.topic_id,
            "partitions": list(facts.partitions),
            "start": "earliest",
        }
    )


#: Each subcommand, by its name.
COMMANDS: Final[Mapping[str, Callable[[ObjectStore, argparse.Namespace], None]]] = {
    "ls": _ls,
    "show": _show,
    "sweep": _sweep,
    "adopt-topic": _adopt,
}


def _write(value: Mapping[str, Any], option: int = 0) -> None:
    sys.stdout.write(orjson.dumps(value, option=option).decode() + "\n")


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.lake", __doc__ or "")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _ls_flags(_command(commands, "ls", "datasets with their sizes, chains with their fences"))
    _show_flags(_command(commands, "show", "one commit, its dead letters, or a run's report"))
    swept = _command(commands, "sweep", "orphans by the fence rule; a dry run by default")
    swept.add_argument("--delete", action="store_true", help="delete them")
    _ls_flags(swept)
    adopted = _command(
        commands, "adopt-topic", "a chain, from its earliest offset, for a topic made again"
    )
    adopted.add_argument("--topic", required=True)
    adopted.add_argument("--kafka_bootstrap_servers", required=True, metavar="HOST:PORT,...")
    add_kafka_config_flag(adopted)
    return parser


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
    add_store_flags(parser)
    return parser


def _ls_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--chains", action="store_true", help="in text too: each partition's chain")


def _show_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("commit_key", nargs="?", metavar="COMMIT_KEY")
    parser.add_argument("--topic")
    parser.add_argument("--topic_id", help="where a topic was made again under its name")
    parser.add_argument("--partition", type=int)
    parser.add_argument("--seq", type=int, help="number in the chain; the last one by default")
    parser.add_argument("--run", metavar="RUN_ID", help="the report of a run")
    parser.add_argument("--dead_letters", action="store_true", help="as JSON lines")
    parser.add_argument("--all", action="store_true", help="dead letters of all commits")
    parser.add_argument("--key", metavar="REFERENCE", help=f"opens them; {DEFAULT_KEY}")
