"""Evaluating expressions over whole tables."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.errors import ConfigurationError
from transforms.sql import Engine, EvaluationError, Function, Join
from transforms.sql.engine import ROW_NUMBER

SECRET = "Zweig-4711"


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def table(**columns):
    return pa.table(columns)


def sizes(**changed) -> Join:
    """Versions of two keys: ``a`` is 1 from the 1st, 2 from the 10th; ``b`` is 9 from the 5th."""
    values = {
        "key": ["a", "a", "b"],
        "size": [1, 2, 9],
        "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        "_from": pa.array([day(1), day(10), day(5)], pa.timestamp("us", "UTC")),
        "_until": pa.array([day(10), day(31), day(31)], pa.timestamp("us", "UTC")),
    }
    settings = {"name": "ref", "key": "key", "on": "k", "at": "ts", **changed}
    return Join(table=pa.table(values), **settings)


def looked_up(*pairs):
    keys, days = zip(*pairs, strict=True)
    stamps = pa.array([day(d) for d in days], pa.timestamp("us", "UTC"))
    return table(k=list(keys), ts=stamps)


class TestSelect:
    def test_rows_keep_their_order(self):
        made = Engine().select(table(a=list(range(5000))), {"b": "a + 1"})
        assert made.column("b").to_pylist() == list(range(1, 5001))

    def test_where_keeps_rows_and_sees_the_results_and_the_row_numbers(self):
        made = Engine().select(
            table(a=[5, 6, 7]), {"n": ROW_NUMBER, "v": "a % 2 = 0"}, where="v IS NOT TRUE"
        )
        assert made.to_pydict() == {"n": [0, 2], "v": [False, False]}

    def test_a_comment_in_an_expression_does_no_harm(self):
        assert Engine().select(table(a=[1]), {"b": "a -- c", "d": "a"}).to_pydict() == {
            "b": [1],
            "d": [1],
        }

    def test_names_with_quotes_and_blanks_are_columns_too(self):
        made = Engine().select(table(**{'a "b"': [1]}), {'c "d"': '"a ""b""" + 1'})
        assert made.to_pydict() == {'c "d"': [2]}

    def test_enums_and_lists_of_the_decoder_are_values(self):
        rows = table(
            e=pa.array(["A", "B"]).dictionary_encode(), l=pa.array([["x"], []], pa.list_(pa.utf8()))
        )
        made = Engine().select(rows, {"e": "e IN ('A', 'C')", "l": "len(l) > 0"})
        assert made.to_pydict() == {"e": [True, False], "l": [True, False]}

    def test_a_failing_row_is_an_error_without_its_value(self):
        with pytest.raises(EvaluationError) as caught:
            Engine().select(table(a=["1", SECRET]), {"b": "CAST(a AS INTEGER)"})
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None

    def test_times_are_utc(self):
        made = Engine().select(looked_up(("a", 2)), {"h": "hour(ts)"})
        assert made.column("h").to_pylist() == [0]


class TestBind:
    def test_the_type_is_told(self):
        schema = pa.schema([("a", pa.int64())])
        assert Engine().bind("a > 1", schema) == pa.bool_()
        assert Engine().bind("a", schema) == pa.int64()

    @pytest.mark.parametrize("sql", ["b > 1", "ref.nothing", "a.b", "current_timestamp > ts", "e"])
    def test_names_that_are_no_columns_are_refused(self, sql):
        schema = pa.schema([("a", pa.int64()), ("ts", pa.timestamp("us", "UTC"))])
        with pytest.raises(ConfigurationError):
            Engine().bind(sql, schema)

    def test_types_that_do_not_fit_are_refused(self):
        with pytest.raises(ConfigurationError, match="doesn't fit"):
            Engine().bind("a > ts", pa.schema([("a", pa.int64()), ("ts", pa.date32())]))

    def test_names_are_the_same_in_any_case(self):
        assert Engine().bind("A > 1", pa.schema([("a", pa.int64())])) == pa.bool_()


