"""Tables of partials of the packaged aggregates."""

import pickle

import pytest

from beam_pipelines.pharmacy.chain import make_chain
from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.warehouse.plan import load_plan
from transforms.redshift import LoadPlan


@pytest.fixture(scope="module")
def plan() -> LoadPlan:
    return load_plan(load_config(None))


def test_each_aggregate_has_a_table_and_a_view_of_its_own_name(plan):
    declared = {each.name: each for each in load_config(None).aggregates}
    assert [each.aggregate for each in plan.partials] == list(declared)
    for each in plan.partials:
        assert each.table == f"agg_{each.aggregate}"
        assert each.definition == declared[each.aggregate].digest
        assert plan.views[each.aggregate] == each.view()


def test_its_columns_are_those_that_the_sink_derives_but_for_sketches(plan):
    chain = make_chain(load_config(None))
    for each, derived in zip(plan.partials, chain.aggregates, strict=True):
        wanted = derived.partials_schema(chain.schemas[derived.aggregate.dataset])
        sketches = {n for n, m in derived.aggregate.measures.items() if m.kind == "quantiles"}
        assert set(each.schema.names) == set(wanted.names) - sketches
        assert all(each.schema.field(name) == wanted.field(name) for name in each.schema.names)


def test_a_dimension_is_as_long_as_the_column_that_it_is_of(plan):
    kinds = {c.name: c.type for raw in plan.tables for c in raw.columns if "dispense" in raw.table}
    for each in plan.partials:
        found = {column.name: column.type for column in each.columns}
        assert all(found[name] == kinds[name] for name in each.keys if name in kinds)


def test_a_plan_travels_to_workers(plan):
    assert pickle.loads(pickle.dumps(plan)) == plan
