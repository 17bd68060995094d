"""CREATE TABLE, ALTER TABLE and CREATE VIEW.

What tells Redshift how to store is checked, and left out.
A declared key isn't enforced on Redshift, so none is made; PRIMARY KEY keeps its NOT NULL. Lengths
are bytes: each has a CHECK named ``rs_len_<bytes>_<column>``, which tells the gateway the length.
"""

from runners.local.redshift.errors import SqlError, refused
from runners.local.redshift.sql.lexer import Statement
from runners.local.redshift.sql.plan import Plan, Relay, Script
from runners.local.redshift.sql.types import ColumnType, column_type

__all__ = ["alter_table", "create_table", "create_view", "name_at"]

_ENCODINGS = {"raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16"}
_ENCODINGS |= {"mostly32", "runlength", "text255", "text32k", "zstd", "auto"}
_KEYS = ("primary", "unique", "foreign", "constraint")
_STYLES = ("even", "key", "all", "auto")


def name_at(sql: Statement, at: int) -> tuple[str, int]:
    """Reads a possibly qualified name; returns PostgreSQL's form and the position after it."""
    end = at + 1
    while sql.word(end) == ".":
        end += 2
    return "".join(sql.words[at:end]).lower(), end


def create_table(sql: Statement) -> Plan:
    """Rewrites ``CREATE [TEMP] TABLE``, with columns or ``AS``."""
    at = sql.find("table") + 1
    temporary = sql.word(1) != "table"
    guard = sql.says(at, "if", "not", "exists")
    at += 3 * guard
    name, at = name_at(sql, at)
    head = f"CREATE {'TEMP ' * temporary}TABLE {'IF NOT EXISTS ' * guard}{name} "
    items, columns = [], []
    if sql.word(at) == "(":
        for first, end in sql.parts(at + 1, sql.close(at)):
            columns.append(sql.words[first].strip('"').lower())
            items += _item(sql, first, end)
        at = sql.close(at) + 1
    query = sql.find("as", start=at)
    _table_attributes(sql, at, query, columns)
    if query == len(sql):
        return Relay(sql=f"{head}({', '.join(items)})")
    return Relay(sql=f"{head}{sql.text(query, len(sql))}")


def _item(sql: Statement, first: int, end: int) -> list[str]:
    """Returns what stands for one item of the list: a column or a key."""
    if sql.word(first) in _KEYS and sql.kinds[first] == "word":
        if "check" in sql.words[first:end]:
            raise refused("CHECK: there are no such constraints")
        at = sql.find("primary", "key", "(", start=first)
        keys = sql.parts(at + 3, end - 1) if at < end else []
        return [f"NOT NULL {sql.word(key).lower()}" for key, _ in keys]
    return _column(sql, first, end)


def _column(sql: Statement, first: int, end: int) -> list[str]:
    """Returns a column and, if its length is in bytes, the CHECK that keeps it."""
    name = sql.words[first].lower()
    kind = column_type(sql, first + 1)
    rest = _column_attributes(sql, kind, end)
    column = " ".join([name, kind.sql, *rest])
    if kind.most_bytes is None:
        return [column]
    label = f"rs_len_{kind.most_bytes}_{name.strip(chr(34))}"
    return [column, f'CONSTRAINT "{label}" CHECK (octet_length({name}) <= {kind.most_bytes})']


def _column_attributes(sql: Statement, kind: ColumnType, end: int) -> list[str]:
    kept, at = [], kind.end
    while at < end:
        word = sql.word(at)
        if word == "encode":
            _encoding(sql.word(at + 1), kind)
            at += 2
        elif word in ("distkey", "sortkey", "unique", "null"):
            at += 1
        elif sql.says(at, "primary", "key") or sql.says(at, "not", "null"):
            kept.append("NOT NULL")
            at += 2
        elif word == "references":
            at = name_at(sql, at + 1)[1]
            at = sql.close(at) + 1 if sql.word(at) == "(" else at
        else:
            raise refused(f"column attribute {word.upper()}: not supported")
    return kept


def _encoding(name: str, kind: ColumnType) -> None:
    if name not in _ENCODINGS:
        raise refused(f"encoding {name}: unknown", "42601")
    text_only = name.startswith("text")
    if (name == "az64" and kind.most_bytes) or (text_only and not kind.most_bytes):
        raise SqlError("42601", f'encoding "{name}" is not supported for the column\'s type')


def _table_attributes(sql: Statement, at: int, end: int, columns: list[str]) -> None:
    """Checks DISTSTYLE, DISTKEY and SORTKEY."""
    while at < end:
        word, argument = sql.word(at), sql.word(at + 1)
        if word == "diststyle" and argument in _STYLES:
            at += 2
        elif word in ("distkey", "sortkey") and argument == "(":
            close = sql.close(at + 1)
            _known(columns, [sql.word(first) for first, _ in sql.parts(at + 2, close)])
            at = close + 1
        else:
            raise refused(f"table attribute {word.upper()}: not supported")


def _known(columns: list[str], keys: list[str]) -> None:
    for key in keys:
        if columns and key.strip('"').lower() not in columns:
            raise SqlError("42703", f'column "{key}" does not exist')


def alter_table(sql: Statement) -> Plan:
    """Rewrites ALTER TABLE: one column added, dropped or renamed, a VARCHAR widened."""
    name, at = name_at(sql, 2)
    if sql.says(at, "add", "column"):
        return _add(sql, f"ALTER TABLE {name} ", at + 2)
    if sql.says(at, "alter", "column") and sql.says(at + 3, "type"):
        return _widen(sql, name, at + 2)
    if sql.says(at, "drop", "column") or sql.says(at, "rename", "column"):
        return Relay(sql=str(sql))
    raise refused(f"ALTER TABLE ... {sql.word(at).upper()} {sql.word(at + 1).upper()}")


def _add(sql: Statement, head: str, at: int) -> Plan:
    if sql.says(at, "if") or len(sql.parts(at, len(sql))) > 1:
        raise refused("ALTER TABLE adds one column, without IF NOT EXISTS", "42601")
    items = _column(sql, at, len(sql))
    if "NOT NULL" in items[0]:
        raise SqlError("0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a default")
    return Relay(sql=head + ", ".join(f"ADD {item}" for item in items))


def _widen(sql: Statement, table: str, at: int) -> Plan:
    kind = column_type(sql, at + 2)
    if kind.sql != "varchar" or kind.end < len(sql):
        raise refused("ALTER COLUMN ... TYPE: only VARCHAR, only its length")
    column = sql.words[at].strip('"').lower()
    change = f"SELECT pg_catalog.rs_set_length('{table}', '{column}', {kind.most_bytes})"
    return Script(statements=(change,), tag="ALTER TABLE", outside_block=True)


def create_view(sql: Statement) -> Plan:
    """Rewrites CREATE VIEW; a late-binding one is marked, for it doesn't hinder ALTER TABLE."""
    late = len(sql) - 4
    if not sql.says(late, "with", "no", "schema", "binding"):
        return Relay(sql=str(sql))
    sql.drop(late, len(sql))
    name, _ = name_at(sql, sql.find("view") + 1)
    mark = f"COMMENT ON VIEW {name} IS 'no schema binding'"
    return Script(statements=(str(sql), mark), tag="CREATE VIEW")
