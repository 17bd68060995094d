"""Root keys and what is derived of them."""

import base64

import pytest

from transforms.errors import SecretError
from transforms.secrets import derived_key, root_key

KEY = bytes(range(32))


@pytest.mark.parametrize("text", [KEY.hex(), f" {KEY.hex()}\n", base64.b64encode(KEY).decode()])
def test_a_key_is_hexadecimal_or_base64(text):
    assert root_key(text, "the key") == KEY


@pytest.mark.parametrize("text", ["", "5f5f", KEY.hex()[2:], "no key at all"])
def test_anything_else_is_refused_by_name_and_without_its_text(text):
    with pytest.raises(SecretError, match="the door key must be 32 bytes") as caught:
        root_key(text, "the door key")
    assert not text or text not in str(caught.value)


def test_keys_of_two_purposes_differ():
    assert derived_key(KEY, b"one") != derived_key(KEY, b"other")
    assert len(derived_key(KEY, b"one")) == 32
