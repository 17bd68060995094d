import base64
import hashlib
import hmac
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.masking.pseudonym import Pseudonyms, base32

KEY = b"k" * 32


def expected(text, version=3):
    plain = unicodedata.normalize("NFKC", text).strip().upper() if text is not None else ""
    if not plain:
        return None
    code = hmac.new(KEY, plain.encode(), hashlib.sha256).digest()[:16]
    return f"v{version}:" + base64.b32encode(code).decode().lower().rstrip("=")


class TestPseudonyms:
    @settings(max_examples=60)
    @given(st.lists(st.one_of(st.none(), st.text(), st.sampled_from(["P1", " p1", "\uff301"]))))
    def test_they_are_what_the_recipe_says(self, texts):
        masked = Pseudonyms(KEY, 3).mask(pa.array(texts, pa.string()))
        masked.validate(full=True)
        assert masked.to_pylist() == [expected(text) for text in texts]

    @pytest.mark.parametrize("text", [None, "", "   ", "\t\u00a0\u3000"])
    def test_null_and_blank_are_nobody(self, text):
        assert Pseudonyms(KEY, 1).mask(pa.array([text], pa.string())).to_pylist() == [None]

    def test_spellings_of_one_id_agree(self):
        column = pa.array(["p1", " P1 ", "\uff301", "P\u2071"])
        first, second, third, other = Pseudonyms(KEY, 1).mask(column).to_pylist()
        assert first == second == third != other

    def test_the_version_stands_in_front(self):
        column = pa.array(["P1"])
        (old,), (new,) = (Pseudonyms(KEY, v).mask(column).to_pylist() for v in (9, 10))
        assert (old[:3], new[:4]) == ("v9:", "v10:")

    def test_another_key_gives_other_pseudonyms(self):
        column = pa.array(["P1"])
        assert Pseudonyms(KEY, 1).mask(column) != Pseudonyms(b"l" * 32, 1).mask(column)

    def test_numbers_are_taken_as_their_text(self):
        pseudonyms = Pseudonyms(KEY, 3)
        assert pseudonyms.mask(pa.array([17, None])).to_pylist() == [expected("17"), None]

    def test_what_is_remembered_changes_nothing(self):
        pseudonyms = Pseudonyms(KEY, 3)
        column = pa.array([f"P{n}" for n in range(100)])
        assert pseudonyms.mask(column) == pseudonyms.mask(column)
        assert pseudonyms.mask(column.slice(90)).to_pylist() == [
            expected(f"P{n}") for n in range(90, 100)
        ]


class TestBase32:
    @settings(max_examples=30)
    @given(st.integers(1, 20), st.integers(0, 3), st.data())
    def test_it_is_rfc_4648_in_lower_case_without_padding(self, width, count, data):
        codes = [data.draw(st.binary(min_size=width, max_size=width)) for _ in range(count)]
        packed = np.frombuffer(b"".join(codes), np.uint8).reshape(count, width)
        digits = [bytes(row).decode() for row in base32(packed)]
        assert digits == [base64.b32encode(c).decode().lower().rstrip("=") for c in codes]
