"""``python -m beam_pipelines.warehouse migrate|load|reload|status``: the lake into Amazon Redshift.

``load`` needs no Beam runner: a scheduler, a sidecar or a function may run it, and several at once.
Exit codes: 0 done; 1 it failed on the way, run it again; 2 refused, nothing was touched.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from beam_pipelines.arguments import Parser, add_store_flags, run_command, store_settings_of
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.terminal import console
from beam_pipelines.warehouse.output import show_load, show_status, show_steps, write_json
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.settings import (
    LOAD_PATIENCE_S,
    add_redshift_flags,
    redshift_settings,
)
from beam_pipelines.warehouse.status import lock_holders, read_status
from transforms.errors import ConfigurationError, RetryableError
from transforms.lake import BatchLimits, ObjectStore
from transforms.redshift import (
    Loader,
    LoadPlan,
    RedshiftSettings,
    Statements,
    connect,
    forget,
    migrate,
)

#: Somebody waits for the answer of the other subcommands, so an outage is an answer soon.
PATIENCE_S: Final = 20.0


def main(argv: Sequence[str]) -> int:
    """Runs a subcommand and returns its exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    patience = LOAD_PATIENCE_S if arguments.command in ("load", "reload") else PATIENCE_S
    settings = redshift_settings(arguments, patience)
    plan = load_plan(load_config(arguments.config, arguments.set))
    COMMANDS[arguments.command](arguments, settings, plan)
    return ExitCode.COMPLETE


def _migrate(arguments: argparse.Namespace, settings: RedshiftSettings, plan: LoadPlan) -> None:
    session = connect(settings)
    try:
        steps = migrate(session, plan, Statements(settings.schema), dry_run=arguments.dry_run)
    finally:
        session.close()
    show_steps(steps, dry_run=arguments.dry_run)


def _load(arguments: argparse.Namespace, settings: RedshiftSettings, plan: LoadPlan) -> None:
    if arguments.every is not None and arguments.every <= 0:
        raise ConfigurationError("--every must be a number of seconds above 0", "Such as 30")
    loader = Loader(
        _store(arguments, settings.patience_s),
        plan,
        lambda: connect(settings),
        Statements(settings.schema),
        role=settings.copy_role,
        limits=BatchLimits(rows=arguments.rows),
        patience_s=settings.patience_s,
    )
    while True:
        try:
            for result in loader.load():
                show_load(result, as_json=arguments.format == "json")
        except RetryableError as error:
            # With --every the next round tries again: an outage must not end the service.
            if arguments.every is None:
                raise
            sys.stderr.write(f"warning: {error}\n")
        if arguments.every is None:
            return
        time.sleep(arguments.every)


def _reload(arguments: argparse.Namespace, settings: RedshiftSettings, plan: LoadPlan) -> None:
    names = [each.table for each in plan.tables]
    if arguments.table not in names:
        raise ConfigurationError(
            f"there is no table {arguments.table!r}", f"Name one of {', '.join(names)}"
        )
    session = connect(settings)
    try:
        forget(session, Statements(settings.schema), arguments.table)
    finally:
        session.close()
    _load(arguments, settings, plan)


def _status(arguments: argparse.Namespace, settings: RedshiftSettings, plan: LoadPlan) -> None:
    statements = Statements(settings.schema)
    session = connect(settings)
    try:
        tables = read_status(_store(arguments, PATIENCE_S), session, statements, plan)
        holders = lock_holders(session, statements)
    finally:
        session.close()
    if arguments.format == "json":
        write_json({"tables": [asdict(t) for t in tables], "lock": [asdict(h) for h in holders]})
    else:
        show_status(tables, holders, console())


def _store(arguments: argparse.Namespace, patience_s: float) -> ObjectStore:
    settings = replace(store_settings_of(arguments), patience_s=patience_s)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    return store


#: Each subcommand, by its name.
COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, RedshiftSettings, LoadPlan], None]]] = {
    "migrate": _migrate,
    "load": _load,
    "reload": _reload,
    "status": _status,
}


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.warehouse", __doc__ or "")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    migrated = _command(commands, "migrate", "make the schema, or bring it up to date")
    migrated.add_argument("--dry_run", action="store_true", help="print the SQL, touch nothing")
    loaded = _command(commands, "load", "load what is committed in the lake and not yet loaded")
    loaded.add_argument("--every", type=float, metavar="SECONDS", help="again and again")
    loaded.add_argument(
        "--rows", type=int, default=BatchLimits().rows, help="most rows of one transaction"
    )
    anew = _command(commands, "reload", "empty one table and load it anew from the lake")
    anew.add_argument("--table", required=True, help="such as raw_dispense_event")
    anew.set_defaults(every=None, rows=BatchLimits().rows)
    watched = _command(commands, "status", "fences and lag, last loads, who holds the lock")
    for each in (loaded, anew, watched):
        each.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
        each.add_argument("--format", choices=("text", "json"), default="text")
        add_store_flags(each)
    return parser


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--config", metavar="FILE", help="the job's; the packaged one by default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_redshift_flags(parser)
    return parser
