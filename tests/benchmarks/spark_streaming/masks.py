"""Our masks as expressions of Spark SQL, each the quickest way that Spark has without Python.

HMAC-SHA256 (RFC 2104) is two calls of ``sha2`` over keys padded beforehand, in generated code: a
pandas UDF would carry each row to Python and back. Codes are hexadecimal, for Spark has no base32.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from transforms.masking import Action, Decision
from transforms.masking.zip3_table import ALLOWED

#: The patient's shift in days, computed once a row before the columns that it moves.
SHIFT: Final = "_shift"

_BLOCK: Final = 64


def mask_sql(decision: Decision, kind: str, key: bytes) -> str | None:
    """Returns the expression of a masked column; None for one that is dropped.

    Args:
        decision: What is done to which column.
        kind: ``date``, ``timestamp`` or anything else.
        key: The key of the column's class.
    """
    name = f"`{decision.column}`"
    match decision.action:
        case Action.DROP:
            return None
        case Action.REDACT:
            return f"CASE WHEN {name} IS NOT NULL THEN '[redacted]' END"
        case Action.PSEUDONYM:
            return f"CASE WHEN trim({name}) <> '' THEN concat('v1:', {_hmac(name, key, 32)}) END"
        case Action.ZIP3:
            prefix, allowed = f"substr({name}, 1, 3)", ", ".join(f"'{z}'" for z in sorted(ALLOWED))
            told = f"CASE WHEN {prefix} IN ({allowed}) THEN {prefix} ELSE '000' END"
            return f"CASE WHEN {name} RLIKE '^[0-9]{{5}}(-?[0-9]{{4}})?$' THEN {told} END"
        case Action.AGE_BAND:
            return _age_band(name, kind)
        case Action.YEAR:
            return f"year({name})"
        case Action.DATE_SHIFT if kind == "date":
            return f"date_sub({name}, {SHIFT})"
        case Action.DATE_SHIFT:
            return f"{name} - make_dt_interval({SHIFT})"
        case _:
            return name


def shift_sql(patient: str, key: bytes) -> str:
    """Returns the expression of a patient's shift: 1 to 365 days."""
    # Eight hexadecimal digits are enough here, and fit Spark's numbers.
    code = f"conv({_hmac(f'`{patient}`', key, 8)}, 16, 10)"
    return f"CASE WHEN trim(`{patient}`) <> '' THEN int(cast({code} AS bigint) % 365) + 1 END"


def masks_of(
    decisions: Sequence[Decision], kinds: Mapping[str, str], keys: Mapping[str, bytes]
) -> dict[str, str]:
    """Returns the masked columns -> expressions.

    Args:
        decisions: Of all columns.
        kinds: See ``mask_sql``.
        keys: Class -> key.
    """
    made = {}
    for one in decisions:
        key = keys[one.found.cls] if one.found else b""
        sql = mask_sql(one, kinds.get(one.column, ""), key)
        if sql is not None:
            made[one.column] = sql
    return made


def _age_band(name: str, kind: str) -> str:
    # What is no date is an age already.
    years = f"int(floor(months_between(event_time, {name}) / 12))" if kind else name
    first = f"({years} - {years} % 5)"
    return (
        f"CASE WHEN {years} >= 90 THEN '90+' WHEN {years} >= 0"
        f" THEN concat(string({first}), '-', string({first} + 4)) END"
    )


def _hmac(name: str, key: bytes, digits: int) -> str:
    block = key.ljust(_BLOCK, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block).hex() for pad in (0x36, 0x5C))
    text = f"encode(upper(trim({name})), 'UTF-8')"
    hashed = f"unhex(sha2(concat(X'{inner}', {text}), 256))"
    return f"substr(sha2(concat(X'{outer}', {hashed}), 256), 1, {digits})"
