"""Secrets of AWS, against stubs of its clients."""

import base64

import botocore.exceptions
import pytest

from transforms.errors import SecretError
from transforms.secrets import client, resolve


class Stub:
    """Stands for boto3's clients; answers what it is told to."""

    def __init__(self, answer):
        self.answer = answer

    def client(self, _name):
        return self

    def get_secret_value(self, SecretId):  # noqa: N803
        return self._answered(SecretId)

    def decrypt(self, CiphertextBlob):  # noqa: N803
        return self._answered(CiphertextBlob)

    def _answered(self, _request):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def aws(monkeypatch):
    return lambda answer: monkeypatch.setattr(client, "boto3", Stub(answer))


def test_a_secret_of_the_secrets_manager_is_fetched(aws):
    aws({"SecretString": "s3cret"})
    assert resolve("aws-secretsmanager:prod/kafka") == "s3cret"


def test_a_field_of_a_json_secret_is_fetched(aws):
    aws({"SecretString": '{"password": "s3cret", "user": "me"}'})
    assert resolve("aws-secretsmanager:prod/kafka#password") == "s3cret"


def test_a_missing_field_is_named_and_the_secret_is_not(aws):
    aws({"SecretString": '{"password": "s3cret"}'})
    with pytest.raises(SecretError, match="prod/kafka has no field user") as caught:
        resolve("aws-secretsmanager:prod/kafka#user")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("answer", [{"SecretString": "s3cret"}, {"SecretString": '"s3cret"'}])
def test_a_field_of_what_is_no_json_object_is_refused_without_showing_it(aws, answer):
    aws(answer)
    with pytest.raises(SecretError, match="no JSON object") as caught:
        resolve("aws-secretsmanager:prod/kafka#user")
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_binary_secret_is_refused(aws):
    aws({"SecretBinary": b"s3cret"})
    with pytest.raises(SecretError, match="holds no text"):
        resolve("aws-secretsmanager:prod/kafka")


def test_a_ciphertext_is_decrypted(aws):
    aws({"Plaintext": b"s3cret"})
    assert resolve("aws-kms:" + base64.b64encode(b"sealed").decode()) == "s3cret"


@pytest.mark.parametrize(("name", "plaintext"), [("not base64!", b""), ("YWJj", b"\xff\xfe")])
def test_what_is_no_ciphertext_or_no_text_is_refused(aws, name, plaintext):
    aws({"Plaintext": plaintext})
    with pytest.raises(SecretError, match="aws-kms"):
        resolve(f"aws-kms:{name}")


@pytest.mark.parametrize("scheme", ["aws-kms", "aws-secretsmanager"])
def test_a_refusal_of_aws_is_ours_and_does_not_quote_it(aws, scheme):
    error = {"Error": {"Code": "AccessDenied", "Message": "account 123456789012"}}
    aws(botocore.exceptions.ClientError(error, "Decrypt"))
    with pytest.raises(SecretError, match=r"\(ClientError\)") as caught:
        resolve(f"{scheme}:YWJj")
    assert "123456789012" not in str(caught.value)
