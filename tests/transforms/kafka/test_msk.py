"""Signing in to Amazon MSK: what the callback gives librdkafka, and what it says when it can't."""

import sys
from types import SimpleNamespace

import pytest

from transforms.errors import ConfigurationError
from transforms.kafka import msk


@pytest.fixture
def signer(monkeypatch):
    """Plants a signer; gives the regions that it was asked for, and takes what it raises."""
    asked = SimpleNamespace(regions=[], error=None)

    def generate_auth_token(region):
        asked.regions.append(region)
        if asked.error is not None:
            raise asked.error
        return "signed", 1_700_000_000_500

    provider = SimpleNamespace(generate_auth_token=generate_auth_token)
    module = SimpleNamespace(MSKAuthTokenProvider=provider)
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", module)
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    return asked


def test_a_token_comes_with_its_end_in_seconds(signer, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert msk.token("as librdkafka calls it") == ("signed", 1_700_000_000.5)


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}, "a"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "b"}, "b"),
        ({"AWS_DEFAULT_REGION": "b"}, "b"),
    ],
)
def test_the_region_is_that_of_the_environment(signer, monkeypatch, environ, region):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    msk.token()
    assert signer.regions == [region]


def test_without_a_region_nothing_is_asked(signer):
    with pytest.raises(ConfigurationError, match="Set AWS_REGION"):
        msk.token()
    assert signer.regions == []


def test_a_refusal_is_told_by_its_kind_and_without_its_text(signer, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "a")
    signer.error = PermissionError("arn:aws:iam::123456789012:role/secret")
    with pytest.raises(ConfigurationError, match=r"no token .*PermissionError") as caught:
        msk.token()
    assert "123456789012" not in str(caught.value)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pharmabeam\[msk\]'"):
        msk.token()
