"""The commands as a user runs them, with the packaged job: each table and view of its plan."""

import io
import json
from collections import Counter
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.verify import cli as verify_command
from beam_pipelines.warehouse.plan import load_plan
from tests.packaged_lake import Command

pytestmark = pytest.mark.real_redshift

_NOTHING = SimpleNamespace(out="", err="")


def rows_in_lake(store) -> Counter[str]:
    """Rows by raw table, as the files' own footers say."""
    counts: Counter[str] = Counter()
    for item in store.walk("data/"):
        dataset = item.key.split("/")[1]
        if not dataset.startswith("_"):
            body = io.BytesIO(store.get(item.key))
            counts[f"raw_{dataset}"] += pq.read_metadata(body).num_rows
    return counts


@pytest.fixture(scope="module")
def _loaded(real, lake):
    """The schema, made and loaded whichever tests are run."""
    silent = Command(lake.root, real.settings.schema, lake, lambda: _NOTHING, real.flags)
    silent("migrate")
    silent("load")


@pytest.fixture
def loaded(command, _loaded):
    return command


def verified(command, capsys) -> dict:
    flags = ("--metadata_only", "--format=json", "--progress=off")
    code = verify_command.main([f"--lake_root={command.lake_root}", *flags, *command.login])
    found = json.loads(capsys.readouterr().out)
    assert (code, found["breaches"]) == (0, {})
    return found


def test_a_dry_run_touches_nothing(command, session):
    assert "CREATE TABLE" in command("migrate", "--dry_run")
    where = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = %s"
    assert session.query(where, [command.schema])[0][0] == 0


def test_the_whole_plan_is_made_loaded_and_proven(command, session, capsys):
    command("migrate")
    # The catalog says of all columns what the plan wants of them.
    assert command("migrate") == "nothing to do\n"
    loads = [json.loads(line) for line in command("load", "--format=json").splitlines()]
    expected = rows_in_lake(command.store)
    assert sum(load["loaded"] for load in loads) >= sum(expected.values()) > 200
    for table, count in expected.items():
        found = session.query(f'SELECT COUNT(*) FROM "{command.schema}"."{table}"')
        assert found[0][0] == count
    assert command("load") == ""
    verified(command, capsys)


def test_each_view_can_be_read(loaded, session):
    for view in load_plan(load_config(None)).views:
        session.query(f'SELECT * FROM "{loaded.schema}"."{view}" LIMIT 1')


def test_the_questions_have_answers(loaded):
    answers = [json.loads(line) for line in loaded("ask", "--format=json").splitlines()]
    assert len(answers) == len(load_config(None).warehouse.questions)


def test_the_state_is_told(loaded):
    found = json.loads(loaded("status", "--format=json"))
    assert found["tables"]
    assert not any(table["commits_behind"] for table in found["tables"])


def test_a_table_of_each_kind_is_made_anew(loaded, capsys):
    plan = load_plan(load_config(None))
    for kind in (plan.tables, plan.partials, plan.star):
        for table in [each.table for each in kind][:1]:
            loaded("reload", f"--table={table}")
    verified(loaded, capsys)


def test_the_roles_get_their_rights(loaded, session):
    loaded("grants")
    roles = session.query(
        "SELECT role_name FROM svv_roles WHERE role_name LIKE %s", [f"{loaded.schema}%"]
    )
    assert len(roles) == 3
    assert "CREATE ROLE" not in loaded("grants", "--dry_run")
