from datetime import datetime, timedelta

import pytest

from tests.fakes.lake import MIDNIGHT, FakeLake, writer
from tests.fakes.lake import segment as order_segment
from tests.transforms.windows.orders import ORDERS
from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.windows import Aggregate, AggregateWindows, merge_totals, totals


@pytest.fixture
def lake(monkeypatch) -> FakeLake:
    made = FakeLake({0: 0, 1: 0})
    monkeypatch.setattr(totals, "ObjectStore", lambda root, _settings: made.bucket.store(root))
    return made


def write(lake: FakeLake, *segments, aggregate: Aggregate | None = ORDERS) -> None:
    derived = (AggregateWindows(aggregate),) if aggregate else ()
    for each in segments:
        writer(*derived).write(lake.lane(each.partition), each)


def read(lake, **options):
    return merge_totals(lake.store.root, "orders", **options).to_pylist()


class TestTotals:
    def test_all_commits_of_all_partitions_are_in_them(self, lake):
        write(lake, order_segment(0, 50), order_segment(50, 70), order_segment(0, 30, partition=1))
        # Every 100th offset is of the day before: a late row, in its own window.
        assert [
            (r["window_start"], r["_partition"], r["orders"], r["each"]) for r in read(lake)
        ] == [
            (MIDNIGHT - timedelta(days=1), 0, 1, 1),
            (MIDNIGHT - timedelta(days=1), 1, 1, 1),
            (MIDNIGHT, 0, 69, 69),
            (MIDNIGHT, 1, 29, 29),
        ]

    def test_a_replay_never_counts_twice(self, lake):
        write(lake, order_segment(0, 50), order_segment(0, 50), order_segment(30, 70))
        assert sum(row["orders"] for row in read(lake)) == 70

    def test_what_is_not_accepted_does_not_count(self, lake):
        write(lake, order_segment(0, 50, dead=[7], filtered=[8, 9]))
        assert sum(row["orders"] for row in read(lake)) == 47

    def test_any_cut_gives_the_same(self, lake, monkeypatch):
        monkeypatch.setattr(totals, "_BATCH", 3)
        write(lake, *(order_segment(n, n + 10) for n in range(0, 100, 10)))
        cut = read(lake)
        other = FakeLake({0: 0})
        write(other, order_segment(0, 100))
        monkeypatch.setattr(totals, "ObjectStore", lambda _root, _settings: other.store)
        assert read(other) == cut

    def test_commits_from_before_the_declaration_are_passed_over(self, lake):
        write(lake, order_segment(0, 50), aggregate=None)
        write(lake, order_segment(50, 70))
        assert [row["orders"] for row in read(lake)] == [20]

    def test_an_empty_segment_adds_nothing(self, lake):
        write(lake, order_segment(0, 5), order_segment(5, 9, holes=range(5, 9)))
        assert sum(row["orders"] for row in read(lake)) == 5

    def test_small_cells_are_hidden_on_request(self, lake):
        write(lake, order_segment(0, 50))
        assert [row["suppressed"] for row in read(lake, suppress_below=11)] == [True, False]


class TestBounds:
    def test_windows_that_start_within_are_given(self, lake):
        write(lake, order_segment(0, 50))
        before = MIDNIGHT - timedelta(days=1)
        assert [r["window_start"] for r in read(lake, since=MIDNIGHT)] == [MIDNIGHT]
        assert [r["window_start"] for r in read(lake, until=MIDNIGHT)] == [before]
        assert read(lake, since=MIDNIGHT + timedelta(seconds=1)) == []

    def test_a_bound_without_a_zone_is_refused(self, lake):
        write(lake, order_segment(0, 50))
        with pytest.raises(ConfigurationError, match="no zone"):
            read(lake, since=datetime(2026, 1, 1))


class TestRefusals:
    def test_a_name_that_nobody_declared(self, lake):
        write(lake, order_segment(0, 5), aggregate=None)
        with pytest.raises(ConfigurationError, match="'orders'"):
            read(lake)

    def test_a_declaration_that_was_changed(self, lake):
        changed = ORDERS.model_copy(update={"where": "_offset > 3"})
        write(lake, order_segment(0, 50))
        write(lake, order_segment(50, 70), aggregate=changed)
        with pytest.raises(ConfigurationError, match="new name"):
            read(lake)

    def test_a_place_without_a_lake(self, lake):
        with pytest.raises(LakeMismatchError):
            merge_totals("s3://bucket/nowhere", "orders")
