"""AWS Secrets Manager and KMS, as sources of secrets."""

import base64
import json
from typing import Any

import boto3
import botocore.exceptions

from transforms.errors import SecretError


def fetch(scheme: str, name: str) -> str:
    """Returns a secret from AWS.

    Args:
        scheme: ``aws-secretsmanager`` or ``aws-kms``.
        name: The secret's id, with ``#key`` for a field of a JSON secret; or a Base64 ciphertext.

    Raises:
        SecretError: AWS refused, or the secret has no such field.
    """
    try:
        return _secret(name) if scheme == "aws-secretsmanager" else _decrypted(name)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise SecretError(
            f"AWS gave no secret for the {scheme} reference ({type(error).__name__})",
            "Check its id, the region and the worker's permissions",
        ) from error
    except (ValueError, KeyError):
        # Without its cause: that one may hold the secret.
        raise SecretError(
            f"the {scheme} reference is malformed, or its secret holds no text", "Correct it"
        ) from None


def _secret(name: str) -> str:
    secret_id, _, field = name.partition("#")
    client: Any = boto3.client("secretsmanager")
    text = str(client.get_secret_value(SecretId=secret_id)["SecretString"])
    if not field:
        return text
    fields = _json_object(secret_id, text)
    if field not in fields:
        raise SecretError(f"the secret {secret_id} has no field {field}", "Check its name")
    return str(fields[field])


def _json_object(secret_id: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise SecretError(
            f"the secret {secret_id} is no JSON object, so it has no fields", "Drop the #field"
        )
    return value


def _decrypted(ciphertext: str) -> str:
    client: Any = boto3.client("kms")
    plaintext: bytes = client.decrypt(CiphertextBlob=base64.b64decode(ciphertext, validate=True))[
        "Plaintext"
    ]
    return plaintext.decode()
