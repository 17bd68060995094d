"""``python -m beam_pipelines.warehouse`` with a lake of the packaged job."""

import io
import json
from collections import Counter
from collections.abc import Iterator

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.verify import cli as verify_command
from beam_pipelines.warehouse import cli
from beam_pipelines.warehouse.plan import load_plan
from schemas.catalog import packaged_datasets
from transforms.redshift.schema import LOADER
from transforms.windows.totals import merge_committed

pytestmark = pytest.mark.warehouse


def rows_in_files(packaged) -> Counter[str]:
    counts: Counter[str] = Counter()
    for key, body in packaged.items():
        dataset = (key + "/").split("/")[1]
        if key.startswith("data/") and not dataset.startswith("_"):
            counts[dataset] += pq.read_metadata(io.BytesIO(body)).num_rows
    return counts


def test_a_schema_is_made_loaded_and_watched(command, warehouse, packaged):
    planned = command("migrate", "--dry_run")
    assert f'CREATE TABLE "{command.schema}"."raw_dispense_event"' in planned
    made = command("migrate").splitlines()
    plan = load_plan(load_config(None))
    # The views are made in one step.
    loaded = len(packaged_datasets()) + len(plan.partials)
    assert len(made) == len(LOADER) + loaded + len(plan.star) + 1
    assert command("migrate") == "nothing to do\n"

    before = json.loads(command("status", "--format=json"))
    assert all(table["commits_behind"] for table in before["tables"])

    loads = [json.loads(line) for line in command("load", "--format=json").splitlines()]
    expected = rows_in_files(packaged)
    assert sum(load["loaded"] for load in loads) == sum(expected.values()) > 200
    for dataset, count in expected.items():
        assert warehouse.count(f"{command.schema}.raw_{dataset}") == count
    assert command("load") == ""

    after = json.loads(command("status", "--format=json"))
    assert not any(table["commits_behind"] for table in after["tables"])
    assert after["lock"] == []
    assert "Nobody holds the lock." in command("status")


def test_bounded_loads_are_told_one_by_one(command):
    command("migrate")
    lines = command("load", "--rows=100").splitlines()
    assert len(lines) > 1
    assert lines[0].startswith("load 1: ")


def test_who_holds_the_lock_is_told(loaded, warehouse):
    holder = warehouse.connect()
    holder.cursor().execute(f"lock {loaded.schema}.load_lock")
    (found,) = json.loads(loaded("status", "--format=json"))["lock"]
    assert (found["user"], found["granted"]) == (warehouse.redshift.settings.user, True)


def test_without_a_schema_the_remedy_is_named(command):
    error = command("load", code=1)
    assert error.count("\n") == 1
    assert "warehouse migrate" in error


def test_a_wrong_password_is_a_refusal(command, monkeypatch):
    monkeypatch.setenv("REDSHIFT_PASSWORD", "hunter2")
    error = command("load", code=2)
    assert "Check user, password and database" in error
    assert "hunter2" not in error


def test_a_warehouse_that_is_away_is_a_failure_in_one_line(command, monkeypatch):
    monkeypatch.setattr(cli, "LOAD_PATIENCE_S", 0.0)
    monkeypatch.setenv("REDSHIFT_PORT", "1")
    error = command("load", code=1)
    assert error.splitlines()[-1].startswith("error: the connection to the warehouse broke")


def test_the_service_goes_on_after_an_outage(loaded, monkeypatch):
    monkeypatch.setattr(cli, "LOAD_PATIENCE_S", 0.0)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(cli.time, "sleep", pause)
    monkeypatch.setenv("REDSHIFT_PORT", "1")
    error = loaded("load", "--every=30", code=130)
    assert error.count("warning: the connection to the warehouse broke") == 2


