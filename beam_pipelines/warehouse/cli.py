"""``python -m beam_pipelines.warehouse``: the lake into Amazon Redshift, and answers out of it.

``load`` needs no Beam runner: a scheduler, a sidecar or a function may run it, and several at once.
Exit codes: 0 done; 1 it failed on the way, run it again; 2 refused, nothing was touched.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any, Final

from beam_pipelines.arguments import (
    Parser,
    add_metrics_flag,
    add_store_flags,
    run_command,
    store_settings_of,
)
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import PharmacyConfig, load_config
from beam_pipelines.terminal import console
from beam_pipelines.warehouse.grants import apply_grants
from beam_pipelines.warehouse.links import link_columns
from beam_pipelines.warehouse.output import (
    show_answer,
    show_grants,
    show_load,
    show_status,
    show_steps,
    write_json,
)
from beam_pipelines.warehouse.plan import load_plan
from beam_pipelines.warehouse.questions import ask
from beam_pipelines.warehouse.settings import (
    LOAD_PATIENCE_S,
    add_redshift_flags,
    redshift_settings,
)
from beam_pipelines.warehouse.status import lock_holders, read_status
from runners.metrics import serve
from transforms.errors import ConfigurationError, RetryableError
from transforms.lake import BatchLimits, ObjectStore
from transforms.redshift import (
    LoadPlan,
    RedshiftSettings,
    Statements,
    connect,
    forget,
    loader_of,
    migrate,
)
from transforms.redshift.star import refill

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
    config = load_config(arguments.config, arguments.set)
    COMMANDS[arguments.command](arguments, settings, config)
    return ExitCode.COMPLETE


def _migrate(
    arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig
) -> None:
    plan, statements = load_plan(config), Statements(settings.schema)
    with closing(connect(settings)) as session:
        steps = migrate(session, plan, statements, dry_run=arguments.dry_run)
    show_steps(steps, statements, dry_run=arguments.dry_run)


def _grants(
    arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig
) -> None:
    plan = load_plan(config)
    with closing(connect(settings)) as session:
        script, closed = apply_grants(
            *(session, Statements(settings.schema), plan),
            link_columns(config.masking.links, plan.star),
            dry_run=arguments.dry_run,
            loader_user=arguments.loader_user,
        )
    show_grants(script, closed, dry_run=arguments.dry_run)


def _load(
    arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig
) -> None:
    _load_all(arguments, settings, load_plan(config))


def _load_all(arguments: argparse.Namespace, settings: RedshiftSettings, plan: LoadPlan) -> None:
    if arguments.every is not None and arguments.every <= 0:
        raise ConfigurationError("--every must be a number of seconds above 0", "Such as 30")
    if arguments.metrics_port:
        serve(arguments.metrics_port)
    store = _store(arguments, settings.patience_s)
    loader = loader_of(store, plan, settings, BatchLimits(rows=arguments.rows))
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


def _reload(
    arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig
) -> None:
    plan, statements = load_plan(config), Statements(settings.schema)
    loaded = [each.table for each in plan.loaded]
    built = [each.table for each in plan.star]
    if arguments.table not in (*loaded, *built):
        raise ConfigurationError(
            f"there is no table {arguments.table!r}", f"Name one of {', '.join((*loaded, *built))}"
        )
    with closing(connect(settings)) as session:
        if arguments.table in built:
            refill(session, statements, plan.star, arguments.table)
        else:
            forget(session, statements, arguments.table)
    _load_all(arguments, settings, plan)


def _status(
    arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig
) -> None:
    plan, statements = load_plan(config), Statements(settings.schema)
    with closing(connect(settings)) as session:
        tables = read_status(_store(arguments, PATIENCE_S), session, statements, plan)
        holders = lock_holders(session, statements)
    if arguments.format == "json":
        write_json({"tables": [asdict(t) for t in tables], "lock": [asdict(h) for h in holders]})
    else:
        show_status(tables, holders, console())


def _ask(arguments: argparse.Namespace, settings: RedshiftSettings, config: PharmacyConfig) -> None:
    questions = config.warehouse.questions
    unknown = next((name for name in arguments.question if name not in questions), None)
    if unknown is not None:
        raise ConfigurationError(
            f"there is no question {unknown!r}", f"Ask one of {', '.join(questions)}"
        )
    asked = {name: questions[name] for name in arguments.question or questions}
    with closing(connect(settings)) as session:
        for answer in ask(session, settings.schema, asked):
            if arguments.format == "json":
                write_json(asdict(answer))
            else:
                show_answer(answer, console())


def _store(arguments: argparse.Namespace, patience_s: float) -> ObjectStore:
    settings = replace(store_settings_of(arguments), patience_s=patience_s)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    return store


#: Each subcommand, by its name.
COMMANDS: Final[
    Mapping[str, Callable[[argparse.Namespace, RedshiftSettings, PharmacyConfig], None]]
] = {
    "migrate": _migrate,
    "grants": _grants,
    "load": _load,
    "reload": _reload,
    "status": _status,
    "ask": _ask,
}


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.warehouse", __doc__ or "")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    migrated = _command(commands, "migrate", "make the schema, or bring it up to date")
    granted = _command(commands, "grants", "give the roles loader, analyst, steward their rights")
    granted.add_argument(
        "--loader_user",
        metavar="USER",
        help="gets the role loader, and a time-out for its sessions",
    )
    for each in (migrated, granted):
        each.add_argument("--dry_run", action="store_true", help="print the SQL, touch nothing")
    loaded = _command(commands, "load", "load what is committed in the lake and not yet loaded")
    loaded.add_argument("--every", type=float, metavar="SECONDS", help="again and again")
    loaded.add_argument(
        "--rows", type=int, default=BatchLimits().rows, help="most rows of one transaction"
    )
    anew = _command(commands, "reload", "make one table anew: from the lake, or from raw tables")
    anew.add_argument("--table", required=True, help="such as raw_dispense_event")
    add_metrics_flag(loaded)
    anew.set_defaults(every=None, metrics_port=None, rows=BatchLimits().rows)
    watched = _command(commands, "status", "fences and lag, last loads, who holds the lock")
    asked = _command(commands, "ask", "answer the configuration's questions")
    asked.add_argument("question", nargs="*", help="their names; all by default")
    for each in (loaded, anew, watched, asked):
        each.add_argument("--format", choices=("text", "json"), default="text")
    for each in (loaded, anew, watched):
        each.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
        add_store_flags(each)
    return parser


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--config", metavar="FILE", help="the job's; the packaged one by default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_redshift_flags(parser)
    return parser
