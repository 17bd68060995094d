"""Where the warehouse is, how to log in, and how long to wait; knows no driver."""

import re
from dataclasses import dataclass
from typing import Final

from transforms.errors import ConfigurationError
from transforms.secrets import is_reference

#: Names that need no quotes on Redshift, and that no session folds otherwise.
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_ROLE: Final = re.compile(r"default|arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


@dataclass(frozen=True, kw_only=True)
class RedshiftSettings:
    """How to reach a warehouse: Amazon Redshift, provisioned or serverless, or the stand-in.

    Attributes:
        host: Its endpoint; with ``iam`` it may be left out, and is asked for.
        port: Its port.
        database: The database.
        user: Who logs in; with ``iam`` the database user to become.
        password: A reference to the password, such as ``env:REDSHIFT_PASSWORD`` or
            ``aws-secretsmanager:ID#password``; see ``transforms.secrets``.
        iam: Logs in by temporary credentials of the AWS identity, without a password.
        cluster_identifier: With ``iam``: the provisioned cluster.
        workgroup: With ``iam``: the serverless workgroup.
        region: AWS region, where the environment does not say.
        ca: File with the certificates to trust; None for the usual ones. The server's name and
            certificate are always checked (verify-full).
        schema: The schema of all tables of ours.
        copy_role: The role by which COPY reads the lake: an ARN, or ``default``.
        statement_timeout_s: Ends a statement that takes longer, one that waits for the lock too.
        connect_timeout_s: Time-out of the connection's making.
        patience_s: For how long an outage is waited out.
    """

    host: str = ""
    port: int = 5439
    database: str = "dev"
    user: str = ""
    password: str | None = None
    iam: bool = False
    cluster_identifier: str | None = None
    workgroup: str | None = None
    region: str | None = None
    ca: str | None = None
    schema: str = "pharmabeam"
    copy_role: str = "default"
    statement_timeout_s: int = 1800
    connect_timeout_s: int = 30
    patience_s: float = 120.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.schema):
            raise ConfigurationError(
                f"schema must be a plain lower-case name, got {self.schema!r}", "Such as pharmabeam"
            )
        if not _ROLE.fullmatch(self.copy_role):
            raise ConfigurationError(
                f"copy_role must be default or the ARN of a role, got {self.copy_role!r}",
                "The role needs s3:GetObject and s3:ListBucket on the lake",
            )
        if self.iam:
            self._check_iam()
        else:
            self._check_password()

    def _check_iam(self) -> None:
        if self.password is not None:
            raise ConfigurationError("iam and a password exclude each other", "Drop one of them")
        if not (self.cluster_identifier or self.workgroup):
            raise ConfigurationError(
                "iam needs the cluster_identifier, or the workgroup of a serverless one",
                "Temporary credentials are asked for by that name",
            )

    def _check_password(self) -> None:
        if not (self.host and self.user and self.password):
            raise ConfigurationError(
                "host, user and password are needed to log in", "Give all three, or use iam"
            )
        if not is_reference(self.password):
            raise ConfigurationError(
                "the password stands in clear where a reference is expected",
                "Write it as env:NAME, file:PATH or aws-secretsmanager:ID#password",
            )
