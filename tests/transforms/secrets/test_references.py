"""References to secrets."""

import pytest

from transforms.errors import SecretError
from transforms.secrets import is_reference, resolve, resolve_all


def test_an_environment_variable_is_read(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", "s3cret")
    assert resolve("env:TEST_SECRET") == "s3cret"


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("TEST_SECRET", raising=False)
    with pytest.raises(SecretError, match="TEST_SECRET is not set"):
        resolve("env:TEST_SECRET")


def test_a_file_is_read_without_its_last_line_break(tmp_path):
    path = tmp_path / "key"
    path.write_text("s3cret\n")
    assert resolve(f"file:{path}") == "s3cret"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SecretError, match="No such file"):
        resolve(f"file:{tmp_path}/none")


def test_a_file_that_holds_no_text_is_refused_without_showing_it(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfes3cret")
    with pytest.raises(SecretError, match="holds no text") as caught:
        resolve(f"file:{path}")
    assert caught.value.__cause__ is None
    assert "s3cret" not in repr(caught.value)


@pytest.mark.parametrize("text", ["hunter2", "ENV:X", "https://x", ""])
def test_a_secret_in_clear_is_refused_and_not_repeated(text):
    assert not is_reference(text)
    with pytest.raises(SecretError, match="stands in clear") as caught:
        resolve(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("scheme", ["env", "file", "aws-secretsmanager", "aws-kms"])
def test_the_four_schemes_are_references(scheme):
    assert is_reference(f"{scheme}:x")


def test_only_references_are_resolved_among_settings(monkeypatch):
    monkeypatch.setenv("TEST_SECRET", "s3cret")
    settings = {"user": "me", "password": "env:TEST_SECRET"}
    assert resolve_all(settings) == {"user": "me", "password": "s3cret"}
    assert settings["password"] == "env:TEST_SECRET"
