"""The COPY statement: Parquet by a manifest, nothing else."""

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql.lexer import Statement
from runners.local.redshift.sql.plan import Copy
from runners.local.redshift.sql.tables import name_at

__all__ = ["parse_copy"]

# Options of COPY that Redshift refuses with Parquet (copy-usage_notes-copy-from-columnar).
_NOT_FOR_PARQUET = {"maxerror", "truncatecolumns", "compupdate", "noload", "region", "timeformat"}
_KNOWN = {"format", "as", "parquet", "manifest", "serializetojson"}


def parse_copy(sql: Statement) -> Copy:
    """Reads a COPY statement.

    Raises:
        SqlError: an option that Redshift refuses, or that isn't supported here.
    """
    table, at = name_at(sql, 1)
    if sql.word(at) != "from" or not sql.word(at + 1).startswith("'s3://"):
        raise refused("COPY other than of a whole table FROM 's3://...'")
    options = _options(sql, at + 2)
    for needed in ("iam_role", "parquet", "manifest"):
        if needed not in options:
            raise refused(f"COPY without {needed.upper()}")
    return Copy(
        table=table,
        manifest=_literal(sql, at + 1),
        role=options["iam_role"],
        to_json="serializetojson" in options,
    )


def _options(sql: Statement, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while at < len(sql):
        word, value = sql.word(at), ""
        if word in _NOT_FOR_PARQUET:
            text = f"{word.upper()} argument is not supported for PARQUET based COPY"
            raise SqlError("0A000", text)
        if word == "iam_role":
            at += 1
            value = "default" if sql.word(at) == "default" else _literal(sql, at)
        elif word == "statupdate" and sql.word(at + 1) in ("on", "off"):
            at += 1
        elif word not in _KNOWN:
            raise refused(f"COPY option {word.upper()}")
        found[word] = value
        at += 1
    return found


def _literal(sql: Statement, at: int) -> str:
    if not sql.word(at).startswith("'"):
        raise SqlError("42601", "stand-in: a quoted string is expected in COPY")
    return sql.words[at][1:-1].replace("''", "'")
