"""What an expression may say."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from transforms.errors import ConfigurationError
from transforms.sql import Expression

OWN = frozenset({"ndc11", "fits"})


class TestColumns:
    def test_names_of_rows_and_of_references_are_told_by_their_parts(self):
        parsed = Expression.parse("a > 1 AND drug.size = a")
        assert parsed.columns == {("a",), ("drug", "size")}

    def test_a_comment_at_the_end_swallows_nothing(self):
        assert Expression.parse("a > 1 -- why").columns == {("a",)}


class TestCalls:
    def test_calls_of_our_functions_on_plain_columns_have_their_place_in_the_text(self):
        sql = "NDC11(ndc) IS NULL OR fits(gtin, ndc)"
        calls = Expression.parse(f"  {sql} ", OWN).calls
        assert [sql[call.start : call.end] for call in calls] == ["NDC11(ndc)", "fits(gtin, ndc)"]
        assert [call.arguments for call in calls] == [("ndc",), ("gtin", "ndc")]

    @pytest.mark.parametrize(
        "sql",
        ["ndc11(drug.ndc)", "ndc11(lower(ndc))", "ndc11('1')", "lower(ndc)", "'é' = ndc11(a)"],
    )
    def test_others_are_left_where_they_are(self, sql):
        assert Expression.parse(sql, OWN).calls == ()


class TestRefusals:
    @pytest.mark.parametrize(
        ("sql", "fault"),
        [
            ("now() > ts", "the function now"),
            ("random() > 0.5", "the function random"),
            ("getenv('HOME') = 'x'", "the function getenv"),
            ("read_text('f') = 'x'", "the function read_text"),
            ("nextval('s') > 1", "the function nextval"),
            ("sum(a) > 1", "the function sum"),
            ("count(*)", "the function count"),
            ("unnest([1])", "the function unnest"),
            ("(SELECT 1)", "a subquery"),
            ("EXISTS (SELECT 1)", "a subquery"),
            ("row_number() OVER ()", "a window function"),
            ("*", "a star"),
            ("$1", "a parameter"),
            ("nobody(a)", "the function nobody"),
        ],
    )
    def test_what_depends_on_more_than_the_row_is_refused(self, sql, fault):
        with pytest.raises(ConfigurationError, match=fault):
            Expression.parse(sql)

    @pytest.mark.parametrize("sql", ["a)", "a b", "a; DROP TABLE t", "", "(", "1, 2", "a FROM t"])
    def test_what_is_not_one_expression_is_refused(self, sql):
        with pytest.raises(ConfigurationError, match="expression"):
            Expression.parse(sql)

    def test_brackets_can_not_be_used_to_break_out(self):
        with pytest.raises(ConfigurationError, match="more than one"):
            Expression.parse("a = 1), (2")

    def test_our_functions_must_be_told(self):
        with pytest.raises(ConfigurationError, match="ndc11"):
            Expression.parse("ndc11(a) IS NULL")
        assert Expression.parse("ndc11(a) IS NULL", OWN).sql == "ndc11(a) IS NULL"

    def test_the_place_of_a_syntax_error_counts_from_the_expression(self):
        with pytest.raises(ConfigurationError, match=r"character 3\)"):
            Expression.parse("a b")

    def test_time_arithmetic_in_the_fixed_zone_is_allowed(self):
        sql = "date_trunc('day', ts) <= ts - INTERVAL 5 MINUTE AND year(ts) > 2000"
        assert Expression.parse(sql).columns == {("ts",)}


def test_threads_that_parse_at_once_each_get_their_own_tree():
    # A worker of Flink has several threads; what one of them parses wrongly would stay cached.
    names = [f"column_{number}" for number in range(400)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        parsed = list(pool.map(lambda name: Expression.parse(f"{name} + 1"), names))
    assert [each.columns for each in parsed] == [frozenset({(name,)}) for name in names]
