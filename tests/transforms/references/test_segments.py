"""Segments of a stream and references that are committed while it goes on."""

import pickle

import pytest

from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.quality.rows import DATASET as ORDERS
from tests.transforms.quality.rows import SCHEMAS as ORDERS_SCHEMAS
from tests.transforms.quality.rows import order, segment
from tests.transforms.quality.test_validate import rule, warnings
from tests.transforms.references.reference_lake import DATASET, OWNER, ROOT, SCHEMAS, commit, rows
from transforms.lake.names import PartitionId
from transforms.quality import RuleSet, ValidateConfig
from transforms.quality.transform import _ValidateFn
from transforms.references import References, ReferenceSpec, loading
from transforms.tables import DerivedColumns, MapTablesConfig
from transforms.tables.transform import _MapFn
from transforms.topics import TopicName

SPECS = {"thing": ReferenceSpec(dataset=DATASET, key="code", lookup={ORDERS: "text"})}
KNOWN = RuleSet(rules=(rule("W1", "warn", "thing.code IS NOT NULL"),), references=SPECS)
PRICE = DerivedColumns(
    dataset=ORDERS, expressions={"price": "thing.price"}, classes={"price": "NONE"}
)
#: So that each segment finds the last look long overdue, begins one, and waits for it.
AT_ONCE_S = 1e-9


@pytest.fixture
def bucket(monkeypatch):
    made = FakeBucket()
    monkeypatch.setattr(loading, "ObjectStore", lambda root, _settings: made.store(root))
    commit(made, rows(0, ("1", 10, 5)))
    return made


def references(refresh_s=AT_ONCE_S):
    return References(
        SPECS,
        lake_root=ROOT,
        schemas={**SCHEMAS, **ORDERS_SCHEMAS},
        refresh_s=refresh_s,
        topics=TopicName(topic=OWNER.topic),
    )


def steps(held):
    """The worker's side of both steps that look up references, as one stage has them."""
    made = (
        _ValidateFn(ValidateConfig(rules=KNOWN, references=held)),
        _MapFn(MapTablesConfig(steps=[PRICE], references=held)),
    )
    pair = pickle.loads(pickle.dumps(made))
    for step in pair:
        step.setup()
    return pair


def through(step, given):
    (made,) = step.process(given)
    assert made.failure is None
    return made


def test_what_is_committed_between_two_segments_counts_for_the_second(bucket):
    judge, derive = steps(references())
    before = through(derive, through(judge, segment([order(0, text="2")])))
    commit(bucket, rows(1, ("2", 20, 5)))
    after = through(derive, through(judge, segment([order(1, text="2")])))
    assert [warnings(before), warnings(after)] == [["W1"], [None]]
    prices = [made.rows[ORDERS].column("price").to_pylist() for made in (before, after)]
    assert prices == [[None], [20]]
    assert before.versions["references"] != after.versions["references"]


def test_a_partition_that_the_references_gain_counts_too(bucket):
    judge, _ = steps(references())
    assert warnings(through(judge, segment([order(0, text="2")]))) == ["W1"]
    commit(bucket, rows(0, ("2", 20, 5)), PartitionId(OWNER.topic, OWNER.topic_id, 1))
    assert warnings(through(judge, segment([order(1, text="2")]))) == [None]


def test_all_steps_of_a_segment_see_the_same(bucket):
    judge, derive = steps(references())
    first = through(judge, segment([order(0, text="2")]))
    commit(bucket, rows(1, ("2", 20, 5)))
    second = through(judge, segment([order(1, text="2")]))  # Of another thread, in between.
    made = through(derive, first)
    assert made.rows[ORDERS].column("price").to_pylist() == [None]
    assert made.versions["references"] == first.versions["references"]
    assert second.versions["references"] != first.versions["references"]


def test_where_steps_saw_different_ones_the_commit_names_both(bucket):
    judge, _ = steps(references())
    first = through(judge, segment([order(0, text="2")]))
    commit(bucket, rows(1, ("2", 20, 5)))
    _, apart = steps(references())
    made = through(apart, first)
    assert made.versions["references"] == first.versions["references"]
    assert made.versions["references.tables"] not in ("", first.versions["references"])


def test_in_a_drain_they_stay_as_they_were(bucket):
    judge, _ = steps(references(refresh_s=0.0))
    before = through(judge, segment([order(0, text="2")]))
    commit(bucket, rows(1, ("2", 20, 5)))
    after = through(judge, segment([order(1, text="2")]))
    assert warnings(before) == warnings(after) == ["W1"]
    assert before.versions == after.versions


def test_an_outage_of_s3_stops_no_segment(bucket, monkeypatch):
    store = bucket.store(patience_s=1)
    monkeypatch.setattr(loading, "ObjectStore", lambda *_: store)
    judge, _ = steps(references())
    before = through(judge, segment([order(0, text="2")]))
    commit(bucket, rows(1, ("2", 20, 5)))
    store.fail(Fault.LOST_REQUEST, "list_objects_v2", times=10**6)
    store.fail(Fault.LOST_REQUEST, "get_object", times=10**6)
    during = through(judge, segment([order(1, text="2")]))
    assert warnings(during) == ["W1"]
    assert during.versions == before.versions
