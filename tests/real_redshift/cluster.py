"""A real Amazon Redshift, as the environment names it."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from beam_pipelines.warehouse.settings import add_redshift_flags, redshift_settings
from transforms.redshift import RedshiftSettings

_PREFIX: Final = "REDSHIFT_TEST_"
#: Variable -> what it is for.
_NEEDED: Final[Mapping[str, str]] = {
    "LAKE": "s3://bucket/prefix that the AWS credentials here may write and COPY's role may read; "
    "the suite makes a folder of its own there, and deletes it",
    "HOST": "endpoint of a cluster or workgroup that this machine reaches; or, to log in by IAM, "
    f"{_PREFIX}WORKGROUP or {_PREFIX}CLUSTER_IDENTIFIER",
    "USER": "a database user who may make schemas, users and roles, such as the administrator",
    "PASSWORD": f"the user's password; or {_PREFIX}SECRET, a reference such as "
    "aws-secretsmanager:ID#password",
}
#: Flags whose variables may be left out.
_OPTIONAL: Final = ("port", "database", "region", "ca", "copy_role")
_LOGIN: Final = ("host", "user", "cluster_identifier", "workgroup")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where the suite runs.

    Attributes:
        lake: ``s3://bucket/prefix`` of the suite's folder.
        flags: How the commands log in.
        settings: The same for sessions of the suite's own.
    """

    lake: str
    flags: tuple[str, ...]
    settings: RedshiftSettings


def missing(environ: Mapping[str, str]) -> list[str]:
    """Returns one line for each variable that is to be set."""

    def lacks(*names: str) -> bool:
        return not any(environ.get(_PREFIX + name) for name in names)

    wanted = []
    if lacks("LAKE"):
        wanted.append("LAKE")
    if lacks("HOST", "WORKGROUP", "CLUSTER_IDENTIFIER"):
        wanted.append("HOST")
    if lacks("USER", "WORKGROUP"):
        wanted.append("USER")
    if lacks("PASSWORD", "SECRET", "WORKGROUP", "CLUSTER_IDENTIFIER"):
        wanted.append("PASSWORD")
    return [f"{_PREFIX}{name} is not set: {_NEEDED[name]}" for name in wanted]


def cluster(environ: Mapping[str, str], name: str) -> Cluster:
    """Returns the cluster of the environment.

    Args:
        environ: Its variables, none missing.
        name: A name that nobody else uses: that of the schema and of the lake's folder.
    """
    values = {flag: environ.get(_PREFIX + flag.upper()) for flag in (*_LOGIN, *_OPTIONAL)}
    flags = [f"--redshift_{flag}={value}" for flag, value in values.items() if value]
    flags += [f"--redshift_schema={name}", *_password(environ)]
    parser = argparse.ArgumentParser()
    add_redshift_flags(parser)
    settings = redshift_settings(parser.parse_args(flags), 60.0, {})
    lake = f"{environ[_PREFIX + 'LAKE'].rstrip('/')}/{name}"
    return Cluster(lake=lake, flags=tuple(flags), settings=settings)


def _password(environ: Mapping[str, str]) -> list[str]:
    if secret := environ.get(f"{_PREFIX}SECRET"):
        return [f"--redshift_password={secret}"]
    if environ.get(f"{_PREFIX}PASSWORD"):
        return [f"--redshift_password=env:{_PREFIX}PASSWORD"]
    return ["--redshift_iam"]
