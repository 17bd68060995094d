"""A function of ours that expressions may call."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of ours that expressions may call.

    Attributes:
        name: Its name in SQL, lower case.
        call: Maps arrays (one per argument) to an array of equal length, row by row: equal values
            give equal results wherever they stand. Null in, null out; it raises on no value.
        takes: DuckDB's names of the arguments' types.
        gives: DuckDB's name of the result's type.
        doc: What it tells, in one sentence, for people.
    """

    name: str
    call: Callable[..., pa.Array]
    takes: tuple[str, ...]
    gives: str
    doc: str
