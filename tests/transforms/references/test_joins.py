"""Lookups against the rows that make them."""

import pyarrow as pa
import pytest

from tests.transforms.references.reference_lake import DATASET, SCHEMAS
from transforms.errors import ConfigurationError
from transforms.references import ReferenceSpec, check_lookups, declared_joins
from transforms.references.joins import needed_columns
from transforms.sql import Engine

ROWS = pa.schema(
    [("what", pa.string()), ("event_time", pa.timestamp("us", "UTC")), ("on_day", pa.date32())]
)


def checked(name="thing", lookup="what", at="event_time"):
    spec = ReferenceSpec(dataset=DATASET, key="code", lookup={"e": lookup}, at={"e": at})
    check_lookups(Engine(), declared_joins({name: spec}, "e", SCHEMAS), ROWS)


def test_a_lookup_that_fits_passes():
    checked()
    checked(lookup="upper(what)", at="CAST(on_day AS TIMESTAMPTZ)")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"name": "what"}, "has the name of a column"),
        ({"lookup": "nothing"}, "nothing, which is no column"),
        ({"at": "on_day"}, "which is date32"),
        ({"at": "CAST(on_day AS TIMESTAMP)"}, "which is timestamp"),
        ({"at": "now()"}, "the function now"),
    ],
)
def test_a_lookup_that_does_not_fit_is_refused(change, fault):
    with pytest.raises(ConfigurationError, match=fault):
        checked(**change)


def test_needed_columns_are_told_by_their_first_part():
    parse = Engine().parse
    needed = needed_columns([parse("Drug.Size > a"), parse("drug.kind = 'x' AND drug IS NULL")])
    assert needed == {"drug": {"size", "kind"}, "a": set()}
