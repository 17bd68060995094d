import hashlib
import hmac
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.identifiers import KeyedHash


class TestKeyedHash:
    @settings(max_examples=50)
    @given(st.binary(min_size=32, max_size=32), st.lists(st.binary(), max_size=3))
    def test_it_is_hmac_sha256(self, key, texts):
        hashed = KeyedHash(key)
        assert hashed.digests(texts) == [hmac.digest(key, text, hashlib.sha256) for text in texts]

    def test_it_is_never_pickled(self):
        with pytest.raises(TypeError):
            pickle.dumps(KeyedHash(b"k" * 32))
