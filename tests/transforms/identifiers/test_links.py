import hashlib
import hmac
import pickle

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from transforms.errors import SecretError
from transforms.identifiers import LINK_TYPE, Link, LinkKeys, Links

ROOT = "5a" * 32
KEY = b"k" * 32


def expected(*parts):
    """A link by the recipe, one by one."""
    spelled = [str(part).strip().upper() for part in parts]
    if None in parts or "" in spelled:
        return None
    text = "".join(f"{len(part)}:{part}" for part in spelled)
    digest = hmac.digest(KEY, text.encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") & (2**63 - 1)


texts = st.one_of(st.none(), st.sampled_from(["", " ", "a", " A", "b", "1", "1:"]), st.text("ab1:"))
rows = st.lists(st.tuples(texts, texts, st.none() | st.integers(-3, 3)), max_size=30)


class TestLinks:
    @settings(max_examples=100)
    @given(rows, st.booleans())
    def test_they_are_what_the_recipe_says(self, given_rows, encoded):
        columns = [pa.array([row[n] for row in given_rows], kind) for n, kind in enumerate(KINDS)]
        if encoded:
            columns = [column.dictionary_encode() for column in columns]
        made = Links(KEY).of(columns)
        made.validate(full=True)
        assert made.type == LINK_TYPE
        assert made.to_pylist() == [expected(*row) for row in given_rows]

    @settings(max_examples=30)
    @given(rows, st.integers(0, 30))
    def test_a_table_linked_whole_equals_it_linked_in_pieces(self, given_rows, cut):
        links = Links(KEY)
        columns = [pa.array([row[n] for row in given_rows], kind) for n, kind in enumerate(KINDS)]
        pieces = [[c.slice(0, cut) for c in columns], [c.slice(cut) for c in columns]]
        parts = [number for piece in pieces for number in links.of(piece).to_pylist()]
        assert parts == links.of(columns).to_pylist()

    def test_a_dictionary_with_nulls_and_unused_values_tells_the_same(self):
        column = pa.DictionaryArray.from_arrays(
            pa.array([1, 2, None], pa.int32()), pa.array(["unused", "a", None])
        )
        assert Links(KEY).of([column]).to_pylist() == [expected("a"), None, None]

    def test_a_number_and_its_text_have_one_link(self):
        number, text = (Links(KEY).of([pa.array([each])]) for each in (17, "17"))
        assert number == text

    def test_they_are_never_negative(self):
        many = Links(KEY).of([pa.array([f"P{n}" for n in range(1_000)])])
        assert min(many.to_pylist()) >= 0
        assert max(many.to_pylist()) > 2**62
        assert len(set(many.to_pylist())) == 1_000


KINDS = (pa.string(), pa.string(), pa.int32())


class TestLinkKeys:
    def test_a_key_is_hkdf_of_domain_and_entity(self):
        derived = HKDF(hashes.SHA256(), 32, None, b"shop|link|patient").derive(b"Z" * 32)
        assert LinkKeys(ROOT, domain="shop").of("patient") == derived

    def test_each_domain_entity_and_root_has_its_own(self):
        made = {
            LinkKeys(ROOT, domain="shop").of("patient"),
            LinkKeys(ROOT, domain="shop").of("fill"),
            LinkKeys(ROOT, domain="other").of("patient"),
            LinkKeys("77" * 32, domain="shop").of("patient"),
            LinkKeys(None, domain="shop").of("patient"),
        }
        assert len(made) == 5

    def test_the_check_value_names_the_root(self):
        checks = [LinkKeys(root, domain="shop").check for root in (ROOT, "77" * 32, None)]
        assert len(set(checks)) == 3
        assert LinkKeys(ROOT, domain="shop").check == checks[0]

    def test_a_malformed_root_is_refused_and_not_shown(self):
        with pytest.raises(SecretError, match="the link key must be 32 bytes") as caught:
            LinkKeys("5a" * 31, domain="shop")
        assert "5a5a" not in str(caught.value)

    def test_they_are_never_pickled_and_never_shown(self):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(LinkKeys(ROOT, domain="shop"))
        assert ROOT not in repr(LinkKeys(ROOT, domain="shop"))


@pytest.mark.parametrize(
    "declared",
    [{"entity": "patient"}, {"entity": "", "of": ["a"]}, {"entity": "p", "of": []}, {"of": ["a"]}],
)
def test_a_link_has_an_entity_and_columns(declared):
    with pytest.raises(ValidationError):
        Link.model_validate(declared)
