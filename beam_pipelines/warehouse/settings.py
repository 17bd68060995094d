"""The flags ``--redshift_*``, and the variables ``REDSHIFT_*`` that stand for them."""

import argparse
import os
import re
from collections.abc import Mapping
from typing import Final

from transforms.errors import ConfigurationError
from transforms.redshift import RedshiftSettings

#: Flag -> what it says. ``REDSHIFT_HOST`` stands for ``--redshift_host``, and so on.
_TEXTS: Final[Mapping[str, str]] = {
    "host": "endpoint of the cluster or workgroup",
    "port": "5439 by default",
    "database": "dev by default",
    "user": "who logs in",
    "cluster_identifier": "with --redshift_iam: the provisioned cluster",
    "workgroup": "with --redshift_iam: the serverless workgroup",
    "region": "AWS region, where the environment does not say",
    "ca": "file of certificates to trust",
    "schema": "schema of all tables; pharmabeam by default",
    "copy_role": "ARN of the role by which COPY reads the lake; the cluster's default one",
    "patience_s": "for how many seconds a load waits out an outage; 300 by default",
}
#: A cluster that is resized or patched is away for minutes.
LOAD_PATIENCE_S: Final = 300.0
_PASSWORD: Final = "REDSHIFT_PASSWORD"


def add_redshift_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags to a command's parser."""
    group = parser.add_argument_group("Redshift (REDSHIFT_HOST and so on where no flag says)")
    for name, text in _TEXTS.items():
        group.add_argument(f"--redshift_{name}", help=text)
    group.add_argument(
        "--redshift_password",
        metavar="REFERENCE",
        help=f"env:NAME, file:PATH, aws-secretsmanager:ID#password; env:{_PASSWORD} by default",
    )
    group.add_argument("--redshift_iam", action="store_true", help="log in as the AWS identity")


def redshift_settings(
    arguments: argparse.Namespace, patience_s: float, environ: Mapping[str, str] = os.environ
) -> RedshiftSettings:
    """Returns the settings from parsed flags and the environment.

    Raises:
        ConfigurationError: They can't work; says which flag is missing or wrong.
    """
    given: dict[str, str] = {}
    for name in _TEXTS:
        value = getattr(arguments, f"redshift_{name}") or environ.get(f"REDSHIFT_{name.upper()}")
        if value:
            given[name] = value
    port = _port(given.pop("port", "5439"))
    patience = _seconds(given.pop("patience_s", str(patience_s)))
    return RedshiftSettings(
        **given,  # type: ignore[arg-type]
        port=port,
        iam=arguments.redshift_iam,
        password=_password(arguments, environ),
        patience_s=patience,
    )


def wants_redshift(arguments: argparse.Namespace) -> bool:
    """Tells whether a command for which the warehouse is optional was given one, by a flag."""
    flags = (name for name in vars(arguments) if name.startswith("redshift_"))
    return any(getattr(arguments, name) for name in flags)


def _password(arguments: argparse.Namespace, environ: Mapping[str, str]) -> str | None:
    reference: str | None = arguments.redshift_password
    if reference is None and not arguments.redshift_iam and _PASSWORD in environ:
        return f"env:{_PASSWORD}"
    return reference


def _port(text: str) -> int:
    if not (text.isdigit() and 0 < int(text) < 65_536):
        raise ConfigurationError("--redshift_port must be a port's number", "Usually 5439")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise ConfigurationError(
            f"--redshift_patience_s must be seconds, got {text!r}", "Such as 60"
        )
    return float(text)
