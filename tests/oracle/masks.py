"""Masks value by value: the policies ``ops`` and ``pseudonymised`` of the packaged configuration,
and its links.

Sources: 45 CFR 164.514(b)(2)(i) and the privacy facts, sections 1.1 and 1.2; RFC 2104 (HMAC), RFC
4648 (base32) and RFC 5869 (HKDF), by hand.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from schemas.model import AvroSchema
from tests.oracle.derived import COLUMNS
from tests.oracle.links import link, links_of, normalized
from tests.oracle.moments import DAY_US, civil, completed_years
from tests.oracle.zips import told_prefix

Row = Mapping[str, Any]

REDACTED: Final = "[redacted]"
#: Classes whose values are replaced by a keyed code. ``D:device`` only where the schema says so.
_PSEUDONYMOUS: Final = frozenset(
    {"D:mrn", "D:health_plan_beneficiary", "D:other_unique_id", "WORKFORCE"}
)
#: What stays: of no patient, or harmless without a name.
_KEPT: Final = frozenset({"NONE", "OPERATIONAL", "REGULATED", "SENSITIVE", "Q:demographic"})
_COUNTRIES: Final = ("", "US", "USA", "UNITED STATES")
_SMALLEST: Final = {DAY_US: -(2**63), 1: -(2**31)}


def hkdf(root: bytes, info: str) -> bytes:
    """32 bytes by RFC 5869 with SHA-256: extract without a salt, then one block of expand."""
    extracted = hmac.new(bytes(32), root, hashlib.sha256).digest()
    return hmac.new(extracted, info.encode() + b"\x01", hashlib.sha256).digest()


class Ops:
    """The policy ``ops``: all but what serves nobody downstream; directions as they are."""

    def masked(self, dataset: str, reader: AvroSchema, row: Row) -> dict[str, Any]:
        """The row as the lake holds it."""
        kept = {name: v for name, v in row.items() if name not in ("ssn", "driver_license")}
        for name in ("prescriber_dea", "dea_number"):
            if kept.get(name) is not None:
                kept[name] = REDACTED
        return kept


class Pseudonymised:
    """The policy ``pseudonymised``, directions dropped.

    Args:
        root: The root key, 32 bytes.
        version: Its version.
        domain: Within it pseudonyms join.
        link_root: The root key of links, which stays where the root is rotated; by default the
            root.
    """

    def __init__(
        self,
        root: bytes,
        *,
        version: int = 1,
        domain: str = "pharmabeam",
        link_root: bytes | None = None,
    ) -> None:
        self._root, self._version = root, version
        link_key = lru_cache(100)(
            lambda entity: hkdf(root if link_root is None else link_root, f"{domain}|link|{entity}")
        )
        self._link_key = link_key
        self.patient_link = lru_cache(100_000)(lambda patient: link(link_key("patient"), patient))
        self._place = f"{domain}|pseudonymised"
        self.pseudonym = lru_cache(100_000)(self._pseudonym)
        self.shift = lru_cache(100_000)(self._shift)
        self._key = lru_cache(100)(lambda purpose: hkdf(self._root, f"{self._place}|{purpose}"))

    def masked(self, dataset: str, reader: AvroSchema, row: Row) -> dict[str, Any]:
        """The row as the lake holds it.

        Args:
            dataset: Its dataset.
            reader: The dataset's schema, whose fields have classes.
            row: Days and microseconds as numbers.
        """
        classes = _classes(dataset, reader)
        made = {}
        for name, value in row.items():
            mask = self._mask(*classes[name])
            if mask is not None:
                made[name] = mask(value, row)
        return made | links_of(dataset, row, self._link_key)

    @lru_cache(100)  # noqa: B019 - there are two of these in a session
    def _mask(self, cls: str, hint: str, kind: str) -> Callable[[Any, Row], Any] | None:
        if cls in _KEPT:
            return lambda value, row: value
        if cls in _PSEUDONYMOUS or (cls, hint) == ("D:device", "hmac"):
            return lambda value, row: self.pseudonym(cls, value)
        if cls == "CREDENTIAL":
            return lambda value, row: None if value is None else REDACTED
        if cls == "Q:geo":
            return lambda value, row: told_prefix(value) if _domestic(row) else None
        if cls == "Q:age":
            return lambda value, row: band(value)
        return self._date_mask(hint, kind) if cls == "Q:date" else None

    def _date_mask(self, hint: str, kind: str) -> Callable[[Any, Row], Any]:
        unit = 1 if kind == "date" else DAY_US
        if hint == "year":
            return lambda value, row: None if value is None else civil(value // unit)[0]
        if hint == "year|age90":
            # At the event: a band of today's age would change from one day to the next.
            return lambda value, row: band(completed_years(value, row["event_time"] // DAY_US))
        return lambda value, row: self._shifted(value, unit, row["patient_id"])

    def _pseudonym(self, cls: str, value: str | None) -> str | None:
        plain = normalized(value or "")
        if not plain:
            return None
        code = hmac.new(self._key(cls), plain.encode(), hashlib.sha256).digest()[:16]
        return f"v{self._version}:{base64.b32encode(code).decode().rstrip('=').lower()}"

    def _shift(self, patient: str) -> int:
        """Days back, 1 to 365; 0 for nobody."""
        plain = normalized(patient)
        code = hmac.new(self._key("date shift"), plain.encode(), hashlib.sha256).digest()
        return 1 + int.from_bytes(code[:8], "big") % 365 if plain else 0

    def _shifted(self, value: int | None, unit: int, patient: str) -> int | None:
        days = self.shift(patient)
        # What can't go back by the longest shift tells no date at all.
        if value is None or not days or value < _SMALLEST[unit] + 365 * unit:
            return None
        return value - days * unit


def band(age: int | None) -> str | None:
    """Five years each, and one band from 90 on; None for who isn't born."""
    if age is None or age < 0:
        return None
    return "90+" if age >= 90 else f"{age // 5 * 5}-{age // 5 * 5 + 4}"


def _domestic(row: Row) -> bool:
    return (row.get("country") or "").strip().upper() in _COUNTRIES


@lru_cache
def _classes(dataset: str, reader: AvroSchema) -> dict[str, tuple[str, str, str]]:
    """Column -> class, the schema's hint, and the logical type."""
    found: dict[str, tuple[str, str, str]] = {}
    for field in reader.json["fields"]:
        phi = field["phi"]
        found[field["name"]] = phi["class"], phi.get("mask", ""), _logical(field["type"])
    derived = {name: (cls, "", "") for name, (cls, _) in COLUMNS.get(dataset, {}).items()}
    return found | derived


def _logical(kind: Any) -> str:
    branches = kind if isinstance(kind, list) else [kind]
    named = (each["logicalType"] for each in branches if "logicalType" in each)
    return next(named, "")
