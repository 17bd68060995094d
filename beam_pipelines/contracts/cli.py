"""The command `python -m beam_pipelines.contracts check|register|list`.

Exit codes: 0 compatible, or done; 1 incompatible; 2 it could not be checked or done, with one line
that says why and what to do.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from beam_pipelines.contracts.checking import check_datasets
from beam_pipelines.contracts.output import say, say_list, say_reports
from beam_pipelines.contracts.subjects import DEFAULT_PATTERN, SubjectPattern
from beam_pipelines.exit_codes import ExitCode
from schemas.catalog import packaged_datasets
from schemas.compatibility import Level
from schemas.errors import RegistryUnavailableError, SchemasError
from schemas.registries import SchemaRegistry, open_registry
from transforms.errors import ConfigurationError, PipelineError, RefusedError
from transforms.secrets import is_reference, resolve

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    try:
        return _run(argv)
    except (PipelineError, SchemasError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return ExitCode.REFUSED


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except RegistryUnavailableError as error:
        # A pipeline would wait; a command doesn't.
        raise RefusedError(
            f"registry {error.registry} is unavailable: {error.reason}",
            "Check --registry, and that it runs",
        ) from None
    return code


def _check(arguments: argparse.Namespace) -> int:
    pattern = SubjectPattern(arguments.subject_pattern)
    level = Level(arguments.level)
    reports = check_datasets(packaged_datasets(), _registry(arguments), level, pattern)
    if not any(report.registered for report in reports):
        # To call this compatible would make a wrong address pass for a sound contract.
        raise RefusedError(
            f"nothing to check: no subject such as {reports[0].subject} is registered",
            "Run `contracts register` first, or give another --registry or --subject_pattern",
        )
    say_reports(reports, level, arguments.format)
    broken = any(report.findings for report in reports)
    return ExitCode.FAILED if broken else ExitCode.COMPLETE


def _register(arguments: argparse.Namespace) -> int:
    pattern = SubjectPattern(arguments.subject_pattern)
    registry = _registry(arguments)
    for dataset in packaged_datasets():
        subject = pattern.subject(dataset)
        for version, schema in enumerate(dataset.versions, 1):
            schema_id = registry.register(subject, schema)
            say(f"{dataset.name} version {version}: {subject}, id {schema_id}")
    return ExitCode.COMPLETE


def _list(arguments: argparse.Namespace) -> int:
    registry = _registry(arguments)
    versions = [one for subject in registry.subjects() for one in registry.versions(subject)]
    say_list(versions, arguments.format)
    return ExitCode.COMPLETE


def _registry(arguments: argparse.Namespace) -> SchemaRegistry:
    settings = dict(map(_setting, arguments.registry_setting))
    return open_registry(arguments.registry, **settings)


# --------------------------------------------------------------------------------------------
# Flags


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing its usage. Not the one of the pipelines: CI needs no Beam here."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(message, f"See {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m beam_pipelines.contracts",
        description="The packaged schemas against a schema registry.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="check|register|list")
    check = _command(commands, "check", _check, "are they compatible with what is registered?")
    _add_pattern(check)
    check.add_argument(
        "--level",
        choices=[level.value for level in Level],
        default=Level.BACKWARD.value,
        help="what the newest packaged versions must keep (default BACKWARD)",
    )
    _add_format(check)
    register = _command(commands, "register", _register, "register them, all versions in order")
    _add_pattern(register)
    listing = _command(commands, "list", _list, "what a registry holds", default="package:")
    _add_format(listing)
    return parser


def _command(
    commands: Any, name: str, run: Any, text: str, default: str | None = None
) -> argparse.ArgumentParser:
    prog = f"python -m beam_pipelines.contracts {name}"
    command: argparse.ArgumentParser = commands.add_parser(
        name, prog=prog, description=text, help=text, allow_abbrev=False
    )
    command.set_defaults(run=run)
    command.add_argument(
        "--registry",
        required=default is None,
        default=default,
        metavar="URL",
        help="package:, file:DIR, http(s)://HOST or glue:REGISTRY_NAME",
    )
    command.add_argument(
        "--registry_setting",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting of the registry's client; a secret as env:NAME, file:PATH or the like",
    )
    return command


def _add_pattern(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--subject_pattern",
        default=DEFAULT_PATTERN,
        metavar="PATTERN",
        help=f"names the subjects, such as {DEFAULT_PATTERN} (default) or {{fullname}}",
    )


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=["text", "json"], default="text")


# Settings whose values must not stand in a shell's history.
_SECRET = re.compile(r"user\.info|password|secret|token$", re.IGNORECASE)


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise ConfigurationError("--registry_setting must be KEY=VALUE", "Add the missing part")
    if _SECRET.search(key) or is_reference(value):
        return key, resolve(value)
    return key, _number(value)


def _number(text: str) -> int | float | str:
    """Confluent's client wants its time-outs and counts as numbers."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
