"""What a mask can do to a column: the actions, their order, and the types that they fit.

===========  ==============================  ==============================================
action       fits                            gives
===========  ==============================  ==============================================
keep         anything                        the column as it is
drop         anything                        no column
redact       anything                        the text ``[redacted]``; null for other types
pseudonym    text, integers                  dictionary of text, such as ``v3:mfzg...``
zip3         text                            dictionary of text: three digits of a ZIP code
age_band     dates, timestamps, integers     dictionary of text: ``40-44``, ``90+``
year         dates, timestamps               int32
date_shift   dates, timestamps               the column's type
===========  ==============================  ==============================================

Lists of what fits are masked item by item. Records, maps and unions are kept, dropped or redacted
as a whole.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.types as pt

#: What pseudonyms, bands and ZIP prefixes are: few distinct texts over many rows.
CODES: Final = pa.dictionary(pa.int32(), pa.string())


class Action(StrEnum):
    """What is done to a column."""

    KEEP = "keep"
    DATE_SHIFT = "date_shift"
    YEAR = "year"
    AGE_BAND = "age_band"
    ZIP3 = "zip3"
    PSEUDONYM = "pseudonym"
    REDACT = "redact"
    DROP = "drop"


#: The actions that need a key.
KEYED: Final = frozenset({Action.PSEUDONYM, Action.DATE_SHIFT})

_HIDING: Final = frozenset({Action.REDACT, Action.DROP})

#: Each action tells less than those it is listed for. It is a partial order on purpose: a shifted
#: date and a ZIP prefix tell different things, so neither is a tightening of the other.
TIGHTER: Final[Mapping[Action, frozenset[Action]]] = {
    Action.KEEP: frozenset(Action) - {Action.KEEP},
    Action.DATE_SHIFT: _HIDING | {Action.YEAR, Action.AGE_BAND},
    Action.YEAR: _HIDING | {Action.AGE_BAND},
    Action.AGE_BAND: _HIDING,
    Action.ZIP3: _HIDING,
    Action.PSEUDONYM: _HIDING,
    Action.REDACT: frozenset({Action.DROP}),
    Action.DROP: frozenset(),
}


def tightens(wanted: Action, given: Action) -> bool:
    """Tells whether an action tells no more than another: it is the same one, or a tighter one."""
    return wanted == given or wanted in TIGHTER[given]


def fits(action: Action, kind: pa.DataType) -> bool:
    """Tells whether an action can be applied to a type; see the module's table."""
    if action in (Action.KEEP, Action.DROP, Action.REDACT):
        return True
    if is_list(kind):
        return not is_list(kind.value_type) and fits(action, kind.value_type)
    if action is Action.PSEUDONYM:
        return is_text(kind) or bool(pt.is_integer(kind))
    if action is Action.ZIP3:
        return is_text(kind)
    return is_date(kind) or (action is Action.AGE_BAND and bool(pt.is_integer(kind)))


def masked_type(action: Action, kind: pa.DataType) -> pa.DataType:
    """Returns the type of a masked column.

    Args:
        action: Any but ``drop``; one that fits.
        kind: The column's type.
    """
    if action is Action.REDACT:
        return CODES if is_text(kind) else kind
    if action in (Action.KEEP, Action.DATE_SHIFT):
        return kind
    if is_list(kind):
        return pa.list_(plain(masked_type(action, kind.value_type)))
    return pa.int32() if action is Action.YEAR else CODES


def plain(kind: pa.DataType) -> pa.DataType:
    """Returns the type of a dictionary's values: items of lists are written without one."""
    return kind.value_type if pt.is_dictionary(kind) else kind


def is_text(kind: pa.DataType) -> bool:
    """Tells whether a column holds text, dictionary-encoded or not."""
    return bool(pt.is_string(plain(kind)) or pt.is_large_string(plain(kind)))


def is_date(kind: pa.DataType) -> bool:
    """Tells whether a column holds days or points in time."""
    return bool(pt.is_date32(kind) or pt.is_timestamp(kind))


def is_list(kind: Any) -> bool:
    """Tells whether a column holds lists."""
    return bool(pt.is_list(kind))
