import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from tests.oracle import Difference, Expected, Verdict, compare, compare_dispositions

WHEN = datetime.datetime(2026, 3, 16, 12, 0, 0, 5, datetime.UTC)


def row(offset: int, **changes) -> dict:
    values = {
        "_topic": "t", "_partition": 0, "_offset": offset, "_row": 0, "_timestamp": 1_000,
        "_schema_id": "2", "name": "a", "kind": "X", "amount": Decimal("1.50"), "at": WHEN,
        "day": datetime.date(2026, 3, 16), "codes": ["70"], "flag": True, "count": 1,
    }  # fmt: skip
    return values | changes


def expected() -> Expected:
    rows = {(0, n): row(n) for n in (0, 1, 3)}
    verdicts = {place: Verdict("accepted") for place in rows}
    verdicts[0, 2] = Verdict("dead_letter", "truncated")
    return Expected("t", rows, verdicts)


def lake(rows: list[dict]) -> pa.Table:
    """As the lake has it: dictionaries, timestamps, and a column of its own."""
    texts = {"_topic", "_schema_id", "kind"}
    columns = {}
    for name in rows[0]:
        column = pa.array([r[name] for r in rows])
        columns[name] = column.dictionary_encode() if name in texts else column
    columns["_timestamp"] = columns["_timestamp"].cast(pa.timestamp("ms", "UTC"))
    columns["_topic_id"] = pa.array(["abc"] * len(rows))
    return pa.table(columns)


def problems(rows: list[dict]) -> list[tuple[int, str]]:
    found = compare(lake(rows), expected())
    assert found == compare(
        [r | {"_timestamp": 1_000} for r in rows], expected()
    )  # tables and rows are judged alike
    return [(d.offset, d.problem) for d in found]


def test_equal_rows_in_another_order_do_not_differ():
    assert problems([row(3), row(0), row(1)]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "b"}, {"kind": "Y"}, {"amount": Decimal("1.51")}, {"name": None},
        {"at": WHEN + datetime.timedelta(microseconds=1)}, {"day": datetime.date(2026, 3, 17)},
        {"codes": []}, {"flag": False}, {"count": 2}, {"_schema_id": "3"}, {"_row": 1},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_changed_value_is_named_by_place_and_column(change):
    (name,) = change
    assert problems([row(0), row(1, **change), row(3)]) == [(1, f"column {name} differs")]


def test_a_missing_row_is_named():
    assert problems([row(0), row(3)]) == [(1, "is missing")]


def test_a_doubled_row_is_named():
    assert problems([row(0), row(1), row(1), row(3)]) == [(1, "is there twice")]


def test_a_row_of_a_dead_letter_or_of_no_message_is_named():
    assert problems([row(0), row(1), row(2), row(3), row(9)]) == [
        (2, "must not be there: dead_letter"),
        (9, "must not be there: no committed message"),
    ]


def test_columns_too_few_or_too_many_are_named():
    rows = [row(n) for n in (0, 1, 3)]
    fewer = [{k: v for k, v in r.items() if k != "flag"} for r in rows]
    assert problems(fewer) == [(-1, "column flag is missing")]
    assert problems([r | {"extra": 1} for r in rows]) == [(-1, "column extra is not expected")]


def test_an_empty_lake_lacks_every_row():
    assert [d.problem for d in compare([], expected())] == ["is missing"] * 3


def test_a_number_of_another_type_differs():
    assert problems([row(n, count=1.0) for n in (0, 1, 3)]) == [
        (n, "column count differs") for n in (0, 1, 3)
    ]


def test_dates_beyond_the_years_of_python_are_compared():
    far = Expected("t", {(0, 0): {"_partition": 0, "_offset": 0, "day": 5_000_000}}, {})
    table = pa.table(
        {
            "_partition": [0],
            "_offset": [0],
            "day": pa.array([5_000_000], pa.int32()).cast(pa.date32()),
        }
    )
    assert compare(table, far) == []


def test_dispositions_are_compared_by_place():
    right = {place: (v.disposition, v.code) for place, v in expected().verdicts.items()}
    assert compare_dispositions(right, expected()) == []
    wrong = {**right, (0, 2): ("filtered", "tombstone")}
    del wrong[0, 3]
    assert [(d.offset, d.topic) for d in compare_dispositions(wrong, expected())] == [
        (2, "t"),
        (3, "t"),
    ]


def test_differences_hold_no_values():
    assert compare([row(0, name="secret"), row(1), row(3)], expected()) == [
        Difference("t", 0, 0, "column name differs")
    ]
