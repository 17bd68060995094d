"""Roles on the stand-in: who may read what, and that it is enough to load and to ask."""

import itertools
import json

import pytest
import redshift_connector

from tests.packaged_lake import Command, packaged_command
from tests.warehouse import Warehouse, code_of

pytestmark = pytest.mark.warehouse

DENIED = "42501"

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def _empty_schema(redshift, s3) -> str:
    """The address of a lake whose schema has its roles, and is never loaded."""
    with pytest.MonkeyPatch.context() as environment:
        made = packaged_command(f"s3://{s3.bucket}/granted", redshift, s3, environment)
        made("migrate")
        made("grants")
    return made.lake_root


@pytest.fixture
def empty(_empty_schema, warehouse, s3, monkeypatch, capsys) -> Command:
    return packaged_command(_empty_schema, warehouse.redshift, s3, monkeypatch, capsys.readouterr)


class Granted:
    """A user to whom roles of a schema are given."""

    def __init__(self, schema: str, warehouse: Warehouse) -> None:
        self.schema = schema
        self.user = f"{schema}_user{next(_NUMBERS)}"
        self._warehouse = warehouse
        warehouse.run(f"create user {self.user} password 'Secret123'")

    def __call__(self, role: str):
        """Gives the user a role, and logs in."""
        self._warehouse.run(f"grant role {self.schema}_{role} to {self.user}")
        connection = self._warehouse.connect(user=self.user, password="Secret123")
        connection.autocommit = True
        return lambda sql: self._warehouse.all(sql.replace("{}", self.schema), connection)


@pytest.fixture
def granted(empty, warehouse) -> Granted:
    return Granted(empty.schema, warehouse)


def refused(read, sql: str) -> bool:
    with pytest.raises(redshift_connector.Error) as caught:
        read(sql)
    return code_of(caught.value) == DENIED


class TestAnalyst:
    def test_star_and_views_are_open_and_the_rest_is_closed(self, granted):
        read = granted("analyst")
        assert read("select count(*) from {}.dim_date")[0][0] > 10_000
        assert read("select event_time, patient_id, payer_bin from {}.dispenses") == []
        assert read("select patient_id, person_id from {}.patients") == []
        for closed in ("raw_dispense_event", "load_rejects", "load_fences", "agg_fills_per_store"):
            assert refused(read, f"select count(*) from {{}}.{closed}")
        assert refused(read, "delete from {}.dim_drug")
        assert refused(read, "create table {}.mine (a int)")

    def test_links_are_closed_and_the_columns_beside_them_open(self, granted):
        read = granted("analyst")
        assert read("select fill_number from {}.fact_dispense") == []
        for link in ("patient_link", "fill_key", "payer_key", "patient_key", "*"):
            assert refused(read, f"select {link} from {{}}.fact_dispense")
        assert refused(read, "select patient_link from {}.merged_patients")

    def test_all_questions_can_be_asked(self, loaded, warehouse, monkeypatch):
        loaded("grants")
        granted = Granted(loaded.schema, warehouse)
        granted("analyst")
        monkeypatch.setenv("REDSHIFT_USER", granted.user)
        monkeypatch.setenv("REDSHIFT_PASSWORD", "Secret123")
        answers = [json.loads(line) for line in loaded("ask", "--format=json").splitlines()]
        assert len(answers) > 3


class TestSteward:
    def test_raw_tables_and_rejects_are_open_for_reading_alone(self, granted):
        read = granted("steward")
        assert read("select patient_link from {}.raw_dispense_event") == []
        assert read("select row_offset, reason from {}.load_rejects") == []
        assert refused(read, "delete from {}.load_rejects")
        for closed in ("fact_dispense", "dispenses", "load_fences"):
            assert refused(read, f"select count(*) from {{}}.{closed}")


class TestLoader:
    def test_the_role_is_enough_to_load_and_rebuild(self, command, warehouse, monkeypatch):
        command("migrate")
        granted = Granted(command.schema, warehouse)
        command("grants", f"--loader_user={granted.user}")
        read = granted("loader")
        monkeypatch.setenv("REDSHIFT_USER", granted.user)
        monkeypatch.setenv("REDSHIFT_PASSWORD", "Secret123")
        assert "load 1: " in command("load")
        command("reload", "--table=raw_inventory_movement")
        command("reload", "--table=dim_drug")
        command("status")
        # A frozen loader's lock goes with its session.
        assert read("show idle_in_transaction_session_timeout") == [["10min"]]


class TestCommand:
    def test_it_is_safe_to_repeat_and_takes_back_what_a_role_should_not_have(
        self, granted, empty, warehouse
    ):
        warehouse.run(
            f"grant select on {empty.schema}.raw_dispense_event to role {empty.schema}_analyst"
        )
        read = granted("analyst")
        assert read("select patient_link from {}.raw_dispense_event") == []
        planned = empty("grants", "--dry_run")
        assert "CREATE ROLE" not in planned
        assert f'GRANT SELECT ON "{empty.schema}"."dispenses"' in planned
        told = empty("grants")
        assert refused(read, "select count(*) from {}.raw_dispense_event")
        (closed,) = (line for line in told.splitlines() if line.startswith("-- closed"))
        assert closed == "-- closed to analysts: merged_patients, which shows patient_link"

    def test_before_the_migration_the_remedy_is_named(self, command):
        assert "warehouse migrate" in command("grants", code=2)