def test_one_table_is_rebuilt_from_the_lake(loaded, warehouse, packaged):
    warehouse.run(f"delete from {loaded.schema}.raw_drug_ref")
    loaded("reload", "--table=raw_drug_ref")
    assert warehouse.count(f"{loaded.schema}.raw_drug_ref") == rows_in_files(packaged)["drug_ref"]
    assert "Name one of" in loaded("reload", "--table=raw_nonsense", code=2)


def test_the_views_of_aggregates_say_what_the_lakes_totals_do(loaded, warehouse):
    warehouse.run(f"delete from {loaded.schema}.agg_fills_per_store")
    loaded("reload", "--table=agg_fills_per_store")
    for each in load_plan(load_config(None)).partials:
        totals = merge_committed(loaded.store, each.aggregate)
        view = f"{loaded.schema}.{each.aggregate}"
        measured = ", ".join(f'sum("{name}")' for name in each.merges)
        ((cells, *sums),) = warehouse.all(f"select count(*), {measured} from {view}")
        assert cells == totals.num_rows > 10
        assert sums == [pc.sum(totals.column(name)).as_py() for name in each.merges]


def test_a_dimension_is_rebuilt_from_the_raw_tables_with_the_facts_that_it_binds(
    loaded, warehouse, capsys
):
    table = f"{loaded.schema}.dim_patient"
    before = warehouse.count(table)
    warehouse.run(f"delete from {table} where is_current")
    warehouse.run(f"update {loaded.schema}.fact_dispense set patient_key = 0")
    assert verified(loaded, capsys)[0] == 1
    loaded("reload", "--table=dim_patient")
    assert warehouse.count(table) == before > 10
    assert verified(loaded, capsys)[0] == 0


def test_the_business_gets_answers(loaded):
    told = loaded("ask", "--format=json").splitlines()
    answers = {each["name"]: each for each in map(json.loads, told)}
    assert list(answers) == list(load_config(None).warehouse.questions)
    assert answers["top_rejects"]["columns"] == ["reject_code", "claims", "stores"]
    text = loaded("ask", "revenue_by_payer")
    assert text.startswith("Revenue by payer, net of reversals")
    assert "there is no question 'why'" in loaded("ask", "why", code=2)


def verified(command, capsys) -> tuple[int, dict]:
    flags = ("--metadata_only", "--format=json", "--progress=off", "--redshift_host=127.0.0.1")
    code = verify_command.main([f"--lake_root={command.lake_root}", *flags])
    return code, json.loads(capsys.readouterr().out)


class TestVerify:
    @pytest.fixture
    def table(self, loaded, warehouse) -> Iterator[str]:
        """A table of which a copy is brought back afterwards."""
        table = f"{loaded.schema}.raw_dispense_event"
        copy = warehouse.table(f"as select * from {table}")
        yield table
        warehouse.run(f"delete from {table}")
        warehouse.run(f"insert into {table} select * from {copy}")

    def test_what_is_loaded_is_proven_by_offsets(self, loaded, capsys, packaged):
        code, found = verified(loaded, capsys)
        assert (code, found["breaches"]) == (0, {})
        count = rows_in_files(packaged)["dispense_event"]
        wanted = f"raw_dispense_event: {count} rows accepted, {count} loaded, 0 rejected"
        assert wanted in found["notes"]

    @pytest.mark.parametrize(
        ("damage", "what"),
        [
            ("delete from {} where _offset = {n}", "neither loaded nor rejected"),
            ("insert into {} select * from {} where _offset = {n}", "are there twice"),
            ("update {} set _offset = 999999 where _offset = {n}", "hasn't accepted"),
        ],
    )
    def test_what_is_lost_or_too_much_is_named(
        self, loaded, warehouse, table, capsys, damage, what
    ):
        ((offset,),) = warehouse.all(f"select max(_offset) from {table}")
        warehouse.run(damage.replace("{}", table).replace("{n}", str(offset)))
        code, found = verified(loaded, capsys)
        assert code == 1
        named = [place["what"] for place in found["places"] if place["rule"] == "warehouse"]
        assert any(what in each for each in named)
