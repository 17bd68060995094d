"""Sealing: repeatable, bound to its place, and closed to all others."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.errors import SecretError
from transforms.quality.sealing import Seal

KEY = "ab" * 32
OTHER = "cd" * 32


@settings(max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens_at_its_place(plaintext, context):
    assert Seal(KEY).open(Seal(KEY).seal(plaintext, context), context) == plaintext


def test_the_same_message_at_the_same_place_gives_the_same_bytes():
    assert Seal(KEY).seal(b"message", b"place") == Seal(KEY).seal(b"message", b"place")


def test_a_nonce_repeats_only_where_everything_repeats():
    inputs = [(KEY, b"m", b"p"), (KEY, b"m", b"q"), (KEY, b"n", b"p"), (OTHER, b"m", b"p")]
    # Place and message must not run into one another.
    inputs += [(KEY, b"mp", b""), (KEY, b"", b"mp")]
    nonces = {Seal(key).seal(message, place)[:12] for key, message, place in inputs}
    assert len(nonces) == len(inputs)


@pytest.mark.parametrize(("key", "place"), [(OTHER, b"place"), (KEY, b"another")])
def test_another_key_or_place_does_not_open_it(key, place):
    with pytest.raises(SecretError, match="does not open"):
        Seal(key).open(Seal(KEY).seal(b"message", b"place"), place)


@pytest.mark.parametrize("at", range(12 + 7 + 16))
def test_a_changed_byte_is_noticed_wherever_it_is(at):
    sealed = bytearray(Seal(KEY).seal(b"message", b"place"))
    sealed[at] ^= 1
    with pytest.raises(SecretError):
        Seal(KEY).open(bytes(sealed), b"place")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_cut_seal_is_refused_like_any_damaged_one(length):
    with pytest.raises(SecretError, match="does not open"):
        Seal(KEY).open(Seal(KEY).seal(b"message", b"place")[:length], b"place")


def test_the_plaintext_does_not_stand_in_the_seal():
    assert b"message" not in Seal(KEY).seal(b"message", b"place")


def test_a_key_may_be_base64_and_have_a_line_break():
    text = base64.b64encode(bytes.fromhex(KEY)).decode()
    assert Seal(f"{text}\n").key_id == Seal(KEY).key_id != Seal(OTHER).key_id


def test_the_key_id_tells_nothing_of_the_key():
    assert Seal(KEY).key_id not in KEY


@pytest.mark.parametrize("text", ["", "short", "ab" * 31, "ab" * 33, "é" * 64, "=" * 44])
def test_any_other_text_is_no_key_and_is_not_shown(text):
    with pytest.raises(SecretError, match="32 bytes as Base64 or hexadecimal") as caught:
        Seal(text)
    assert not text or text not in str(caught.value)
