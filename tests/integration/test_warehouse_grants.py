"""Roles on the stand-in: who may read what, and that it is enough to load and to ask."""

import json

import pytest
import redshift_connector

from tests.warehouse import code_of

pytestmark = pytest.mark.warehouse

DENIED = "42501"


@pytest.fixture
def granted(command, warehouse):
    """A schema with its roles; logs a user with one of them in."""
    command("migrate")
    user = f"{command.schema}_user"
    warehouse.run(f"create user {user} password 'Secret123'")
    command("grants", f"--loader_user={user}")
    warehouse.run(f"revoke role {command.schema}_loader from {user}")

    def login(role: str):
        warehouse.run(f"grant role {command.schema}_{role} to {user}")
        connection = warehouse.connect(user=user, password="Secret123")
        connection.autocommit = True
        return lambda sql: warehouse.all(sql.replace("{}", command.schema), connection)

    login.user = user
    return login


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

    def test_all_questions_can_be_asked(self, granted, command, monkeypatch):
        command("load")
        granted("analyst")
        monkeypatch.setenv("REDSHIFT_USER", granted.user)
        monkeypatch.setenv("REDSHIFT_PASSWORD", "Secret123")
        answers = [json.loads(line) for line in command("ask", "--format=json").splitlines()]
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
    def test_the_role_is_enough_to_load_and_rebuild(self, granted, command, monkeypatch):
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
        self, granted, command, warehouse
    ):
        warehouse.run(
            f"grant select on {command.schema}.raw_dispense_event to role {command.schema}_analyst"
        )
        read = granted("analyst")
        assert read("select patient_link from {}.raw_dispense_event") == []
        planned = command("grants", "--dry_run")
        assert "CREATE ROLE" not in planned
        assert f'GRANT SELECT ON "{command.schema}"."dispenses"' in planned
        told = command("grants")
        assert refused(read, "select count(*) from {}.raw_dispense_event")
        (closed,) = (line for line in told.splitlines() if line.startswith("-- closed"))
        assert closed == "-- closed to analysts: merged_patients, which shows patient_link"

    def test_before_the_migration_the_remedy_is_named(self, command):
        assert "warehouse migrate" in command("grants", code=2)
