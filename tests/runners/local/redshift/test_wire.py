import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.local.redshift import wire
from runners.local.redshift.errors import SqlError

messages = st.lists(st.tuples(st.sampled_from([b"T", b"D", b"Z"]), st.binary(max_size=40)))


@given(messages, st.lists(st.integers(1, 30)))
def test_messages_survive_any_cut_of_the_stream(sent, cuts):
    data = b"".join(wire.message(kind, body) for kind, body in sent)
    frames, found, at = wire.Frames(), [], 0
    for size in [*cuts, len(data)]:
        found += frames.feed(data[at : at + size])
        at += size
    assert found == sent


def test_the_fields_of_an_error_are_read_back():
    body = wire.error(SqlError("22001", "too long", "a\nb"))[5:]
    assert wire.fields(body) == {"S": "ERROR", "C": "22001", "M": "too long", "D": "a\nb"}


def report(**given):
    return b"".join(wire.string(key + value) for key, value in given.items()) + b"\0"


class TestTranslation:
    def test_a_conflict_is_1023(self):
        found = wire.translated(report(S="ERROR", C="40001", M="could not serialize access"))
        assert (found.code, found.message) == ("XX000", "1023")
        assert found.detail.startswith("Serializable isolation violation on table")

    def test_a_broken_length_is_a_value_that_is_too_long(self):
        found = wire.translated(report(C="23514", M="violates", D="(secret)", n="rs_len_12_name"))
        assert (found.code, found.detail) == ("22001", "")
        assert found.message == "value too long for type character varying(12)"

    def test_the_row_that_broke_a_constraint_is_not_shown(self):
        found = wire.translated(report(C="23502", M="null value", D="Failing row (secret)."))
        assert found.detail == ""

    def test_anything_else_is_as_it_was_without_where_in_the_source(self):
        body = wire.translate_error(report(S="FATAL", C="42P01", M="no x", F="parse.c", L="3"))
        assert wire.fields(body[5:]) == {"S": "FATAL", "C": "42P01", "M": "no x"}


@given(st.lists(st.none() | st.text(alphabet=st.characters(codec="utf-8"))))
def test_rows_are_read_as_text(values):
    body = len(values).to_bytes(2, "big")
    for value in values:
        data = (value or "").encode()
        size = -1 if value is None else len(data)
        body += size.to_bytes(4, "big", signed=True) + data
    assert wire.row(body) == values


def test_a_startup_message_holds_its_length_and_version():
    packet = wire.startup({"user": "u"})
    assert int.from_bytes(packet[:4], "big") == len(packet)
    assert packet[4:] == b"\x00\x03\x00\x00user\0u\0\0"


@pytest.mark.parametrize("tag", ["COPY", "TRUNCATE TABLE"])
def test_a_command_is_complete_under_its_tag(tag):
    assert wire.command_complete(tag) == wire.message(b"C", tag.encode() + b"\0")