class TestJoin:
    def test_a_row_sees_the_version_of_its_time_and_null_where_there_is_none(self):
        rows = looked_up(("a", 1), ("a", 9), ("a", 10), ("b", 4), ("b", 5), ("c", 5), (None, 5))
        made = Engine().select(rows, {"s": "ref.size", "k": "ref.kind = 'x'"}, [sizes()])
        assert made.to_pydict() == {
            "s": [1, 1, 2, None, 9, None, None],
            "k": [True, True, False, None, True, None, None],
        }

    def test_a_reference_without_rows_gives_nulls(self):
        join = sizes()
        empty = Join(name="ref", table=join.table.slice(0, 0), key="key", on="k", at="ts")
        made = Engine().select(looked_up(("a", 1)), {"s": "ref.size IS NULL"}, [empty])
        assert made.column("s").to_pylist() == [True]

    def test_a_column_of_the_rows_may_have_a_name_of_the_reference(self):
        rows = looked_up(("a", 1)).append_column("size", pa.array([7]))
        made = Engine().select(rows, {"s": "size", "r": "ref.size"}, [sizes()])
        assert made.to_pydict() == {"s": [7], "r": [1]}

    def test_where_the_key_can_not_be_made_nothing_is_found(self):
        join = sizes(on="CASE WHEN k = 'b' THEN CAST(CAST(k AS INTEGER) AS VARCHAR) ELSE k END")
        made = Engine().select(looked_up(("a", 1), ("b", 6)), {"s": "ref.size"}, [join])
        assert made.column("s").to_pylist() == [1, None]

    def test_two_references_are_looked_up_side_by_side(self):
        other = sizes(name="other", on="upper(k)")
        made = Engine().select(
            looked_up(("a", 1)), {"s": "ref.size", "o": "other.size"}, [sizes(), other]
        )
        assert made.to_pydict() == {"s": [1], "o": [None]}

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 30)), min_size=1))
    def test_a_lookup_is_what_a_loop_finds(self, pairs):
        versions = sizes().table.to_pylist()
        expected = [
            next(
                (
                    v["size"]
                    for v in versions
                    if v["key"] == k and v["_from"] <= day(d) < v["_until"]
                ),
                None,
            )
            for k, d in pairs
        ]
        made = Engine().select(looked_up(*pairs), {"s": "ref.size"}, [sizes()])
        assert made.column("s").to_pylist() == expected


class TestGroup:
    def test_groups_are_in_the_order_of_their_keys(self):
        made = Engine().group(table(a=[2, 1, 2]), {"k": "a"}, {"n": "count(*)"})
        assert made.to_pydict() == {"k": [1, 2], "n": [1, 2]}

    def test_without_keys_there_is_one_group(self):
        made = Engine().group(table(a=[2, 1]), {}, {"s": "sum(a)"}, where="a > 1")
        assert made.column("s").to_pylist() == [2]


class TestShutOff:
    @pytest.mark.parametrize("sql", ["'/etc/passwd'", "'s3://b/k'"])
    def test_files_can_not_be_read_whatever_the_query(self, sql):
        with pytest.raises(EvaluationError):
            Engine().group(table(a=[1]), {}, {"t": f"(SELECT count(*) FROM read_text({sql}))"})


class TestFunctions:
    def doubled(self, values):
        self.seen.append(len(values))
        return pc.multiply(pc.utf8_length(values), 2).cast(pa.int64())

    def engine(self):
        self.seen: list[int] = []
        function = Function(
            name="doubled", call=self.doubled, takes=("VARCHAR",), gives="BIGINT", doc="Doubles."
        )
        return Engine([function])

    def test_a_function_of_ours_is_called_once_with_the_distinct_values(self):
        engine, rows = self.engine(), table(a=["x", "yy", None] * 3000)
        made = engine.select(rows, {"b": "doubled(a)", "c": "doubled(A) + doubled(a)"})
        assert made.slice(0, 3).to_pydict() == {"b": [2, 4, None], "c": [4, 8, None]}
        assert sum(self.seen) <= 3

    def test_it_may_take_what_is_no_plain_column(self):
        made = self.engine().select(table(a=["x"]), {"b": "doubled(a || a)"})
        assert made.column("b").to_pylist() == [4]

    def test_it_may_stand_in_the_key_of_a_reference(self):
        join = sizes(on="CASE WHEN doubled(k) = 2 THEN k END")
        made = self.engine().select(looked_up(("a", 1), ("bb", 6)), {"s": "ref.size"}, [join])
        assert made.column("s").to_pylist() == [1, None]

    def test_it_binds_with_its_type(self):
        assert self.engine().bind("doubled(a)", pa.schema([("a", pa.utf8())])) == pa.int64()


@pytest.mark.parametrize("unit", ["s", "ms"])
def test_a_time_beyond_all_calendars_fails_no_row(unit):
    values = [1_700_000_000, None, 2**62, -(2**62)]
    times = pa.array(values, pa.int64()).cast(pa.timestamp(unit, "UTC"))
    made = Engine().select(
        table(ts=times), {"late": "ts > TIMESTAMPTZ '2000-01-01'", "kept": "ts IS NOT NULL"}
    )
    assert made.column("late").to_pylist() == [unit == "s", None, True, False]
    assert made.column("kept").to_pylist() == [True, False, True, True]


def test_rows_never_lie_on_a_disk():
    settings = (
        Engine()
        ._connection.execute(
            "SELECT current_setting('temp_directory'), current_setting('enable_external_access')"
        )
        .fetchone()
    )
    assert settings == ("", False)
