"""The masking policies: which class of field gets which action.

``ops``
    Minimum necessary for those who dispense and bill (45 CFR 164.502(b)): all that the work needs,
    so still PHI in full. Credentials, SSNs and licenses serve nobody downstream.
``limited``
    A limited data set (45 CFR 164.514(e)(2)): the 16 direct identifiers of the patient, relatives,
    employers and household members go. Dates, ages, city, state and five-digit ZIP codes may stay;
    ``D:geo`` can't tell a city from a street, so all of it goes. Keyed pseudonyms are "other unique
    codes", which the 16 leave out. Still PHI; needs a data use agreement.
``pseudonymised``
    Pseudonymisation (GDPR Art. 4(5)): nothing here names a person without the key, which is kept
    apart. Dates are shifted or banded, ZIP codes cut to three digits. Still personal data.

**None of them is Safe Harbor** (45 CFR 164.514(b)(2)): that forbids dates, offsets and every code
that is derived from an identifier (164.514(c)(1)), keyed or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.classification import CLASSES, Classification
from transforms.errors import ConfigurationError
from transforms.masking.actions import Action


@dataclass(frozen=True)
class MustDecide:
    """No default: the configuration decides, and may tell no more than ``least``."""

    least: Action


Ruling = Action | MustDecide

_KEEP, _DROP, _REDACT = Action.KEEP, Action.DROP, Action.REDACT
_PSEUDONYM, _SHIFT, _YEAR = Action.PSEUDONYM, Action.DATE_SHIFT, Action.YEAR
_BAND, _ZIP3 = Action.AGE_BAND, Action.ZIP3

POLICIES: Final = ("ops", "limited", "pseudonymised")

#: (class, the schema's mask hint or None for any) -> one ruling per policy, in their order.
_RULINGS: Final[Mapping[tuple[str, str | None], tuple[Ruling, Ruling, Ruling]]] = {
    # class, hint                       ops      limited      pseudonymised
    ("D:name", None): (_KEEP, _DROP, _DROP),
    ("D:geo", None): (_KEEP, _DROP, _DROP),
    ("D:phone", None): (_KEEP, _DROP, _DROP),
    ("D:fax", None): (_KEEP, _DROP, _DROP),
    ("D:email", None): (_KEEP, _DROP, _DROP),
    ("D:ssn", None): (_DROP, _DROP, _DROP),
    ("D:mrn", None): (_KEEP, _PSEUDONYM, _PSEUDONYM),
    ("D:health_plan_beneficiary", None): (_KEEP, _PSEUDONYM, _PSEUDONYM),
    ("D:account", None): (_KEEP, _DROP, _DROP),
    ("D:license", None): (_DROP, _DROP, _DROP),
    ("D:vehicle", None): (_KEEP, _DROP, _DROP),
    ("D:device", None): (_KEEP, _DROP, _DROP),
    ("D:device", "hmac"): (_KEEP, _PSEUDONYM, _PSEUDONYM),
    ("D:url", None): (_KEEP, _DROP, _DROP),
    ("D:ip", None): (_KEEP, _DROP, _DROP),
    ("D:biometric", None): (_KEEP, _DROP, _DROP),
    ("D:photo", None): (_KEEP, _DROP, _DROP),
    ("D:other_unique_id", None): (_KEEP, _PSEUDONYM, _PSEUDONYM),
    # What a note holds nobody knows: no policy has an answer that is right for all.
    ("D:free_text", None): (MustDecide(_KEEP), MustDecide(_REDACT), MustDecide(_REDACT)),
    ("Q:date", None): (_KEEP, _KEEP, _SHIFT),
    ("Q:date", "shift"): (_KEEP, _KEEP, _SHIFT),
    ("Q:date", "year"): (_KEEP, _KEEP, _YEAR),
    ("Q:date", "year|age90"): (_KEEP, _KEEP, _BAND),
    ("Q:age", None): (_KEEP, _KEEP, _BAND),
    ("Q:geo", None): (_KEEP, _KEEP, _ZIP3),
    ("Q:demographic", None): (_KEEP, _KEEP, _KEEP),
    # Diagnoses and allergies are what the data are for; without a name they are nobody's.
    ("SENSITIVE", None): (_KEEP, _KEEP, _KEEP),
    ("CREDENTIAL", None): (_REDACT, _REDACT, _REDACT),
    ("WORKFORCE", None): (_KEEP, _PSEUDONYM, _PSEUDONYM),
    ("REGULATED", None): (_KEEP, _KEEP, _KEEP),
    # A prescriber's NPI stands in a public directory (NPPES) and joins to the reference data.
    ("OPERATIONAL", None): (_KEEP, _KEEP, _KEEP),
    ("NONE", None): (_KEEP, _KEEP, _KEEP),
}


def check_policy(policy: str) -> None:
    """Refuses a policy that there isn't.

    Raises:
        ConfigurationError: Names those there are; ``safe_harbor`` is refused with the reason.
    """
    if policy in POLICIES:
        return
    if policy == "safe_harbor":
        raise ConfigurationError(
            "safe_harbor is no masking policy of a lake: 45 CFR 164.514(b)(2) forbids dates, and "
            "(c)(1) every code derived from an identifier, while a lake has dates, offsets and ids",
            "It takes an export with a layout of its own; use pseudonymised here",
        )
    raise ConfigurationError(
        f"policy must be one of {', '.join(POLICIES)}, got {policy!r}", "Name one of them"
    )


def ruling(policy: str, found: Classification) -> Ruling | None:
    """Returns what a policy does with a class of field.

    Args:
        policy: One of ``POLICIES``.
        found: The field's class and its schema's hint.

    Returns:
        The action, ``MustDecide``, or None for a class that no policy knows.
    """
    rulings = _RULINGS.get((found.cls, found.mask)) or _RULINGS.get((found.cls, None))
    return rulings[POLICIES.index(policy)] if rulings else None


def known_classes() -> tuple[str, ...]:
    """Returns the classes that the policies rule on, in the schemas' order."""
    return tuple(cls for cls in CLASSES if (cls, None) in _RULINGS)
