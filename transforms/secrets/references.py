"""Resolving references to secrets, on the worker, when a transform is set up.

env:NAME                   an environment variable of the worker
file:PATH                  a file's text, without the line break at its end
aws-secretsmanager:ID      a secret of AWS Secrets Manager (``ID#key`` for a field of a JSON one)
aws-kms:BASE64             a ciphertext that AWS KMS decrypts
"""

import os
from collections.abc import Mapping
from pathlib import Path

from transforms.errors import SecretError

_SCHEMES = ("env:", "file:", "aws-secretsmanager:", "aws-kms:")


def is_reference(text: str) -> bool:
    """Tells whether a setting is a reference to a secret."""
    return text.startswith(_SCHEMES)


def resolve(reference: str) -> str:
    """Returns the secret that a reference names.

    Args:
        reference: See the module's text. Anything else is refused, so that no secret stands in
            clear in a configuration.

    Returns:
        The secret's text.

    Raises:
        SecretError: The reference has no known scheme, or names nothing. The message holds the
            reference, never the secret.
    """
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        return _from_environment(name)
    if scheme == "file":
        return _from_file(name)
    if reference.startswith(_SCHEMES):
        # Imported only when used: workers without AWS need no credentials chain.
        from transforms.secrets import client

        return client.fetch(scheme, name)
    raise SecretError(
        "a secret stands in clear where a reference is expected",
        f"Write it as one of {', '.join(s + '...' for s in _SCHEMES)}",
    )


def resolve_all(settings: Mapping[str, str]) -> dict[str, str]:
    """Returns the settings with each reference replaced by its secret."""
    return {k: resolve(v) if is_reference(v) else v for k, v in settings.items()}


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise SecretError(f"the environment variable {name} is not set", "Set it on every worker")
    return os.environ[name]


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\n")
    except UnicodeDecodeError:
        # Without its cause: that one holds the file's bytes.
        raise SecretError(
            f"the secret's file {path} holds no text", "Write a key as Base64 or hexadecimal text"
        ) from None
    except OSError as error:
        raise SecretError(
            f"the secret's file {path} can't be read ({error.strerror})",
            "Mount it on every worker",
        ) from error
