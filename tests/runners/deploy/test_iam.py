"""The evaluator itself: what AWS's documentation says of each case."""

import pytest

from tests.runners.deploy.iam import Call, concerns, is_allowed

READ = {"Sid": "R", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/x/*"}
NO_READ = {**READ, "Effect": "Deny"}


def on(operator, key, value):
    return {**READ, "Condition": {operator: {key: value}}}


def get(resource="arn:aws:s3:::b/x/1", **context):
    return Call("s3:GetObject", resource, context)


def test_what_no_statement_allows_is_denied():
    assert not is_allowed(get(), [])
    assert not is_allowed(get("arn:aws:s3:::b/y/1"), [READ])
    assert not is_allowed(Call("s3:PutObject", "arn:aws:s3:::b/x/1"), [READ])


def test_a_denial_wins_wherever_it_stands():
    assert is_allowed(get(), [READ])
    assert not is_allowed(get(), [NO_READ, READ])
    assert not is_allowed(get(), [READ], [NO_READ])


def test_a_bucket_policy_that_only_denies_allows_nothing():
    elsewhere = {**NO_READ, "Resource": "arn:aws:s3:::b/y/*"}
    assert not is_allowed(get(), [], [elsewhere])


def test_capitals_count_in_resources_only():
    assert is_allowed(Call("S3:getobject", "arn:aws:s3:::b/x/1"), [READ])
    assert not is_allowed(get("arn:aws:s3:::b/X/1"), [READ])


@pytest.mark.parametrize(
    ("operator", "wanted", "present", "absent"),
    [
        ("StringEquals", "v", True, False),
        ("StringEquals", "w", False, False),
        ("StringEquals", ["w", "v"], True, False),
        ("StringLikeIfExists", "?*", True, True),
        ("StringLikeIfExists", "w*", False, True),
        ("ArnNotEquals", "v", False, True),
        ("ArnNotEquals", "w", True, True),
        ("Null", "true", False, True),
        ("Null", "false", True, False),
        ("Bool", "v", True, False),
    ],
)
def test_a_condition_holds_as_documented(operator, wanted, present, absent):
    statement = on(operator, "k", wanted)
    assert concerns(statement, get(k="v")) is present
    assert concerns(statement, get()) is absent


def test_an_operator_that_is_not_known_is_no_guess():
    with pytest.raises(KeyError, match="NumericLessThan"):
        concerns(on("NumericLessThan", "k", "1"), get(k="0"))
