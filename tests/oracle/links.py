"""Links, one by one: numbers by which rows of one thing join under every version of the key."""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

#: dataset -> column -> the entity, and the columns that name it together.
LINKS: Final[Mapping[str, Mapping[str, tuple[str, tuple[str, ...]]]]] = {
    "dispense_event": {
        "patient_link": ("patient", ("patient_id",)),
        "fill_key": ("fill", ("tenant_id", "pharmacy_ncpdp_id", "rx_number", "fill_number")),
        "payer_key": ("payer", ("payer_bin", "payment_type")),
    },
    "patient_update": {
        "patient_link": ("patient", ("patient_id",)),
        "surviving_patient_link": ("patient", ("surviving_patient_id",)),
        "patient_version": ("patient version", ("patient_id", "effective_at")),
    },
}


def normalized(text: str) -> str:
    """The one form of all spellings of an identifier."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def links_of(
    dataset: str, row: Mapping[str, Any], key: Callable[[str], bytes]
) -> dict[str, int | None]:
    """The links of a row.

    Args:
        dataset: Its dataset.
        row: Times as microseconds.
        key: The key of an entity.
    """
    return {
        name: link(key(entity), *(row.get(part) for part in of))
        for name, (entity, of) in LINKS.get(dataset, {}).items()
    }


def link(key: bytes, *parts: str | int | None) -> int | None:
    """The link of something that is named by texts and numbers; None where one is missing."""
    texts = ["" if part is None else normalized(str(part)) for part in parts]
    if not all(texts):
        return None
    told = "".join(f"{len(text)}:{text}" for text in texts)
    code = hmac.new(key, told.encode(), hashlib.sha256).digest()
    return int.from_bytes(code[:8], "big") % 2**63
