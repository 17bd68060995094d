"""Tables that exist, brought up to date by ``warehouse migrate`` while the lake goes on."""

import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines.pharmacy.chain import make_chain
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse import cli
from beam_pipelines.warehouse.plan import load_plan
from runners.local import S3
from tests.fakes.lake import DATASET, TOPIC, segment
from tests.faults.lakes import wait_until
from tests.launcher import Launcher
from tests.loads import TABLE, Loads
from tests.statements import hooked, recorded
from tests.warehouse import Warehouse, login_environ
from transforms.redshift import Session, connect

pytestmark = pytest.mark.warehouse

WAREHOUSE = "beam_pipelines.warehouse.cli:main"
Field = Mapping[str, Any]

_NUMBERS = itertools.count(1)


def field(name: str, kind: Any, **more: Any) -> Field:
    return {"name": name, "type": kind, "phi": {"class": "NONE"}, **more}


def optional(name: str, kind: Any) -> Field:
    return field(name, ["null", kind], default=None)


def decimal(precision: int, scale: int) -> Field:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


TIME = field("event_time", {"type": "long", "logicalType": "timestamp-micros"})
NOTE, PRICE, NUMBER = (
    optional("note", "string"),
    optional("price", decimal(9, 2)),
    field("n", "int"),
)
FIELDS = (TIME, NOTE, PRICE, NUMBER)
LENGTHS = {"note": 20}
#: Between others, as a newer version of the schema may have it.
WITH_DAY = (TIME, NOTE, optional("day", {"type": "int", "logicalType": "date"}), PRICE, NUMBER)


@dataclass
class Evolving:
    """A lake and a schema; the configurations that they go through.

    Attributes:
        loads: The lake and the schema.
        folder: Where configurations are written.
        run: Runs the command with a configuration's path; gives exit code and what it wrote.
    """

    loads: Loads
    folder: Path
    run: Callable[..., tuple[int, str]]

    def config(
        self, fields: Sequence[Field] = FIELDS, lengths: Mapping[str, int] | None = None
    ) -> str:
        """Writes a configuration of one dataset; returns its path."""
        number = next(_NUMBERS)
        schema = {"type": "record", "name": "Order", "fields": list(fields)}
        (self.folder / f"{number}.avsc").write_text(json.dumps(schema))
        topic = {
            "topic": TOPIC,
            "dataset": DATASET,
            "schema_file": f"{number}.avsc",
            "event_time": "event_time",
        }
        path = self.folder / f"{number}.yaml"
        own = {DATASET: {"lengths": LENGTHS if lengths is None else lengths}}
        path.write_text(json.dumps({"topics": [topic], "datasets": own}))
        return str(path)

    def commit(self, path: str, rows: int, **columns: Any) -> None:
        """Commits the next rows as a job with a configuration would write them."""
        start = self.loads.lake.lane(0).fence
        made = segment(start, start + rows)
        table = made.rows[DATASET]
        values = {"note": "a note", "price": Decimal("1.25"), "n": 7, **columns}
        schema = make_chain(load_config(path)).schemas[DATASET]
        held = [
            table[f.name] if f.name in table.column_names else _array(values.get(f.name), f, rows)
            for f in schema
        ]
        self.loads.lake.write(made.with_rows(DATASET, pa.table(held, schema=schema)))

    def columns(self) -> list[tuple[str, str]]:
        """The table's columns after the lineage, and their types."""
        with_names = (
            "select column_name, data_type, character_maximum_length, numeric_precision, "
            "numeric_scale from svv_columns where table_schema = '{s}' and table_name = '{t}' "
            "order by ordinal_position"
        )
        listed = self.loads.warehouse.all(
            with_names.replace("{s}", self.loads.schema).replace("{t}", TABLE)
        )
        return [(name, "".join(str(x or "") for x in kind)) for name, *kind in listed][8:]

    def history(self) -> list[str]:
        return [v for (v,) in self.loads.all("select version from {}.schema_history order by 1")]

    def count(self, where: str = "true") -> int:
        return int(self.loads.all(f"select count(*) from {{}}.{TABLE} where {where}")[0][0])


def _array(value: Any, field: pa.Field, rows: int) -> pa.Array:
    return pa.array(value if isinstance(value, list) else [value] * rows, field.type)


@pytest.fixture
def evolving(
    warehouse: Warehouse, s3: S3, lake_root: str, tmp_path: Path, monkeypatch, capsys
) -> Evolving:
    """An empty lake, and no schema yet."""
    loads = Loads(warehouse, s3, lake_root, f"evolve_{next(_NUMBERS)}")
    loads.begin_lake()
    given = {**s3.environ(), **login_environ(warehouse.redshift), "REDSHIFT_SCHEMA": loads.schema}
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def run(command: str, path: str, *flags: str) -> tuple[int, str]:
        lake = [] if command == "migrate" else [f"--lake_root={lake_root}"]
        capsys.readouterr()
        code = cli.main([command, f"--config={path}", *lake, *flags])
        written = capsys.readouterr()
        return code, written.out + written.err

    return Evolving(loads, tmp_path, run)


