"""The COPY statement: Parquet from S3, nothing else."""

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql.lexer import Statement
from runners.local.redshift.sql.plan import Copy
from runners.local.redshift.sql.tables import name_at

__all__ = ["parse_copy"]

# Options of COPY that Redshift refuses with Parquet (copy-usage_notes-copy-from-columnar).
_NOT_FOR_PARQUET = {"maxerror", "truncatecolumns", "compupdate", "noload", "delimiter", "gzip"}
_NOT_FOR_PARQUET |= {"blanksasnull", "emptyasnull", "ignoreheader", "timeformat", "dateformat"}
_NOT_FOR_PARQUET |= {"region", "csv", "json", "encrypted", "escape", "roundec", "trimblanks"}

_KNOWN = {"format", "as", "parquet", "manifest", "fillrecord", "statupdate", "serializetojson"}


def parse_copy(sql: Statement) -> Copy:
    """Reads a COPY statement.

    Raises:
        SqlError: an option that Redshift refuses, or that isn't supported here.
    """
    table, at = name_at(sql, 1)
    columns: tuple[str, ...] = ()
    if sql.word(at) == "(":
        close = sql.close(at)
        columns = tuple(sql.word(first).lower() for first, _ in sql.parts(at + 1, close))
        at = close + 1
    if sql.word(at) != "from" or sql.kinds[at + 1 : at + 2] != ("string",):
        raise refused("COPY other than FROM 's3://...'")
    source = _literal(sql, at + 1)
    if not source.startswith("s3://"):
        raise refused("COPY from anything but s3://")
    options = _options(sql, at + 2)
    if "parquet" not in options:
        raise refused("COPY of a format other than PARQUET")
    if "iam_role" not in options:
        raise refused("COPY without IAM_ROLE")
    return Copy(
        table=table,
        columns=columns,
        source=source,
        role=options["iam_role"],
        manifest="manifest" in options,
        fill="fillrecord" in options,
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
    if sql.kinds[at : at + 1] != ("string",) or not sql.words[at].startswith("'"):
        raise SqlError("42601", "stand-in: a quoted string is expected in COPY")
    return sql.words[at][1:-1].replace("''", "'")
