"""All SQL that is sent to the warehouse, in the subset that Redshift and PostgreSQL share.

No RETURNING, ON CONFLICT, FILTER, TRUNCATE (it commits at once), savepoint or sequence. Values are
parameters (``%s``); names are quoted; literals are made of our own numbers, names and paths only.
"""

from collections.abc import Sequence
from typing import Final

from transforms.redshift.layout import Column

#: Bound values of one INSERT: from about 1,000 on each statement stalls for 40 ms.
MAX_PARAMETERS: Final = 500

BEGIN: Final = "BEGIN"
COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
COPIED: Final = "SELECT pg_last_copy_count()"

FENCE_COLUMNS: Final = (
    "topic",
    "topic_id",
    "partition_number",
    "table_name",
    "fence",
    "seq",
    "commit_sha256",
)
MOVE_COLUMNS: Final = (*FENCE_COLUMNS, "read_fence", "read_seq", "read_sha256")
HISTORY_COLUMNS: Final = (
    "load_id",
    "lake_id",
    "table_name",
    "loader",
    "commits",
    "files",
    "bytes",
    "rows_accepted",
    "rows_loaded",
    "rows_rejected",
    "oldest_broker_time",
    "newest_broker_time",
    "started_at",
    "finished_at",
    "fences_sha256",
)
REJECT_COLUMNS: Final = (
    "load_id",
    "lake_id",
    "table_name",
    "topic",
    "topic_id",
    "partition_number",
    "row_offset",
    "row_number",
    "reason",
    "file_key",
    "rejected_at",
)


def quoted(name: str) -> str:
    """Returns a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Returns a text of ours as a literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def listed(columns: Sequence[Column]) -> str:
    """Returns columns' names for a list."""
    return ", ".join(quoted(column.name) for column in columns)


def defined(columns: Sequence[Column]) -> str:
    """Returns columns for CREATE TABLE, nullable all."""
    return ", ".join(f"{quoted(column.name)} {column.type.sql}" for column in columns)


def create_staging(name: str, columns: Sequence[Column]) -> str:
    """A table of the session; gone with it, or with the transaction that is rolled back."""
    return f"CREATE TEMP TABLE {quoted(name)} ({defined(columns)})"


def create_filled(name: str, query: str) -> str:
    """A table of the session with the rows of a query."""
    return f"CREATE TEMP TABLE {quoted(name)} AS {query}"


def drop_staging(name: str) -> str:
    """Makes room for the next transaction of the same session."""
    return f"DROP TABLE {quoted(name)}"


def copy(name: str, manifest: str, role: str, columns: Sequence[Column]) -> str:
    """Loads a manifest's Parquet files into a staging table.

    Args:
        name: The staging table.
        manifest: ``s3://`` address of the manifest.
        role: An ARN, or ``default``.
        columns: The staging table's; SUPER needs an option.
    """
    named = "default" if role == "default" else literal(role)
    nested = " SERIALIZETOJSON" if any(c.type.kind == "SUPER" for c in columns) else ""
    source = literal(manifest)
    return (
        f"COPY {quoted(name)} FROM {source} IAM_ROLE {named} FORMAT AS PARQUET{nested} MANIFEST "
        "STATUPDATE OFF"
    )


