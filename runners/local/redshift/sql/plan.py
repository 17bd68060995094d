"""What the gateway does with a statement."""

from dataclasses import dataclass, field

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
        statements: PostgreSQL's form; none for what only changes how Redshift stores.
        tag: the command's name in the answer.
        outside_block: refuse it inside BEGIN ... COMMIT.
        commit: it takes effect at once, and with it what the transaction did before.
        notice: what the client is told, if anything.
    """

    statements: tuple[str, ...]
    tag: str
    outside_block: bool = False
    commit: bool = False
    notice: str = ""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """``COPY table FROM 's3://...' FORMAT AS PARQUET``.

    Attributes:
        table: its name in PostgreSQL's form.
        columns: the column list, empty if there is none.
        source: an ``s3://`` address of a manifest or a prefix.
        role: the IAM role, ``default`` for the default one.
        manifest: the source is a manifest.
        fill: columns that the files lack become NULL (FILLRECORD).
        to_json: nested columns become SUPER (SERIALIZETOJSON).
    """

    table: str
    columns: tuple[str, ...] = field(default=())
    source: str
    role: str
    manifest: bool
    fill: bool
    to_json: bool = False


Plan = Relay | Script | Copy
