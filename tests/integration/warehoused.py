"""A lake of the packaged configuration in the stand-in, and what its tables hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.plan import load_plan
from runners.local import Redshift
from tests.faults.lakes import Lake
from tests.oracle import Expected
from tests.oracle.moments import plain
from tests.oracle.star import star
from tests.warehouse import login
from transforms.lake import BatchLimits
from transforms.redshift import RedshiftSettings, Statements, connect, loader_of, migrate
from transforms.redshift.sql import quoted
from transforms.redshift.verify import verify_warehouse

Row = Mapping[str, Any]


class Warehoused:
    """A lake's warehouse: one schema."""

    def __init__(self, lake: Lake, redshift: Redshift, schema: str) -> None:
        self.lake = lake
        self.plan = load_plan(load_config(lake.config))
        self.statements = Statements(schema)
        self.settings = RedshiftSettings(**login(redshift, schema))
        self.session = connect(self.settings)
        migrate(self.session, self.plan, self.statements)

    def load(self, rows: int) -> int:
        """Loads what is new, at most so many rows at once; returns how many loads it took."""
        loader = loader_of(self.lake.store, self.plan, self.settings, BatchLimits(rows=rows))
        return sum(1 for _ in loader.load())

    def breaches(self) -> list[str]:
        """Where the proof doesn't hold."""
        proofs = verify_warehouse(self.lake.store, self.session, self.statements, self.plan)
        return [str(breach) for proof in proofs for breach in proof.breaches]

    def table(self, name: str) -> list[Row]:
        """A table's rows, without the load that made them; times are whole numbers."""
        columns, rows = self.session.select(f"SELECT * FROM {self.statements.table(name)}")
        return [
            {c: _plain(v) for c, v in zip(columns, row, strict=True) if c != "_load_id"}
            for row in rows
        ]

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """A query; ``{schema}`` stands for the schema."""
        return self.session.query(sql.replace("{schema}", quoted(self.settings.schema)))


def assert_same(table: str, found: Sequence[Row], wanted: Sequence[Row]) -> None:
    """Holds rows against the oracle's, columns and all."""
    assert wanted, f"the oracle knows no row of {table}: nothing is shown"
    names = sorted(wanted[0])
    assert not found or sorted(found[0]) == names, table
    have, want = (Counter(tuple(row[n] for n in names) for row in rows) for rows in (found, wanted))
    extra, missing = have - want, want - have
    differing = (
        f"{table} {names}: {len(extra)} of {len(found)} rows too many, as {_first(extra)}; "
        f"{len(missing)} missing, as {_first(missing)}"
    )
    assert (extra, missing) == (Counter(), Counter()), differing


def assert_star(warehoused: Warehoused, *parts: Mapping[str, Expected]) -> None:
    """Compares each table of the star with what the oracle tells of all rows, by dataset."""
    rows = {
        dataset: [row for part in parts for row in part[dataset].rows.values()]
        for dataset in parts[0]
    }
    wanted = star(rows)
    assert [each.table for each in warehoused.plan.star] == list(wanted)
    for table, told in wanted.items():
        assert_same(table, warehoused.table(table), told)
    assert warehoused.breaches() == []


def _first(rows: Counter[tuple[Any, ...]]) -> Any:
    return min(rows, key=str, default=None)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return plain(value.replace(tzinfo=UTC))
    return plain(value) if isinstance(value, date) else value
