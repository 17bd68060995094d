"""``MapTables`` as a step of a pipeline."""

import pickle

from tests.transforms.segments import DATASET, segment
from tests.transforms.tables import steps
from transforms.errors import ConfigurationError, RefusedError
from transforms.tables import DerivedColumns, MapTables, MapTablesConfig, TableFunction
from transforms.tables.transform import _MapFn, added_columns

LENGTH = TableFunction(
    dataset=DATASET, function=steps.with_length, version="1", columns={"length": "NONE"}
)
EVEN = TableFunction(dataset=DATASET, function=steps.only_even, version="1")
LOSING = TableFunction(dataset=DATASET, function=steps.losing, version="1")
LONGER = DerivedColumns(
    dataset=DATASET, expressions={"longer": "length + 1"}, classes={"longer": "Q:date"}
)


def mapped(*listed, of=None):
    step = pickle.loads(pickle.dumps(_MapFn(MapTablesConfig(steps=listed))))
    step.setup()
    (made,) = step.process(of or segment(0, 6))
    return made


def test_steps_see_what_the_steps_before_them_made():
    made = mapped(LENGTH, EVEN, LONGER)
    made.check()
    assert made.rows[DATASET].column("longer").to_pylist() == [6, 6, 6]
    assert made.disposed.column("offset").to_pylist() == [1, 3, 5]
    assert set(made.disposed.column("disposition").to_pylist()) == {"filtered"}
    assert set(made.disposed.column("reason").to_pylist()) == {"odd"}


def test_a_function_that_loses_messages_stops_the_partition_and_quarantines_nothing():
    made = mapped(LENGTH, LOSING)
    assert isinstance(made.failure, RefusedError)
    assert "loses 3 of 6 messages" in str(made.failure)
    assert made.disposed.num_rows == 0


def test_the_commit_names_the_version_of_the_steps():
    assert mapped(LENGTH).versions.keys() == {f"tables.{DATASET}"}
    assert mapped(LENGTH).versions != mapped(LENGTH, EVEN).versions


def test_a_dataset_without_steps_passes_untouched():
    other = DerivedColumns(dataset="another", expressions={"a": "1"}, classes={"a": "NONE"})
    whole = segment(0, 3)
    assert mapped(other, of=whole).rows[DATASET] is whole.rows[DATASET]


def test_new_columns_are_told_with_their_classes():
    config = MapTablesConfig(steps=[LENGTH, LONGER])
    assert added_columns(config) == {DATASET: {"length": "NONE", "longer": "Q:date"}}
    assert MapTables(config).display_data() == {DATASET: "length, longer"}


def test_an_impure_expression_stops_the_partition():
    bad = DerivedColumns(dataset=DATASET, expressions={"a": "now()"}, classes={"a": "NONE"})
    made = mapped(bad)
    assert isinstance(made.failure, ConfigurationError)
    assert "function now" in str(made.failure)
