"""``python -m beam_pipelines.rules check|explain|try FILE``: rules before they count.

Exit codes: 0 correct, or shown; 1 ``check`` found a fault; 2 it could not be done, with one line
that says why and what to do.
"""

import argparse
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from beam_pipelines.arguments import Parser, add_store_flags, run_command, store_settings_of
from beam_pipelines.exit_codes import ExitCode
from beam_pipelines.pharmacy.chain import make_chain
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.config.files import PACKAGE, rule_file
from beam_pipelines.rules.masked import masked_columns
from beam_pipelines.rules.output import show_check, show_explained, show_trials
from beam_pipelines.rules.trial import TrialRun
from beam_pipelines.rules.words import explain_limits, explain_rules
from transforms.errors import ConfigurationError
from transforms.lake import ObjectStore, require_lake
from transforms.lake.names import DATA
from transforms.quality import RuleSet, load_rules, read_rule_files
from transforms.references import References, packaged_columns

#: Somebody waits for the answer, so an outage is an answer soon.
PATIENCE_S: Final = 20.0

_SYSTEM = re.compile(r"/source_system=([^/]+)/")


def main(argv: Sequence[str]) -> int:
    """Runs a subcommand and returns its exit code; see ``ExitCode``."""
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    return run_command(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(list(argv))
    return COMMANDS[arguments.command](arguments)


def _check(arguments: argparse.Namespace) -> int:
    read = read_rule_files(*map(rule_file, arguments.files))
    show_check(arguments.files, read, arguments.format)
    return ExitCode.FAILED if read.faults else ExitCode.COMPLETE


def _explain(arguments: argparse.Namespace) -> int:
    explained = explain_rules(load_rules(*map(rule_file, arguments.files)))
    if arguments.limits:
        config = None if arguments.limits == PACKAGE else arguments.limits
        explained += explain_limits(make_chain(load_config(config)).limits)
    show_explained(explained, arguments.format)
    return ExitCode.COMPLETE


def _try(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.sample <= 1:
        raise ConfigurationError(
            f"--sample must be above 0 and at most 1, got {arguments.sample}", "1 reads every file"
        )
    rules = _chosen(load_rules(*map(rule_file, arguments.files)), arguments)
    settings = replace(store_settings_of(arguments), patience_s=PATIENCE_S)
    store = ObjectStore(arguments.lake_root, settings)
    store.check_reachable()
    lake = require_lake(store)
    kept = _kept(lake.policy)
    references = References(
        rules.references, lake_root=arguments.lake_root, store=settings, schemas=kept
    )
    run = TrialRun(
        store=store,
        rules=rules,
        references=references,
        kept=kept,
        sample=arguments.sample,
        source_systems=_source_systems(store, rules),
    )
    show_trials(run.run(), lake.policy, arguments.format)
    return ExitCode.COMPLETE


def _chosen(rules: RuleSet, arguments: argparse.Namespace) -> RuleSet:
    chosen = tuple(
        rule
        for rule in rules.rules
        if arguments.dataset in (None, rule.dataset) and arguments.rule in (None, rule.id)
    )
    if not chosen:
        raise ConfigurationError(
            "no rule of the files is on that dataset with that id",
            "`python -m beam_pipelines.rules explain` shows them",
        )
    return RuleSet(rules=chosen, references=rules.references)


def _kept(policy: str) -> dict[str, pa.Schema]:
    hidden = masked_columns(policy)
    return {
        name: pa.schema([column for column in columns if column.name not in hidden[name]])
        for name, columns in packaged_columns().items()
    }


def _source_systems(store: ObjectStore, rules: RuleSet) -> tuple[str, ...]:
    """Returns the source systems that have folders: those on the allow-list of the lake's runs."""
    keys = (item.key for name in rules.datasets for item in store.walk(f"{DATA}{name}/"))
    found = {match[1] for match in map(_SYSTEM.search, keys) if match}
    return tuple(sorted(name for name in found if not name.startswith("__")))


#: Each subcommand, by its name.
COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "check": _check,
    "explain": _explain,
    "try": _try,
}


def _parser() -> Parser:
    parser = Parser("python -m beam_pipelines.rules", __doc__ or "")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _command(commands, "check", "are names, types, references and dates right?")
    explained = _command(commands, "explain", "what each rule does, in words")
    explained.add_argument(
        "--limits",
        metavar="FILE",
        help="also what the warehouse's columns can't take, by a job's configuration file; "
        f"{PACKAGE} is the packaged one",
    )
    tried = _command(commands, "try", "what rules would have done to a lake; writes nothing")
    tried.add_argument("--lake_root", required=True, metavar="s3://BUCKET/PREFIX")
    tried.add_argument("--dataset", metavar="NAME", help="only rules on this dataset")
    tried.add_argument("--rule", metavar="ID", help="only this rule")
    tried.add_argument(
        "--sample",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of the data files to read, above 0 to 1 (default 1); the same ones every time",
    )
    add_store_flags(tried)
    return parser


def _command(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="rule files that count together; package:rules.yaml is the packaged one",
    )
    command.add_argument("--format", choices=["text", "json"], default="text")
    return command
