"""How long the texts are that masks make: what a table must have room for, whatever came in."""

from typing import Final

from transforms.masking.actions import Action
from transforms.masking.ages import BANDS
from transforms.masking.pseudonym import CODE_BYTES
from transforms.masking.redact import REDACTED

#: Digits of base32 that a code takes, five bits each.
_CODE_DIGITS: Final = -(-CODE_BYTES * 8 // 5)
_ZIP3_DIGITS: Final = 3


def longest_text(action: Action, key_version: int | None) -> int:
    """Returns the most bytes of a text that an action makes.

    Args:
        action: The action.
        key_version: Of the pseudonyms' key, which stands in front of each.

    Returns:
        0 for an action that makes no text, or leaves it as it came.
    """
    made = {
        Action.PSEUDONYM: len(f"v{key_version}:") + _CODE_DIGITS,
        Action.REDACT: len(REDACTED),
        Action.ZIP3: _ZIP3_DIGITS,
        Action.AGE_BAND: max(map(len, BANDS.to_pylist())),
    }
    return made.get(action, 0)
