"""``python -m beam_pipelines.report``: what a lake holds, and its warehouse, as one HTML file.

Exit codes: 0 the file is written, 2 it could not be made.
"""

import argparse
import logging
import os
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from beam_pipelines.arguments import Parser, add_store_flags, run_command, store_settings_of
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.refusals import refusing
from beam_pipelines.report.facts import RULES, LakeFacts
from beam_pipelines.report.gathering import gather
from beam_pipelines.report.meanings import meanings
from beam_pipelines.report.period import Period
from beam_pipelines.report.wording import from_millis
from beam_pipelines.terminal import console
from beam_pipelines.verify.cli import milliseconds
from beam_pipelines.warehouse.questions import Answer, ask
from beam_pipelines.warehouse.settings import (
    add_redshift_flags,
    redshift_settings,
    wants_redshift,
)
from transforms.errors import ConfigurationError, RefusedError, RetryableError
from transforms.lake import ObjectStore
from transforms.quality import RuleSet, load_rules
from transforms.redshift import connect

#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0
DEFAULT_OUTPUT: Final = ".local/report.html"
#: Those of the extra ``report``, by the names that they are imported by.
LIBRARIES: Final = ("great_tables", "matplotlib")


def main(argv: Sequence[str]) -> int:
    """Makes the report and returns the exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    period = _period(arguments.since, arguments.until)
    _check_libraries()
    given = _answers(arguments) if wants_redshift(arguments) else []
    settings = replace(store_settings_of(arguments), patience_s=PATIENCE_S)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    html = _made(store, period, given)
    _write(Path(arguments.output), html)
    console().print(f"{arguments.output}: {len(html.encode()) / 1e3:,.0f} kB", markup=False)
    return ExitCode.COMPLETE


def _period(since: str | None, until: str | None) -> Period:
    first = milliseconds(since, "--since") if since else None
    last = milliseconds(until, "--until") if until else None
    if first is not None and last is not None and first >= last:
        raise ConfigurationError("--since must be before --until", "Exchange them")
    return Period(since=first, until=last)


def _check_libraries() -> None:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the report needs {' and '.join(missing)}", "pip install 'pharmabeam[report]'"
        )


def _answers(arguments: argparse.Namespace) -> list[Answer]:
    """Asks the warehouse the questions of the configuration."""
    settings = redshift_settings(arguments, PATIENCE_S)
    questions = load_config(arguments.config, arguments.set).warehouse.questions
    try:
        with closing(connect(settings)) as session:
            return list(ask(session, settings.schema, questions))
    except RetryableError as error:
        raise RefusedError(f"nobody answers: {error.what}", error.remedy) from error


def _made(store: ObjectStore, period: Period, given: Sequence[Answer]) -> str:
    """Reads the lake and renders it; an outage in the middle leaves no half a report."""
    # Drawn by libraries of an extra, so imported once they are known to be there.
    from beam_pipelines.report.page import render

    with refusing("the lake could not be read: "):
        facts = gather(store, period)
    return render(facts, meanings(facts, _rules(facts)), _command(store.root, period), given)


def _rules(facts: LakeFacts) -> RuleSet | None:
    """Returns the packaged rules, where the lake was judged by any: reading them takes a second."""
    if not facts.versioned(RULES):
        return None
    return load_rules(files("beam_pipelines.pharmacy").joinpath("rules.yaml"))


def _command(root: str, period: Period) -> str:
    bounds = [
        f" --{name} {from_millis(at).isoformat().replace('+00:00', 'Z')}"
        for name, at in (("since", period.since), ("until", period.until))
        if at is not None
    ]
    return f"python -m beam_pipelines.report --lake_root {root}" + "".join(bounds)


def _write(path: Path, html: str) -> None:
    """Puts the file in place whole: whoever looks at it meanwhile sees the old one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(html, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise ConfigurationError(
            f"{path} can't be written ({error.strerror})", "Choose another --output"
        ) from error


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.report", __doc__ or "")
    parser.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
    parser.add_argument("--output", default=DEFAULT_OUTPUT, metavar="FILE", help=DEFAULT_OUTPUT)
    parser.add_argument(
        "--since", metavar="TIME", help="tell only of commits with messages of this broker time on"
    )
    parser.add_argument(
        "--until", metavar="TIME", help="tell only of commits with messages before this broker time"
    )
    add_store_flags(parser)
    parser.add_argument("--config", metavar="FILE", help="the job's, with --redshift_host")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_redshift_flags(parser)
    return parser
