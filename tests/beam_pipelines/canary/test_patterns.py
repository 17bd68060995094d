import base64
import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.canary import ENCODINGS, Needles, Sighting
from tests.beam_pipelines.canary.canaries import ALL, NAME, SSN, STREET, canary

NEEDLES = Needles(ALL)


def found(buffer: bytes) -> set[tuple[int, str]]:
    return {(each.number, each.encoding) for each in NEEDLES.search(buffer)}


DISGUISES = {
    "text": lambda t: t.encode(),
    "separated": lambda t: t.replace("-", " ").encode(),
    "utf-16": lambda t: t.encode("utf-16-be"),
    "hex": lambda t: t.encode().hex().upper().encode(),
    "base64": lambda t: base64.b64encode(t.encode()),
    "md5": lambda t: hashlib.md5(t.encode()).hexdigest().encode(),
    "sha1": lambda t: hashlib.sha1(t.encode()).hexdigest().encode(),
    "sha256": lambda t: hashlib.sha256(t.encode()).hexdigest().upper().encode(),
}


def test_every_encoding_is_tested_here():
    assert DISGUISES.keys() == set(ENCODINGS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("known", [NAME, SSN])
def test_a_text_is_found_in_each_of_its_disguises(encoding, known):
    assert (known.number, encoding) in found(b"x " + DISGUISES[encoding](known.text) + b" x")


@settings(max_examples=50)
@given(st.sampled_from(ALL), st.binary(max_size=40), st.binary(max_size=40))
def test_base64_is_found_wherever_the_text_stands_in_what_was_encoded(known, before, after):
    buffer = base64.b64encode(before + known.text.encode() + after)
    assert Sighting(known.number, "base64") in NEEDLES.search(buffer)
    buffer = base64.urlsafe_b64encode(before + known.text.upper().encode() + after)
    assert Sighting(known.number, "base64") in NEEDLES.search(buffer)


@settings(max_examples=50)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_name_is_found_whatever_stands_around_it(before, after):
    assert (1, "text") in found(before + b"zQVCANARY-0001" + after)
    assert (1, "separated") in found(before + b"ZqvCanary0001" + after)


@pytest.mark.parametrize(
    "text", ["999030002", "999 03 0002", "999.03.0002", "(999) 03/0002", "9-9-9-0-3-0-0-0-2"]
)
def test_a_number_is_found_with_other_separators(text):
    assert found(f"id {text}, again".encode()) == {(2, "separated")}


def test_a_number_within_a_longer_one_is_another_number():
    assert found(b"1999030002 9990300021") == set()
    assert found(b"5999-03-0002") == set()
    assert found(b"999-03-00021 and 999-03-0002.") == {(2, "text")}


def test_neighbors_are_not_taken_for_one_text():
    assert found(b"9.99\n03.00\n0.2") == set()
    assert found(b"999-03\n0002") == set()
    assert found(b"999, at 03, at 0002") == set()
    assert found(b"Zqvcanary, Apt 0001") == set()


def test_hashes_of_the_whole_value_are_found_too():
    digest = hashlib.sha256(STREET.value.upper().encode()).hexdigest()
    assert found(digest.encode()) == {(3, "sha256")}


def test_part_of_a_value_is_enough():
    assert found(b"lives in zqvcanary 0003 road") == {(3, "separated")}


def test_a_sound_buffer_holds_none():
    assert found(bytes(range(256)) * 50) == set()
    assert found(b"") == set()


def test_canaries_that_begin_alike_are_told_apart():
    many = [canary(n, f"Zqvcanary-{n:04d}") for n in range(1, 300)]
    sightings = Needles(many).search(b"zqvcanary-0123 and zqvcanary-0200")
    assert sightings == {Sighting(123, "text"), Sighting(200, "text")}
