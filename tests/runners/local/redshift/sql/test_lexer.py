import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.local.redshift.sql.lexer import lex, split

# Pieces that meet at awkward places: openings without ends, nested comments, quotes in quotes.
PIECES = ["'", "''", '"', "$$", "$a$", "--", "\n", "/*", "*/", "#t", "E'", "\\", ";", "(", ")"]
PIECES += ["select", " ", "1.5e3", ".", "::", "é", "->", "$1", ",", "x"]
sql_text = st.lists(st.sampled_from(PIECES)).map("".join) | st.text()


@settings(max_examples=200)
@given(sql_text)
def test_no_character_is_lost(sql):
    assert "".join(token.text for token in lex(sql)) == sql


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("'it''s; -- no'", ["string"]),
        (r"E'it\'s'", ["string"]),
        ("$tag$ ; $$ ' $tag$", ["string"]),
        ('"a""b;"', ["quoted"]),
        ("/* a /* b */ ; */x", ["trivia", "word"]),
        ("--;\nx", ["trivia", "trivia", "word"]),
        ("a#>>b", ["word", "sign", "word"]),
        ("$1::int", ["param", "sign", "word"]),
        ("1.5e-3.x", ["number", "sign", "word"]),
        ("a--b", ["word", "trivia"]),
        ("a*/**/b", ["word", "sign", "trivia", "word"]),
        ("'open", ["string"]),
        ("/* open", ["trivia"]),
    ],
)
def test_each_token_has_its_kind(sql, kinds):
    assert [token.kind for token in lex(sql)] == kinds


def test_statements_are_split_at_semicolons_outside_of_everything():
    assert [str(each) for each in split("a ';'; ;b /*;*/; ")] == ["a ';'", "b /*;*/"]


class TestStatement:
    def test_words_are_lower_case_and_other_tokens_are_as_written(self):
        (sql,) = split("SELECT 'A', \"B\", C")
        assert sql.words == ("select", "'A'", ",", '"B"', ",", "c")

    def test_a_quoted_name_is_no_keyword(self):
        (sql,) = split('select "limit" from t')
        assert sql.find("limit") == len(sql)

    def test_parts_are_between_the_outermost_commas(self):
        (sql,) = split("(a, f(b, c), d)")
        parts = [sql.text(*part) for part in sql.parts(1, len(sql) - 1)]
        assert parts == ["a", "f(b, c)", "d"]

    def test_a_parenthesis_that_nothing_closes_ends_with_the_statement(self):
        (sql,) = split("f(a, (b)")
        assert sql.close(1) == len(sql) - 1

    def test_replaced_tokens_leave_the_space_around_them_alone(self):
        (sql,) = split("a  b /* c */ d")
        sql.put(1, "X")
        assert str(sql) == "a  X /* c */ d"
