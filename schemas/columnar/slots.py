"""Where the values that a cursor reads belong in the column that is built."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.columnar.arrays import Ints, Mask


class Slots:
    """Places in a column: all of them, or only those of some rows.

    Attributes:
        size: Number of places.
        rows: The places that are filled, ascending; None for all.
        nullable: Whether the other places are null; else they hold zeros, beneath a null struct:
            neither Arrow nor Parquet admits a null in a required field, not even there.
    """

    def __init__(self, size: int, rows: Ints | None = None, nullable: bool = True) -> None:
        self.size = size
        self.rows = rows
        self.nullable = nullable

    @cached_property
    def valid(self) -> Mask | None:
        """Which places are not null; None for all."""
        if self.rows is None or not self.nullable:
            return None
        valid = np.zeros(self.size, np.bool_)
        valid[self.rows] = True
        return valid

    def scatter(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Puts values into their places; the other places are zero."""
        if self.rows is None:
            return values
        placed = np.zeros((self.size, *values.shape[1:]), values.dtype)
        placed[self.rows] = values
        return placed

    def required(self) -> "Slots":
        """The slots of a required field of the struct that these slots hold."""
        return Slots(self.size, self.rows, nullable=False)

    def narrow(self, rows: Ints) -> "Slots":
        """The slots of some of the cursor's rows; the others are null."""
        return Slots(self.size, rows if self.rows is None else self.rows[rows])
