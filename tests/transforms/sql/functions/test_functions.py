"""The list of functions, in an engine."""

import pyarrow as pa
import pytest

from tests.transforms.sql.functions.texts import strings
from transforms.sql import Engine
from transforms.sql.functions import FUNCTIONS

TYPES = {"BOOLEAN": pa.bool_(), "VARCHAR": pa.string(), "BIGINT": pa.int64()}
RIGHT = {
    "dea_second_letter": (["AB1234563"], "B"),
    "epc_gtin": (["urn:epc:id:sgtin:0614141.812345.6789"], "80614141123458"),
    "epc_serial": (["urn:epc:id:sgtin:0614141.812345.6789"], "6789"),
    "gtin_fits_ndc": (["00300028215012", "0002-8215-01"], True),
    "gtin_ndc10": (["00300028215012"], "0002821501"),
    "is_dea": (["AB1234563"], True),
    "is_gs1_serial": (["A1"], True),
    "is_gtin": (["00300028215012"], True),
    "is_npi": (["1234567893"], True),
    "ndc11": (["0002-8215-01"], "00002821501"),
    "ndc12": (["0002-8215-01"], "000002821501"),
    "utf8_bytes": (["Zoë"], 4),
    "zip_in_state": (["10001", "NY"], True),
}


@pytest.fixture(scope="module")
def engine():
    return Engine(FUNCTIONS)


def test_every_function_is_tried_here():
    assert sorted(RIGHT) == [function.name for function in FUNCTIONS]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
class TestFunctions:
    def test_an_expression_may_call_it(self, engine, function):
        values, answer = RIGHT[function.name]
        # More rows than DuckDB passes at once, with wrong texts and nulls among them.
        columns = {f"c{n}": strings(*[value, None, "é"] * 1_000) for n, value in enumerate(values)}
        sql = f"{function.name}({', '.join(columns)})"
        made = engine.select(pa.table(columns), {"value": sql}).column("value")
        assert made.type == TYPES[function.gives]
        assert made.to_pylist()[::3] == [answer] * 1_000
        assert made.to_pylist()[1::3] == [None] * 1_000

    def test_nulls_and_no_rows_are_no_trouble(self, engine, function):
        columns = {f"c{n}": pa.nulls(3, pa.string()) for n in range(len(function.takes))}
        sql = f"{function.name}({', '.join(columns)})"
        made = engine.select(pa.table(columns), {"value": sql})
        assert made.column("value").to_pylist() == [None] * 3
        assert engine.bind(sql, pa.table(columns).schema) == TYPES[function.gives]

    def test_it_says_what_it_tells_and_where_that_comes_from(self, engine, function):
        assert function.doc.endswith(".")
        assert "Source: " in function.call.__doc__
