"""Holding roles against recorded calls: all that was asked for, and nothing that was not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from tests.runners.deploy.iam import (
    VALUES,
    Call,
    action_and_place_fit,
    is_allowed,
    pairs,
    statements,
    without_key,
)

Statements = Sequence[Mapping[str, Any]]

BUCKET = f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}"
#: Only to who may do this S3 says that a key isn't there (404); all others are refused (403).
MISSING = Call("s3:ListBucket", BUCKET)
KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
#: What each call asks of AWS KMS where the lake has a key of its own (S3, "Using SSE-KMS").
_KMS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}


def assert_fits(role: str, calls: Iterable[Call]) -> None:
    """Asserts that a role allows these calls, by the bucket's policy too, and no others.

    Args:
        role: A template's name.
        calls: All that its commands ask S3 for, without encryption by a key.
    """
    asked = [_over_tls(call) for call in (*calls, MISSING)]
    identity, bucket = without_key(statements(role)), without_key(statements("bucket-policy"))
    _assert_allowed(role, asked, identity, bucket)
    _assert_needed(role, asked, identity)
    encrypted = list(chain.from_iterable(_with_key(call) for call in asked))
    _assert_allowed(role, encrypted, statements(role), statements("bucket-policy"))
    _assert_needed(role, encrypted, statements(role))


def _assert_allowed(
    role: str, asked: Sequence[Call], identity: Statements, bucket: Statements
) -> None:
    missing = {
        f"{call.action} on {call.resource} with {dict(call.context)}"
        for call in asked
        if not is_allowed(_by(role, call), identity, bucket)
    }
    assert not missing, f"{role} lacks: {sorted(missing)[:10]}"


def _assert_needed(role: str, asked: Sequence[Call], identity: Statements) -> None:
    unused = [
        pair
        for statement in identity
        for pair in pairs(statement)
        if not any(action_and_place_fit(pair, call) for call in asked)
    ]
    assert not unused, f"nothing asked for {unused} of {role}"


def _by(role: str, call: Call) -> Call:
    principal = f"arn:aws:iam::{VALUES['AWS_ACCOUNT']}:role/{role}"
    return Call(call.action, call.resource, {**call.context, "aws:PrincipalArn": principal})


def _over_tls(call: Call) -> Call:
    return Call(call.action, call.resource, {**call.context, "aws:SecureTransport": "true"})


def _with_key(call: Call) -> Iterator[Call]:
    """Yields the call as a lake with a KMS key makes it, and what S3 asks KMS for then."""
    written = {KEY: VALUES["KMS_KEY_ARN"]} if call.action == "s3:PutObject" else {}
    yield Call(call.action, call.resource, {**call.context, **written})
    if call.action in _KMS:
        yield Call(_KMS[call.action], VALUES["KMS_KEY_ARN"])
