"""References whose key is a link: events give it by their clear columns, before masks."""

import pickle
from functools import partial

import pyarrow as pa
import pytest

from tests.fakes.object_store import FakeBucket
from tests.transforms.references.reference_lake import COLUMNS, DATASET, ROOT, commit, day, rows
from transforms.errors import ConfigurationError
from transforms.identifiers import LINK_TYPE, LinkKeys, Links
from transforms.references import (
    References,
    ReferenceSpec,
    check_linked,
    declared_joins,
    link_functions,
    loading,
)
from transforms.sql import Engine

ROOT_KEY = "5a" * 32
KEYS = LinkKeys(ROOT_KEY, domain="shop")
SPEC = ReferenceSpec(
    dataset=DATASET, key="code_link", lookup={"e": {"entity": "code", "of": ["what"]}}
)
SCHEMAS = {DATASET: COLUMNS.append(pa.field("code_link", LINK_TYPE))}
EVENTS = pa.table(
    {
        "what": ["a", " A ", "b", "", None],
        "event_time": pa.array([day(9)] * 5, pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def bucket(monkeypatch):
    made = FakeBucket()
    monkeypatch.setattr(loading, "ObjectStore", lambda root, _settings: made.store(root))
    return made


def linked(table):
    links = Links(KEYS.of("code")).of([table.column("code").combine_chunks()])
    return table.append_column(pa.field("code_link", LINK_TYPE), links)


def prices(spec=SPEC, keys=KEYS, sql="thing.price"):
    made = References({"thing": spec}, lake_root=ROOT, schemas=SCHEMAS, link_keys=lambda: keys)
    engine = Engine(made.functions())
    joins = made.view().joins("e", [engine.parse(sql)])
    return engine.select(EVENTS, {"price": sql}, joins).column("price").to_pylist()


def test_rows_see_what_has_the_link_of_their_column_in_any_spelling(bucket):
    commit(bucket, linked(rows(0, ("a", 1, 5), (None, 7, 5), ("c", 3, 5))))
    assert prices() == [1, 1, None, None, None]


def test_links_by_another_key_find_nothing(bucket):
    commit(bucket, linked(rows(0, ("a", 1, 5))))
    assert prices(keys=LinkKeys("77" * 32, domain="shop")) == [None] * 5


def test_rows_that_have_no_links_yet_find_nothing_and_stop_nobody(bucket, caplog):
    commit(bucket, rows(0, ("a", 1, 5)))
    assert prices() == [None] * 5
    assert DATASET in caplog.text
    commit(bucket, linked(rows(1, ("b", 2, 5))))
    assert prices() == [None, None, 2, None, None]


def test_without_keys_it_is_refused_before_anything_is_looked_up():
    with pytest.raises(ConfigurationError, match="no keys of links"):
        References({"thing": SPEC}, schemas=SCHEMAS).functions()
    assert References({}).functions() == ()


def test_it_pickles_as_its_settings():
    made = References(
        {"thing": SPEC}, schemas=SCHEMAS, link_keys=partial(LinkKeys, None, domain="shop")
    )
    (function,) = pickle.loads(pickle.dumps(made)).functions()
    assert (function.name, function.takes, function.gives) == (
        "_link_thing",
        ("VARCHAR",),
        "BIGINT",
    )


class TestChecks:
    def test_a_key_that_is_no_link_is_refused(self):
        spec = SPEC.model_copy(update={"key": "code"})
        with pytest.raises(ConfigurationError, match="code for its key, which is no link"):
            declared_joins({"thing": spec}, "e", SCHEMAS)

    @pytest.mark.parametrize(
        ("columns", "reason"),
        [
            ({"other": pa.string()}, "the link of what, which e lacks"),
            ({"what": pa.int32()}, "the link of what, which is int32"),
        ],
    )
    def test_the_columns_must_be_texts_of_the_rows(self, columns, reason):
        with pytest.raises(ConfigurationError, match=reason):
            check_linked(SPEC, "e", pa.schema(list(columns.items())))

    def test_those_that_fit_pass(self):
        check_linked(SPEC, "e", EVENTS.schema)
        (join,) = declared_joins({"thing": SPEC}, "e", SCHEMAS)
        assert (
            Engine(link_functions({"thing": SPEC}, KEYS)).bind(join.on, EVENTS.schema) == LINK_TYPE
        )


class TestWhere:
    def spec(self, where):
        return SPEC.model_copy(update={"where": where})

    def test_only_the_rows_that_it_is_true_of_count(self, bucket):
        commit(bucket, linked(rows(0, ("a", 1, 5), ("a", 2, 6), ("a", None, 7), ("b", 3, 5))))
        assert prices(self.spec("price < 2"))[:3] == [1, 1, None]
        assert prices(self.spec("price <> 1"))[:3] == [2, 2, 3]
        assert prices()[:3] == [None, None, 3]

    def test_a_row_on_which_it_fails_does_not_count(self, bucket):
        commit(bucket, linked(rows(0, ("a", 1, 5), ("b", 2**62, 5))))
        assert prices(self.spec("price * 4 > 0"))[:3] == [1, 1, None]
