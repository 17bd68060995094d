"""References as expressions see them."""

import pickle

import pyarrow as pa
import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.references.reference_lake import (
    COLUMNS,
    DATASET,
    ROOT,
    SCHEMAS,
    commit,
    day,
    rows,
)
from transforms.errors import ConfigurationError, StoreUnavailableError
from transforms.references import References, ReferenceSpec, loading, snapshot
from transforms.sql import Engine

SPECS = {
    "thing": ReferenceSpec(dataset=DATASET, key="code", lookup={"events": "what"}),
    "part": ReferenceSpec(dataset=DATASET, key="code", lookup={"orders": "what"}),
}
EVENTS = pa.table(
    {
        "what": ["a", "a", "b"],
        "event_time": pa.array([day(5), day(9), day(9)], pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def bucket(monkeypatch):
    made = FakeBucket()
    monkeypatch.setattr(loading, "ObjectStore", lambda root, _settings: made.store(root))
    return made


def references(**changed):
    return References(**{"specs": SPECS, "lake_root": ROOT, "schemas": SCHEMAS, **changed})


def prices(made, sql="thing.price", dataset="events"):
    engine = Engine()
    joins = made.view().joins(dataset, [engine.parse(sql)])
    return engine.select(EVENTS, {"price": sql}, joins).column("price").to_pylist()


def test_rows_see_the_committed_version_of_their_time(bucket):
    commit(bucket, rows(0, ("a", 1, 5), ("a", 2, 7)))
    assert prices(references()) == [1, 2, None]


def test_only_the_columns_that_are_named_are_joined(bucket):
    commit(bucket, rows(0, ("a", 1, 5)))
    (join,) = (
        references().view().joins("events", [Engine().parse("thing.PRICE > 1 AND what = 'a'")])
    )
    assert join.table.column_names == ["code", "price", "_from", "_until"]


def test_what_no_expression_names_is_not_loaded():
    # There is no store to read from.
    assert references().view().joins("events", [Engine().parse("what = 'a'")]) == []


def test_another_dataset_does_not_see_it(bucket):
    assert [join.name for join in references().declared("orders")] == ["part"]
    assert references().declared("nobody") == []


def test_without_rows_all_is_null_and_a_warning_is_logged_once(bucket, caplog):
    made = references()
    assert prices(made) == [None, None, None]
    assert prices(made) == [None, None, None]
    assert len(caplog.records) == 1
    assert DATASET in caplog.text


def test_a_snapshot_pins_what_is_seen(bucket):
    commit(bucket, rows(0, ("a", 1, 5)))
    pinned = snapshot(bucket.store(), [DATASET])
    commit(bucket, rows(1, ("a", 2, 6)))
    assert prices(references(pinned=pinned)) == [1, 1, None]
    assert prices(references()) == [1, 2, None]
    assert references(pinned=pinned).view().version() != references().view().version()


def test_a_process_reads_the_rows_once(bucket, monkeypatch):
    commit(bucket, rows(0, ("a", 1, 5)))
    stores = []
    made = references()
    counted = lambda root, _s: stores.append(root) or bucket.store(root)  # noqa: E731
    monkeypatch.setattr(loading, "ObjectStore", counted)
    prices(made)
    prices(pickle.loads(pickle.dumps(made)))
    assert len(stores) == 1


def test_it_pickles_without_rows(bucket):
    commit(bucket, rows(0, *[(f"code {n}", n, 5) for n in range(500)]))
    made = references()
    before = len(pickle.dumps(made))
    prices(made)
    assert len(pickle.dumps(made)) == before


def test_an_outage_is_an_outage_and_the_next_try_loads(bucket, monkeypatch):
    commit(bucket, rows(0, ("a", 1, 5)))
    store = bucket.store(patience_s=1)
    store.fail(Fault.LOST_REQUEST, "get_object", times=50)
    monkeypatch.setattr(loading, "ObjectStore", lambda *_: store)
    made = references()
    with pytest.raises(StoreUnavailableError):
        prices(made)
    monkeypatch.setattr(loading, "ObjectStore", lambda root, _s: bucket.store(root))
    assert prices(made) == [1, 1, None]


def test_a_column_that_a_mask_dropped_is_named(bucket):
    table = rows(0, ("a", 1, 5))
    commit(bucket, table.drop_columns(["price"]))
    with pytest.raises(ConfigurationError, match=r"thing_ref has no column price.*thing\.price"):
        prices(references())


def test_a_key_that_a_mask_dropped_is_named(bucket):
    table = rows(0, ("a", 1, 5))
    commit(bucket, table.drop_columns(["code"]))
    with pytest.raises(ConfigurationError, match="no column code, by which it is looked up"):
        prices(references())


def test_columns_that_came_later_are_null_in_older_rows(bucket):
    old = rows(0, ("a", 1, 5)).drop_columns(["price"])
    commit(bucket, old)
    commit(bucket, rows(1, ("b", 2, 5)))
    assert prices(references()) == [None, None, 2]


def test_none_declared_means_nothing_to_load():
    made = References()
    assert made.view().joins("events", [Engine().parse("a")]) == []
    assert made.view().version() == ""


class TestDeclared:
    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"dataset": "nowhere"}, "nowhere, which is not known"),
            ({"key": "nothing"}, "column nothing, which thing_ref lacks"),
            ({"effective": "nothing"}, "column nothing, which thing_ref lacks"),
            ({"effective": "price"}, "price for its time, which is no timestamp"),
        ],
    )
    def test_what_is_not_there_is_named(self, change, fault):
        spec = ReferenceSpec(**{"dataset": DATASET, "key": "code", "lookup": {"e": "a"}, **change})
        with pytest.raises(ConfigurationError, match=fault):
            References({"thing": spec}, schemas={DATASET: COLUMNS}).declared("e")