class Statements:
    """Statements about the tables of one schema.

    Args:
        schema: The schema's name.
    """

    def __init__(self, schema: str) -> None:
        self.schema = schema

    def table(self, name: str) -> str:
        """Returns a table's full name."""
        return f"{quoted(self.schema)}.{quoted(name)}"

    def lock(self) -> str:
        """First after BEGIN: it takes no snapshot, so the next read sees what others committed."""
        return f"LOCK {self.table('load_lock')}"

    def warehouse_id(self) -> str:
        """The lock's row names the warehouse."""
        return f"SELECT warehouse_id FROM {self.table('load_lock')}"

    def columns(self) -> str:
        """Columns of all tables; parameter: the schema."""
        return (
            "SELECT table_name, column_name, data_type, character_maximum_length, "
            "numeric_precision, numeric_scale FROM svv_columns WHERE table_schema = %s "
            "ORDER BY table_name, ordinal_position"
        )

    def fences(self) -> str:
        """All fences."""
        return f"SELECT lake_id, {', '.join(FENCE_COLUMNS)} FROM {self.table('load_fences')}"

    def last_load(self) -> str:
        """The greatest load number."""
        return f"SELECT COALESCE(MAX(load_id), 0) FROM {self.table('load_history')}"

    def last_loads(self) -> str:
        """Per table its last load, the last that brought rows, and the last with rejects."""
        history = self.table("load_history")
        return (
            "SELECT h.table_name, h.load_id, h.rows_loaded, h.rows_rejected, h.fences_sha256 "
            f"FROM {history} h JOIN (SELECT table_name, MAX(load_id) AS newest, MAX(CASE WHEN "
            "rows_loaded > 0 THEN load_id END) AS brought, MAX(CASE WHEN rows_rejected > 0 THEN "
            f"load_id END) AS refused FROM {history} GROUP BY table_name) m ON h.table_name = "
            "m.table_name AND (h.load_id = m.newest OR h.load_id = m.brought OR h.load_id = "
            "m.refused)"
        )

    def rows_since(self, table: str, load_id: int) -> str:
        """Rows of a load and of all later ones."""
        return f"SELECT COUNT(*) FROM {self.table(table)} WHERE _load_id >= {load_id}"

    def rejects_since(self) -> str:
        """Per table the rejects of the last load that had some by its record, and later ones."""
        return (
            f"SELECT r.table_name, COUNT(*) FROM {self.table('load_rejects')} r LEFT JOIN (SELECT "
            f"table_name, MAX(load_id) AS load_id FROM {self.table('load_history')} WHERE "
            "rows_rejected > 0 GROUP BY table_name) m ON r.table_name = m.table_name WHERE "
            "r.load_id >= COALESCE(m.load_id, 0) GROUP BY r.table_name"
        )

    def forget(self, table: str) -> list[str]:
        """Empties a table, and what the loader knows of it. Not TRUNCATE: that commits at once."""
        known = ("load_fences", "load_rejects", "load_history")
        where = f"WHERE table_name = {literal(table)}"
        return [
            f"DELETE FROM {self.table(table)}",
            *(f"DELETE FROM {self.table(name)} {where}" for name in known),
        ]

    def runs(self, table: str) -> str:
        """Runs of consecutive offsets; where an offset is there twice, runs overlap."""
        keys = "_topic, _topic_id, _partition, _row"
        return (
            f"SELECT {keys}, MIN(_offset), MAX(_offset) FROM (SELECT {keys}, _offset, _offset - "
            f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY _offset) AS island FROM "
            f"{self.table(table)}) r GROUP BY {keys}, island"
        )

    def rejects(self) -> str:
        """Who the rows are that COPY refused; parameter: the table."""
        return (
            "SELECT topic, topic_id, partition_number, row_offset, row_number FROM "
            f"{self.table('load_rejects')} WHERE table_name = %s"
        )

    def definitions(self) -> str:
        """Digests of definitions: those by which tables were filled, and views made."""
        return f"SELECT table_name, definition_sha256 FROM {self.table('load_definitions')}"

    def define(self, name: str, sha256: str) -> list[str]:
        """Puts on record by which definition a table was filled, or a view made."""
        table, known = self.table("load_definitions"), literal(name)
        return [
            f"DELETE FROM {table} WHERE table_name = {known}",
            f"INSERT INTO {table} (table_name, definition_sha256) VALUES ({known}, "
            f"{literal(sha256)})",
        ]

    def is_loaded(self) -> str:
        """Whether a load is committed; parameters: load, loader."""
        where = "load_id = %s AND loader = %s"
        return f"SELECT COUNT(*) FROM {self.table('load_history')} WHERE {where}"

    def append(self, table: str, staging: str, columns: Sequence[Column], load_id: int) -> str:
        """Load mode ``append``: all rows of a staging table, by the columns' names."""
        names = listed(columns)
        return (
            f"INSERT INTO {self.table(table)} (_load_id, {names}) "
            f"SELECT {load_id}, {names} FROM {quoted(staging)}"
        )

    def create_moves(self, staging: str) -> str:
        """A table of the session for the fences that move."""
        return (
            f"CREATE TEMP TABLE {quoted(staging)} (topic VARCHAR(249), topic_id VARCHAR(36), "
            "partition_number INTEGER, table_name VARCHAR(127), fence BIGINT, seq BIGINT, "
            "commit_sha256 VARCHAR(64), read_fence BIGINT, read_seq BIGINT, read_sha256 "
            "VARCHAR(64))"
        )

    def begin_fences(self, staging: str) -> str:
        """Rows for partitions that are loaded for the first time; parameter: the lake."""
        return (
            f"INSERT INTO {self.table('load_fences')} (lake_id, {', '.join(FENCE_COLUMNS)}) "
            "SELECT %s, topic, topic_id, partition_number, table_name, read_fence, read_seq, "
            f"read_sha256 FROM {quoted(staging)} WHERE read_seq = -1"
        )

    def move_fences(self, staging: str) -> str:
        """Moves the fences from where they were read; parameter: the lake."""
        keys = " AND ".join(f"load_fences.{name} = m.{name}" for name in FENCE_COLUMNS[:4])
        return (
            f"UPDATE {self.table('load_fences')} SET fence = m.fence, seq = m.seq, "
            f"commit_sha256 = m.commit_sha256 FROM {quoted(staging)} m "
            f"WHERE load_fences.lake_id = %s AND {keys} AND load_fences.fence = m.read_fence "
            "AND load_fences.seq = m.read_seq AND load_fences.commit_sha256 = m.read_sha256"
        )


def insert_rows(table: str, columns: Sequence[str], rows: int) -> str:
    """Some rows of parameters into a table, its name already quoted."""
    row = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"


def rows_at_once(columns: Sequence[str]) -> int:
    """Returns how many rows one INSERT takes."""
    return MAX_PARAMETERS // len(columns)