@pytest.fixture
def begun(evolving: Evolving) -> Evolving:
    """A schema of the first configuration, with four rows."""
    path = evolving.config()
    assert evolving.run("migrate", path)[0] == 0
    evolving.commit(path, 4)
    assert evolving.run("load", path)[0] == 0
    return evolving


class TestNewFields:
    def test_one_becomes_a_column_at_the_end_and_older_files_give_null(self, begun):
        older, newer = begun.config(), begun.config(WITH_DAY)
        begun.commit(older, 2)
        begun.commit(newer, 3, day=[10, None, 11])
        assert begun.run("migrate", newer) == (0, f"{TABLE}.day added\n")
        assert [name for name, _ in begun.columns()] == ["event_time", "note", "price", "n", "day"]
        begun.commit(older, 1)

        # One transaction for both layouts.
        code, told = begun.run("load", newer)

        assert (code, told.count("load 2: 6 rows")) == (0, 1), told
        assert (begun.count(), begun.count("day is null"), begun.count("n = 7")) == (10, 8, 10)
        assert begun.loads.rows() == begun.loads.accepted()
        assert begun.run("migrate", newer) == (0, "nothing to do\n")

    def test_until_then_its_rows_wait(self, begun):
        newer = begun.config(WITH_DAY)
        begun.commit(newer, 3)
        code, told = begun.run("load", newer)
        assert (code, "has no column day" in told, "migrate" in told) == (2, True, True)
        assert begun.count() == 4


class TestLengths:
    def test_a_longer_one_widens_and_what_was_too_long_fits(self, begun):
        wider = begun.config(lengths={"note": 40})
        begun.commit(wider, 2, note="x" * 40)
        code, told = begun.run("load", wider)
        assert (code, "note is VARCHAR(20), and declared as VARCHAR(40)" in told) == (2, True)
        assert begun.run("migrate", wider) == (0, f"{TABLE}.note widened to 40\n")
        assert begun.run("load", wider)[0] == 0
        assert begun.count("length(note) = 40") == 2
        assert begun.loads.rejects() == []

    def test_a_shorter_one_changes_nothing_and_still_loads(self, begun):
        shorter = begun.config(lengths={"note": 10})
        assert begun.run("migrate", shorter) == (0, "nothing to do\n")
        begun.commit(shorter, 2, note="x" * 10)
        assert begun.run("load", shorter)[0] == 0
        assert (begun.count(), begun.loads.rejects()) == (6, [])

    def test_killed_at_any_statement_the_migration_runs_again(self, begun, launcher: Launcher):
        """Each run has a text to widen; it is killed one statement later than the one before."""
        environ = {**begun.loads.s3.environ(), **login_environ(begun.loads.warehouse.redshift)}
        for statement in itertools.count(4):  # The first three only log in.
            length = 20 + statement
            wider = begun.config(lengths={"note": length})
            run = launcher.launch(
                ["migrate", f"--config={wider}", f"--redshift_schema={begun.loads.schema}"],
                environ=environ,
                crash=f"redshift.before_statement:{statement}",
                main=WAREHOUSE,
            )
            ended = run.wait()
            assert ended.code in (0, -9), ended
            if ended.code == 0:
                break
            assert begun.run("migrate", wider)[0] == 0
            assert dict(begun.columns())["note"] == f"character varying{length}"
            recorded = begun.history().count(f"{TABLE}.note widened to {length}")
            # Twice where it was killed between the record and the change.
            assert recorded in (1, 2)
            assert begun.run("migrate", wider) == (0, "nothing to do\n")
        assert statement > 6  # It came past the change itself.
        begun.commit(wider, 1, note="x" * length)
        assert begun.run("load", wider)[0] == 0
        assert begun.loads.rejects() == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("fields", "what"),
        [
            ((TIME, NOTE, PRICE, field("n", "long")), "n is INTEGER and should be BIGINT"),
            ((TIME, NOTE, optional("price", decimal(9, 3)), NUMBER), "should be DECIMAL(9,3)"),
            ((TIME, NOTE, optional("price", decimal(12, 2)), NUMBER), "should be DECIMAL(12,2)"),
            ((TIME, optional("note", "int"), PRICE, NUMBER), "note is VARCHAR(20) and should be"),
            ((TIME, PRICE, NUMBER), "has a column note, and its rows have none any more"),
            ((TIME, optional("remark", "string"), PRICE, NUMBER), "has a column note"),
        ],
        ids=["wider", "scale", "precision", "kind", "dropped", "renamed"],
    )
    def test_any_other_change_is_refused_and_nothing_is_touched(self, begun, fields, what):
        # A column more, which could be added.
        path = begun.config((*fields, optional("more", "string")), {"more": 99})
        before = begun.columns(), begun.history(), begun.count()
        for flags in ([], ["--dry_run"]):
            code, told = begun.run("migrate", path, *flags)
            assert (code, what in told, told.count("\n")) == (2, True, 1), told
            assert f'run this and migrate again: ALTER TABLE "{begun.loads.schema}"' in told
        assert (begun.columns(), begun.history(), begun.count()) == before

    @pytest.mark.parametrize(
        ("fields", "changed"),
        [
            ((TIME, NOTE, optional("price", decimal(12, 2)), NUMBER), "price"),
            ((TIME, NOTE, PRICE, field("n", "long")), "n"),
            ((TIME, PRICE, NUMBER), "note"),
        ],
        ids=["precision", "wider", "dropped"],
    )
    def test_the_migration_that_is_named_leads_on(self, begun, fields, changed):
        path = begun.config(fields, {})
        told = begun.run("migrate", path)[1]
        for statement in told.partition("migrate again: ")[2].strip().split("; "):
            begun.loads.warehouse.run(statement)
        assert begun.run("migrate", path)[0] == 0
        begun.commit(path, 2)
        assert begun.run("load", path)[0] == 0
        assert begun.loads.rows() == begun.loads.accepted()
        named = dict(begun.columns())
        assert begun.count(f"{changed} is not null" if changed in named else "n = 7") == 6


