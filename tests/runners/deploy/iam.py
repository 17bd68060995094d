"""A small evaluator of IAM policies: as much of AWS's logic as ours need, and no more.

No library evaluates conditions offline: moto takes one that doesn't hold for a denial.
Source of the rules: AWS, IAM User Guide, "Policy evaluation logic" and "Condition operators".
"""

import json
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[3] / "runners" / "deploy" / "aws"

#: What stands for each variable of the templates.
VALUES: Final[Mapping[str, str]] = {
    "ADMIN_ROLE_ARN": "arn:aws:iam::111122223333:role/admin",
    "AWS_ACCOUNT": "111122223333",
    "AWS_REGION": "us-east-1",
    "KMS_KEY_ARN": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "LAKE_BUCKET": "company-lake",
    "LAKE_PREFIX": "pharmacy/events",
    "OIDC_PROVIDER": "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF",
    "REDSHIFT_CLUSTER": "warehouse",
    "REDSHIFT_DATABASE": "dev",
    "REDSHIFT_USER": "loader",
    "REDSHIFT_WORKGROUP_ARN": "arn:aws:redshift-serverless:us-east-1:111122223333:workgroup/one",
    "SERVICE_ACCOUNT": "writer",
    "SWEEPER_ROLE_ARN": "arn:aws:iam::111122223333:role/sweeper",
}


@dataclass(frozen=True)
class Call:
    """What a principal asks AWS for.

    Attributes:
        action: As in ``s3:GetObject``.
        resource: Its ARN.
        context: Condition keys that the request has.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.action, self.resource))


def rendered(name: str, **values: str) -> str:
    """Returns a template with its variables filled in; one that we don't know raises KeyError."""
    text = (FOLDER / f"{name}.json").read_text()
    return string.Template(text).substitute({**VALUES, **values})


def statements(name: str, **values: str) -> list[dict[str, Any]]:
    """Returns the statements of a template."""
    found: list[dict[str, Any]] = json.loads(rendered(name, **values))["Statement"]
    return found


def without_key(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns the statements that a lake without a KMS key of its own needs."""
    return [each for each in found if not each["Sid"].endswith("LakesKey")]


def is_allowed(
    call: Call, identity: Sequence[Mapping[str, Any]], bucket: Sequence[Mapping[str, Any]] = ()
) -> bool:
    """Tells whether AWS would let a principal of the bucket's account do it.

    Args:
        call: What it asks for.
        identity: The statements of its role.
        bucket: The statements of the bucket's policy.
    """
    matching = [each for each in (*identity, *bucket) if concerns(each, call)]
    effects = {each["Effect"] for each in matching}
    return effects == {"Allow"}


def concerns(statement: Mapping[str, Any], call: Call) -> bool:
    """Tells whether a statement has a say in a call."""
    return any(action_and_place_fit(pair, call) for pair in pairs(statement)) and all(
        _OPERATORS[operator](call.context, key, _listed(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def pairs(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields each action with each resource of a statement."""
    for action in _listed(statement["Action"]):
        for resource in _listed(statement["Resource"]):
            yield action, resource


def action_and_place_fit(pair: tuple[str, str], call: Call) -> bool:
    """Tells whether a pattern of an action and one of a resource are those of a call."""
    action, resource = pair
    # Actions don't tell capitals from small letters, resources do.
    return fnmatchcase(call.action.lower(), action.lower()) and fnmatchcase(call.resource, resource)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _any(
    compare: Callable[[str, str], bool],
    absent: bool,
    context: Mapping[str, str],
    key: str,
    wanted: Sequence[str],
) -> bool:
    return any(compare(context[key], each) for each in wanted) if key in context else absent


def _none(context: Mapping[str, str], key: str, wanted: Sequence[str]) -> bool:
    # Of a key that isn't there, "not equal" is true.
    return context.get(key) not in wanted


def _null(context: Mapping[str, str], key: str, wanted: Sequence[str]) -> bool:
    return (key not in context) == (wanted == ["true"])


#: An operator that isn't here raises KeyError: a policy must not be half understood.
_OPERATORS: Final[Mapping[str, Callable[[Mapping[str, str], str, Sequence[str]], bool]]] = {
    "ArnNotEquals": _none,
    "Bool": partial(_any, str.__eq__, False),
    "Null": _null,
    "StringEquals": partial(_any, str.__eq__, False),
    "StringLikeIfExists": partial(_any, fnmatchcase, True),
}
