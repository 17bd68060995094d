"""SQL's logic of three values, told one by one: None is unknown.

Source: ISO 9075-2, 8.20 (truth tables). A rule that is unknown holds, as in a CHECK.
"""

from collections.abc import Collection
from typing import Any

Truth = bool | None


def every(*terms: Truth) -> Truth:
    """AND."""
    if False in terms:
        return False
    return None if None in terms else True


def some(*terms: Truth) -> Truth:
    """OR."""
    if True in terms:
        return True
    return None if None in terms else False


def no(term: Truth) -> Truth:
    """NOT."""
    return None if term is None else not term


def le(one: Any, other: Any) -> Truth:
    """One is at most the other."""
    return None if one is None or other is None else one <= other


def lt(one: Any, other: Any) -> Truth:
    """One is below the other."""
    return None if one is None or other is None else one < other


def eq(one: Any, other: Any) -> Truth:
    """One is the other."""
    return None if one is None or other is None else one == other


def among(one: Any, others: Collection[Any]) -> Truth:
    """One is in a list that holds no null."""
    return None if one is None else one in others


def between(low: Any, one: Any, high: Any) -> Truth:
    """One lies between two others, both included."""
    return every(le(low, one), le(one, high))


def size(text: str | None) -> int | None:
    """Bytes of a text in UTF-8."""
    return None if text is None else len(text.encode())