class TestDryRun:
    def assert_told(self, evolving: Evolving, path: str) -> None:
        told = evolving.run("migrate", path, "--dry_run")[1]
        lines = [line for line in told.splitlines() if not line.startswith("-- ")]
        with recorded() as sent:
            assert evolving.run("migrate", path)[0] == 0
        changing = [sql for sql in sent if not sql.startswith(("SET ", "SELECT "))]
        assert [f"{sql};" for sql in changing] == lines

    def test_it_prints_all_that_makes_a_schema(self, evolving, monkeypatch):
        path = evolving.config()
        monkeypatch.setattr(
            uuid, "uuid4", lambda: uuid.UUID(int=7)
        )  # The warehouse's name is drawn.
        self.assert_told(evolving, path)
        assert evolving.run("migrate", path, "--dry_run")[1] == "-- the schema is up to date\n"

    def test_it_prints_all_that_changes_one(self, begun):
        path = begun.config(WITH_DAY, {"note": 30})
        self.assert_told(begun, path)

    def test_it_touches_nothing(self, evolving):
        assert evolving.run("migrate", evolving.config(), "--dry_run")[0] == 0
        schemas = f"select count(*) from svv_columns where table_schema = '{evolving.loads.schema}'"
        assert evolving.loads.all(schemas) == [[0]]


class TestWhileALoaderRuns:
    def test_loads_go_on_during_and_after_and_all_is_there_once(self, begun, monkeypatch):
        older, newer = begun.config(), begun.config(WITH_DAY, {"note": 30})
        loaded, failures, done = [], [], threading.Event()
        begun.loads.plan = load_plan(load_config(older))

        def load() -> None:
            try:
                while not done.is_set():
                    loaded.extend(begun.loads.load(rows=2))
                    time.sleep(0.01)  # Until the next rows are committed.
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                failures.append(error)

        def advance() -> None:
            """Commits rows and waits until the loader has them."""
            before = len(loaded)
            begun.commit(older, 2)
            wait_until(lambda: len(loaded) > before or failures)

        thread = threading.Thread(target=load)
        thread.start()
        advance()
        with monkeypatch.context() as patch:
            patch.setattr(cli, "connect", lambda settings: _between(connect(settings), advance))
            code, told = begun.run("migrate", newer)
        during = len(loaded)
        advance()
        done.set()
        thread.join(60)

        assert failures == []
        assert (code, told) == (0, f"{TABLE}.note widened to 30\n{TABLE}.day added\n")
        assert 3 <= during < len(loaded)
        begun.commit(newer, 2, note="x" * 30, day=3)
        assert begun.run("load", newer)[0] == 0
        assert begun.loads.rows() == begun.loads.accepted()
        assert begun.count("day is not null") == 2
        assert begun.loads.rejects() == []


def _between(session: Session, advance: Callable[[], None]) -> Session:
    """Lets loads happen before each change of a table: before its lock, where it takes one."""

    def wait(sql: str) -> None:
        if "load_lock" in sql or "ALTER COLUMN" in sql:
            advance()

    return hooked(session, wait)
