"""What a step on a dataset's rows is, and the accounting that keeps it exactly once.

A step may change, add and multiply rows. It may not lose one in silence: what it leaves out it
must return as filtered, with a reason, so that the message is still accounted for.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from transforms.errors import ConfigurationError, RefusedError
from transforms.segment import column_values

#: A table of a dataset's rows, lineage first -> the rows in their place.
RowFunction = Callable[[pa.Table], "pa.Table | Mapped"]


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """What a function returns if it leaves rows out.

    Attributes:
        rows: The rows that remain. Each keeps its ``_offset``.
        filtered: Reason (a code, never a value) -> offsets of the messages that have no row any
            more. They become ``filtered``, and the lake lists them.
    """

    rows: pa.Table
    filtered: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TableFunction:
    """A step that is a Python function.

    Attributes:
        dataset: The dataset whose rows it takes.
        function: Pure: its result depends on the table's rows alone, row by row or message by
            message, never on the clock, on chance, or on where a segment was cut. Defined in a
            module, so that workers can import it.
        version: Raise it with every change of what the function does: each segment commit names it.
        columns: The columns that it adds -> their class of personal data, such as ``NONE``,
            ``Q:date``; ``python -m beam_pipelines.masking explain`` shows the classes.
    """

    dataset: str
    function: RowFunction
    version: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's name, for messages and for the commit."""
        return f"{self.function.__module__}.{getattr(self.function, '__qualname__', '?')}"

    def digest(self) -> str:
        """Names what the rows depend on."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, kw_only=True)
class DerivedColumns:
    """A step that adds columns, each by one SQL expression over the row and the references.

    Attributes:
        dataset: The dataset whose rows it takes.
        expressions: New column -> SQL expression. They don't see one another.
        classes: New column -> its class of personal data.
    """

    dataset: str
    expressions: Mapping[str, str]
    classes: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in self.expressions:
            if not self.classes.get(name):
                raise ConfigurationError(
                    f"the derived column {self.dataset}.{name} has no class of personal data",
                    "Give it one: NONE if it tells nothing of a person",
                )

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns that it adds -> their class."""
        return self.classes

    def digest(self) -> str:
        """Names what the rows depend on."""
        text = orjson.dumps(dict(self.expressions), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:16]


def apply_function(step: TableFunction, table: pa.Table) -> Mapped:
    """Applies a function and accounts for every message.

    Returns:
        The rows by offset and row number, renumbered where a message has several, and what was
        filtered.

    Raises:
        RefusedError: The function lost or made up messages, touched the lineage, or added a column
            that has no class. The function is wrong for all data, so nothing is quarantined: the
            partition stops before the segment is written.
    """
    result = step.function(table)
    mapped = result if isinstance(result, Mapped) else Mapped(rows=result)
    _check_columns(step, table, mapped.rows)
    rows = _in_order(mapped.rows)
    _check_messages(step, table, rows, mapped.filtered)
    return Mapped(rows=rows, filtered=mapped.filtered)


def output_schema(step: TableFunction, schema: pa.Schema) -> pa.Schema:
    """Returns the schema of what a function makes of rows of a schema, by an empty table.

    Raises:
        ConfigurationError: It fails on a table without rows, or its columns are refused.
    """
    try:
        made: pa.Schema = apply_function(step, schema.empty_table()).rows.schema
    except RefusedError as error:
        raise ConfigurationError(error.what, error.remedy) from error
    except Exception as error:
        raise ConfigurationError(
            f"the function {step.name} of the dataset {step.dataset} fails on a table without rows "
            f"({type(error).__name__} at {_place(error)})",
            "A segment may have none: let it return an empty table",
        ) from error
    return made


def _place(error: BaseException) -> str:
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ else []
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "?"


def _check_columns(step: TableFunction, before: pa.Table, after: pa.Table) -> None:
    lineage = [name for name in before.column_names if name.startswith("_")]
    gone = [name for name in lineage if name not in after.column_names]
    if gone:
        raise RefusedError(
            f"the function {step.name} of the dataset {step.dataset} drops {gone[0]}",
            "Keep the columns that begin with an underscore: they say where a row comes from",
        )
    for name in after.column_names:
        if name not in before.column_names and name not in step.columns:
            raise RefusedError(
                f"the function {step.name} adds the column {step.dataset}.{name}, which has no "
                "class of personal data",
                "Name it in `columns` with its class",
            )


def _in_order(rows: pa.Table) -> pa.Table:
    """Sorts rows by offset, keeps the function's order within a message, and renumbers them."""
    offsets = column_values(rows, "_offset")
    if len(offsets) > 1 and np.any(np.diff(offsets) < 0):
        order = np.argsort(offsets, kind="stable")
        rows, offsets = rows.take(pa.array(order)), offsets[order]
    at = rows.column_names.index("_row")
    numbers = _numbered(offsets).astype(np.int32)
    return rows.set_column(at, rows.schema.field("_row"), pa.array(numbers))


def _numbered(offsets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Numbers the rows of each message from 0."""
    places = np.arange(len(offsets))
    first = np.concatenate([[True], np.diff(offsets) != 0]) if len(offsets) else np.empty(0, bool)
    return places - np.maximum.accumulate(np.where(first, places, 0))


def _check_messages(
    step: TableFunction, before: pa.Table, after: pa.Table, filtered: Mapping[str, Any]
) -> None:
    had = np.unique(column_values(before, "_offset"))
    listed = [np.asarray(offsets, dtype=np.int64) for offsets in filtered.values()]
    told = np.concatenate([np.unique(column_values(after, "_offset")), *listed])
    if len(np.unique(told)) != len(told):
        raise RefusedError(
            f"the function {step.name} of the dataset {step.dataset} returns a message twice: as "
            "filtered and with rows, or under two reasons",
            "A message has one end",
        )
    missing, extra = np.setdiff1d(had, told), np.setdiff1d(told, had)
    if len(missing) or len(extra):
        raise RefusedError(
            f"the function {step.name} of the dataset {step.dataset} loses {len(missing)} of "
            f"{len(had)} messages and makes up {len(extra)}",
            "Return what you leave out as filtered: Mapped(rows=..., filtered={reason: offsets})",
        )
