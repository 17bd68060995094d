"""What the gateway does with a statement."""

from dataclasses import dataclass

__all__ = ["Copy", "Plan", "Relay", "Script"]


@dataclass(frozen=True, kw_only=True)
class Relay:
    """The backend gets this text.

    Attributes:
        sql: PostgreSQL's form.
    """

    sql: str


@dataclass(frozen=True, kw_only=True)
class Script:
    """The gateway runs these statements in the client's session, then answers.

    Attributes:
        statements: PostgreSQL's form.
        tag: the command's name in the answer.
        outside_block: refuse it inside BEGIN ... COMMIT.
    """

    statements: tuple[str, ...]
    tag: str
    outside_block: bool = False


@dataclass(frozen=True, kw_only=True)
class Copy:
    """``COPY table FROM 's3://...' IAM_ROLE ... FORMAT AS PARQUET MANIFEST``.

    Attributes:
        table: its name in PostgreSQL's form.
        manifest: the manifest's ``s3://`` address.
        role: the IAM role, ``default`` for the default one.
        to_json: nested columns become SUPER (SERIALIZETOJSON).
    """

    table: str
    manifest: str
    role: str
    to_json: bool = False


Plan = Relay | Script | Copy
