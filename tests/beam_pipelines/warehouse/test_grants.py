"""Which statements give the roles their rights: a change of the texts must be meant."""

from functools import cache

import pytest

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.grants import (
    ANALYST,
    LOADER,
    RIGHTS,
    STEWARD,
    Kind,
    Target,
    closed_views,
    grant_script,
    targets,
)
from beam_pipelines.warehouse.links import link_columns
from beam_pipelines.warehouse.plan import load_plan
from transforms.errors import ConfigurationError
from transforms.redshift import LoadPlan, Statements
from transforms.redshift.layout import Column, ColumnType
from transforms.redshift.schema import LOADER as OWN_TABLES

HERE = Statements("wh")
BIGINT = ColumnType("BIGINT")
TABLES = [
    Target(name="raw_order", kind=Kind.RAW, columns=("a", "link"), links=("link",)),
    Target(name="load_rejects", kind=Kind.REJECTS, columns=("a",)),
    Target(name="load_fences", kind=Kind.RECORDS, columns=("a",)),
    Target(name="agg_orders", kind=Kind.PARTIALS, columns=("a",)),
    Target(name="fact_order", kind=Kind.STAR, columns=("a", "link", "b"), links=("link",)),
    Target(name="dim_day", kind=Kind.STAR, columns=("a",)),
    Target(name="orders", kind=Kind.VIEW, columns=("a",)),
    Target(name="joined", kind=Kind.VIEW, columns=("a", "link"), links=("link",)),
]


@cache
def packaged() -> LoadPlan:
    return load_plan(load_config(None))


def granted(role: str) -> list[str]:
    """What a role gets, without the parts that are the same everywhere."""
    found = []
    for line in grant_script(HERE, TABLES, [f"wh_{name}" for name in RIGHTS]):
        if line.startswith("GRANT") and line.endswith(f'TO ROLE "wh_{role}"'):
            found.append(line.removeprefix("GRANT ").rpartition(" TO ")[0].replace('"wh".', ""))
    return found


class TestRights:
    def test_an_analyst_reads_star_and_views_without_links(self):
        assert granted(ANALYST) == [
            'USAGE ON SCHEMA "wh"',
            'SELECT ("a", "b") ON "fact_order"',
            'SELECT ON "dim_day"',
            'SELECT ON "orders"',
        ]

    def test_a_steward_reads_raw_tables_and_rejects(self):
        assert granted(STEWARD) == [
            'USAGE ON SCHEMA "wh"',
            'SELECT ON "raw_order"',
            'SELECT ON "load_rejects"',
        ]

    def test_a_loader_changes_all_tables(self):
        found = granted(LOADER)
        assert found[0] == 'USAGE, CREATE ON SCHEMA "wh"'
        changed = [line for line in found if line.startswith("SELECT, INSERT, UPDATE, DELETE")]
        assert len(changed) == len([each for each in TABLES if each.kind != Kind.VIEW])

    def test_each_kind_has_somebody_who_may_change_it_or_read_it(self):
        assert set(Kind) == set(RIGHTS[LOADER])


class TestScript:
    def test_roles_are_made_once_and_lose_what_they_are_not_to_have(self):
        script = grant_script(HERE, TABLES, ["wh_loader", "wh_analyst"])
        assert script[:4] == [
            'CREATE ROLE "wh_steward"',
            "BEGIN",
            'REVOKE ALL ON ALL TABLES IN SCHEMA "wh" FROM ROLE "wh_loader"',
            'GRANT USAGE, CREATE ON SCHEMA "wh" TO ROLE "wh_loader"',
        ]
        assert script[-1] == "COMMIT"

    def test_the_loaders_user_gets_the_role_and_a_time_out(self):
        script = grant_script(HERE, [], [], loader_user='"; drop', session_timeout_s=90)
        assert script[-2:] == [
            'GRANT ROLE "wh_loader" TO """; drop"',
            'ALTER USER """; drop" SESSION TIMEOUT 90',
        ]


class TestTargets:
    def catalog(self) -> dict[str, list[Column]]:
        plan = packaged()
        names = [*(name for _, name, _ in OWN_TABLES), *plan.views]
        columns = {each.table: list(each.columns) for each in (*plan.loaded, *plan.star)}
        return {**{name: [Column("a", BIGINT)] for name in names}, **columns}

    def test_all_that_a_plan_makes_has_a_kind(self):
        found = targets(packaged(), self.catalog(), [])
        assert {each.name for each in found} == set(self.catalog())
        kinds = {each.name: each.kind for each in found}
        assert kinds["raw_dispense_event"] == Kind.RAW
        assert kinds["agg_fills_per_store"] == Kind.PARTIALS
        assert kinds["fact_dispense"] == Kind.STAR
        assert kinds["dispenses"] == Kind.VIEW
        assert kinds["load_rejects"] == Kind.REJECTS
        assert kinds["load_fences"] == Kind.RECORDS

    def test_a_view_that_shows_a_link_is_closed(self):
        catalog = {**self.catalog(), "drugs": [Column("patient_link", BIGINT)]}
        found = targets(packaged(), catalog, ["patient_link"])
        assert [each.name for each in closed_views(found)] == ["drugs"]

    def test_without_a_table_the_remedy_is_named(self):
        catalog = self.catalog()
        del catalog["dispenses"]
        with pytest.raises(ConfigurationError, match="no table or view dispenses") as caught:
            targets(packaged(), catalog, [])
        assert "migrate" in caught.value.remedy


def test_keys_of_versions_of_persons_are_links_too():
    found = link_columns(load_config(None).masking.links, packaged().star)
    assert found == {
        *("patient_link", "surviving_patient_link", "patient_version", "fill_key", "payer_key"),
        "patient_key",
    }
