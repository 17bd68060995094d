"""Command lines: flags in, one clear line out when they are wrong."""

import argparse
import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from apache_beam.options.pipeline_options import PipelineOptions, S3Options

from beam_pipelines.exit_codes import ExitCode
from runners.errors import RunnersError
from schemas.errors import SchemasError
from transforms.errors import ConfigurationError, PipelineError, RefusedError
from transforms.lake import StoreSettings


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of printing its usage and leaving."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Turns a wrong flag into an error with a remedy."""
        raise ConfigurationError(message, f"See {self.prog} --help")


def _known_beam_flags() -> Any:
    """Returns a parser of all flags that Beam itself knows."""
    parser: Any = Parser("beam", "")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    return parser


def check_beam_flags(flags: Sequence[str]) -> None:
    """Refuses flags that neither we nor Beam know: Beam itself would only log them.

    Raises:
        ConfigurationError: Names the flag and the likeliest right one.
    """
    parser = _known_beam_flags()
    _, unknown = parser.parse_known_args(list(flags))
    if unknown:
        names = [name for action in parser._actions for name in action.option_strings]
        close = difflib.get_close_matches(unknown[0].split("=")[0], names, n=1)
        hint = f"Did you mean {close[0]}?" if close else "See --help"
        raise ConfigurationError(f"unknown flag {unknown[0].split('=')[0]}", hint)


def store_settings(flags: Sequence[str], kms_key_id: str | None = None) -> StoreSettings:
    """Returns the S3 settings from Beam's ``--s3_*`` flags; the AWS environment fills the rest."""
    options = PipelineOptions(list(flags)).view_as(S3Options)
    verify = options.s3_verify
    return StoreSettings(
        endpoint_url=options.s3_endpoint_url,
        region=options.s3_region_name,
        access_key_id=options.s3_access_key_id,
        secret_access_key=options.s3_secret_access_key,
        session_token=options.s3_session_token,
        verify=True if verify is None else verify,
        kms_key_id=kms_key_id,
    )


def add_store_flags(parser: argparse.ArgumentParser) -> None:
    """Adds Beam's ``--s3_*`` flags to the parser of a command that runs no pipeline."""
    group: Any = parser.add_argument_group("S3 (where the AWS environment does not say)")
    S3Options._add_argparse_args(group)


def add_metrics_flag(parser: argparse.ArgumentParser) -> None:
    """Adds ``--metrics_port`` to the parser of a command that runs for long."""
    parser.add_argument(
        "--metrics_port",
        metavar="[HOST:]PORT",
        help="where Prometheus finds the metrics of docs/metrics.md; by default nowhere",
    )


def add_kafka_config_flag(parser: argparse.ArgumentParser) -> None:
    """Adds ``--kafka_config`` to the parser of a command that reads no configuration."""
    parser.add_argument(
        "--kafka_config",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="settings of librdkafka, secrets as references",
    )


def kafka_config_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Returns librdkafka's settings from parsed ``--kafka_config`` flags.

    Raises:
        ConfigurationError: One has no ``=``; names the flag only, since a value may be a secret.
    """
    settings = {}
    for pair in arguments.kafka_config:
        name, found, value = pair.partition("=")
        if not found:
            raise ConfigurationError("--kafka_config takes key=value", "Separate them by =")
        settings[name] = value
    return settings


def store_settings_of(arguments: argparse.Namespace) -> StoreSettings:
    """Returns the S3 settings from parsed ``--s3_*`` flags."""
    flags = [
        f"--{name}={value}"
        for name, value in vars(arguments).items()
        if name.startswith("s3_") and value not in (None, False)
    ]
    return store_settings(flags)


def run_command(command: Callable[[], int]) -> int:
    """Runs a command; every error on purpose becomes one line and an exit code.

    Args:
        command: Returns the exit code.

    Returns:
        The exit code: 2 for a refusal, 1 for any other error of ours, 130 after Ctrl-C.
    """
    try:
        return command()
    except (RefusedError, SchemasError, RunnersError) as error:
        return _say(error, ExitCode.REFUSED)
    except PipelineError as error:
        return _say(error, ExitCode.FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the next run goes on from the fences\n")
        return 130


def _say(error: Exception, code: ExitCode) -> int:
    sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
    return code
