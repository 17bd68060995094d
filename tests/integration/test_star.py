"""Dimensions and facts on the stand-in: any order, any split, any duplication, the same tables."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.stars import PLAN, Change, Fill, Logs, Row, Store, at, told, version
from tests.warehouse import login
from transforms.redshift import RedshiftSettings, Statements, connect, migrate
from transforms.redshift.verify_star import verify_star

pytestmark = pytest.mark.warehouse

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def logs(redshift) -> Iterator[Logs]:
    """One schema for all tests: each empties it first."""
    schema = f"star_{next(_NUMBERS)}"
    session = connect(RedshiftSettings(**login(redshift, schema)))
    migrate(session, PLAN, Statements(schema))
    yield Logs(session, schema)
    session.close()


@pytest.fixture
def star(logs: Logs) -> Logs:
    logs.empty()
    return logs


def change(offset: int, hour: int, state: str | None = "PA", **more) -> Change:
    usual = {"event_id": f"e{offset}", "source_seq": offset, "link": 7}
    return Change(offset=offset, hour=hour, state=state, **(usual | more))


def fill(offset: int, hour: int, **more) -> Fill:
    usual = {"event_id": f"f{offset}", "source_seq": offset, "fill_key": 70, "link": 7}
    return Fill(offset=offset, hour=hour, **(usual | more))


CHANGES = st.builds(
    Change,
    offset=st.just(0),
    event_id=st.sampled_from("abc"),
    source_seq=st.integers(0, 2),
    hour=st.integers(0, 5),
    link=st.sampled_from([1, 2, 3, None]),
    op=st.sampled_from(["UPSERT", "UPSERT", "UPSERT", "MERGE", "DELETE", "ERASE"]),
    state=st.sampled_from(["PA", "NY", "", None]),
    active=st.sampled_from([True, False, None]),
    phone=st.sampled_from(["1", "2", None]),
)
FILLED = st.builds(
    Fill,
    offset=st.just(0),
    event_id=st.sampled_from("abc"),
    source_seq=st.integers(0, 2),
    hour=st.integers(-1, 6),
    fill_key=st.sampled_from([10, 20, None]),
    link=st.sampled_from([1, 2, 3, 4, None]),
    event_type=st.sampled_from(["RECEIVED", "FILLED", "READY", "NOISE"]),
    store=st.sampled_from(["s1", "s2", None]),
    quantity=st.integers(0, 3),
)
KEPT = st.builds(
    Store,
    offset=st.just(0),
    hour=st.integers(0, 3),
    store=st.sampled_from(["s1", "s2"]),
    name=st.sampled_from(["x", "y"]),
)


@st.composite
def arrivals(draw) -> list[list[Row]]:
    """Loads of a history: some rows twice, in any order, split anywhere."""
    rows: list[Row] = draw(st.lists(st.one_of(CHANGES, FILLED, KEPT), min_size=1, max_size=14))
    again = draw(st.lists(st.sampled_from(rows), max_size=3))
    placed = [replace(row, offset=n) for n, row in enumerate([*rows, *again])]
    shuffled = draw(st.permutations(placed))
    cuts = sorted(draw(st.sets(st.integers(1, len(shuffled)), max_size=4)))
    return [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)]) if a < b]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(loads=arrivals())
def test_any_order_split_and_duplication_give_what_plain_python_tells(star, loads):
    star.empty()
    for rows in loads:
        star.load(rows)
    assert star.found() == told([row for rows in loads for row in rows])
    assert breaches(star) == []


class TestVersions:
    def test_a_late_version_splits_the_interval_and_binds_facts_anew(self, star):
        star.load([change(0, 0, "PA"), change(1, 8, "NY"), fill(0, 5)])
        assert star.found()["fact_fill"][0][-1] == version(7, 0)
        star.load([change(2, 4, "NJ")])
        assert star.found()["fact_fill"][0][-1] == version(7, 4)
        spans = [(row[2], row[3]) for row in star.found()["dim_patient"] if row[0] == version(7, 4)]
        assert spans == [(at(4), at(8))]

    def test_a_version_that_said_nothing_new_counts_once_another_comes_between(self, star):
        star.load([change(0, 0, "PA"), change(1, 8, "PA")])
        assert len(star.found()["dim_patient"]) == 2
        star.load([change(2, 4, "NY")])
        assert [row[7] for row in sorted(star.found()["dim_patient"], key=lambda r: r[2])] == [
            None,
            "PA",
            "NY",
            "PA",
        ]

    def test_an_early_fact_gets_an_inferred_member_until_the_patient_comes(self, star):
        star.load([fill(0, 5)])
        assert star.found()["fact_fill"][0][-1] == 7
        assert [row[5] for row in star.found()["dim_patient"]] == [True]
        star.load([change(0, 3)])
        assert star.found()["fact_fill"][0][-1] == version(7, 3)

    def test_a_chart_that_is_deleted_says_nothing_from_then_on(self, star):
        star.load([change(0, 0), change(1, 5, "PA", op="DELETE")])
        current = next(row for row in star.found()["dim_patient"] if row[4])
        assert current[6:9] == ("DELETE", None, None)

    def test_an_erased_chart_has_no_version_before_and_its_facts_are_of_the_inferred_one(
        self, star
    ):
        star.load([change(0, 0), fill(0, 3)])
        star.load([change(1, 5, op="ERASE")])
        assert {row[0] for row in star.found()["dim_patient"]} == {7, version(7, 5)}
        assert star.found()["fact_fill"][0][-1] == 7


def test_the_calendar_has_each_day_once(star):
    columns = "calendar_date, calendar_quarter, iso_week, month_name, day_name, is_weekend"
    table = star.statements.table("dim_date")
    found = star.session.query(f"SELECT {columns} FROM {table} ORDER BY calendar_date")
    assert [tuple(map(str, row)) for row in found] == [
        ("2024-02-27", "1", "9", "Feb", "Tue", "False"),
        ("2024-02-28", "1", "9", "Feb", "Wed", "False"),
        ("2024-02-29", "1", "9", "Feb", "Thu", "False"),
        ("2024-03-01", "1", "9", "Mar", "Fri", "False"),
        ("2024-03-02", "1", "9", "Mar", "Sat", "True"),
    ]


class TestProof:
    def test_a_row_that_was_changed_by_hand_is_found(self, star):
        star.load([change(0, 0), fill(0, 3)])
        table = star.statements.table("fact_fill")
        star.session.execute(f"UPDATE {table} SET quantity = 9")
        assert len(breaches(star)) == 2

    def test_a_row_that_is_there_twice_is_found(self, star):
        star.load([change(0, 0), fill(0, 3)])
        table = star.statements.table("dim_patient")
        star.session.execute(f"INSERT INTO {table} SELECT * FROM {table} WHERE is_current")
        assert breaches(star) == ["dim_patient: 1 rows are there twice"]


def breaches(star: Logs) -> list[str]:
    with star.session.transaction():
        proofs = list(verify_star(star.session, star.statements, PLAN.star))
    return [breach.what for proof in proofs for breach in proof.breaches]
