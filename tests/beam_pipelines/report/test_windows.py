"""Reading the totals of a lake's aggregates."""

from datetime import timedelta

import pytest

from beam_pipelines.report.gathering import gather
from beam_pipelines.report.period import Period
from beam_pipelines.report.windows import WindowFacts
from tests.beam_pipelines.report.lakes import (
    DAYS,
    EVERY,
    MIDNIGHT,
    SALES,
    UNITS,
    WAITS,
    lake_with,
    rows,
)
from tests.fakes.lake import DAY_MS, LAYOUTS, FakeLake, segment
from transforms.lake.writer import SegmentWriter
from transforms.windows import AggregateWindows, spec

MORNING = [(8 + n / 60, "a", n) for n in range(40)]
EVENING = [(20 + n / 60, "b", n) for n in range(30)]


@pytest.fixture
def lake() -> FakeLake:
    return lake_with(MORNING, EVENING)


def counted(facts: WindowFacts) -> dict:
    return {
        (row["window_start"] - MIDNIGHT, row["store"]): row["rows"]
        for row in facts.partials.to_pylist()
    }


def test_all_aggregates_are_found_with_what_they_mean(lake):
    found = gather(lake.store).windows
    assert [each.name for each in found] == sorted(each.name for each in EVERY)
    assert [each.aggregate for each in found] == [SALES, DAYS, UNITS, WAITS]
    assert [each.problem for each in found] == [""] * 4


def test_totals_are_those_of_all_commits(lake):
    sales = gather(lake.store).windows[0]
    assert counted(sales) == {(timedelta(hours=8), "a"): 40, (timedelta(hours=20), "b"): 30}


def test_windows_are_chosen_by_their_start(lake):
    day = DAY_MS
    until = gather(lake.store, Period(since=day, until=day + 12 * 3_600_000)).windows[0]
    assert counted(until) == {(timedelta(hours=8), "a"): 40}


def test_each_sidecar_is_read_once(lake):
    store = lake.bucket.store()
    gather(store)
    sidecars = [key for name, key in store.keys if name == "get_object" and "_sidecar" in key]
    assert len(sidecars) == len(set(sidecars)) == 2


def test_an_aggregate_that_was_changed_has_a_problem_and_the_others_dont(lake):
    changed = SALES.model_copy(update={"where": "quantity > 3"})
    writer = SegmentWriter(LAYOUTS, [AggregateWindows(changed)], "test/1")
    writer.write(lake.lane(), rows(EVENING, start=70))
    by_name = {each.name: each for each in gather(lake.store).windows}
    assert "don't all mean the same" in by_name["sales_per_store"].problem
    assert by_name["units_per_store"].problem == ""


def test_partials_of_a_newer_format_are_a_problem_of_their_own(lake, monkeypatch):
    monkeypatch.setattr(spec, "PARTIALS_FORMAT", 2)
    newer = SALES.model_copy(update={"name": "newer"})
    SegmentWriter(LAYOUTS, [AggregateWindows(newer)], "test/1").write(
        lake.lane(), rows(EVENING, start=70)
    )
    monkeypatch.undo()
    found = gather(lake.store).windows
    assert {each.name: each.problem.split(".")[0] for each in found if each.problem} == {
        "newer": "partials have the format 2"
    }


def test_a_lake_without_aggregates_has_none():
    lake = FakeLake()
    lake.write(segment(0, 5, dead=[1]))
    assert gather(lake.store).windows == []
