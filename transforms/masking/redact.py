"""The action ``redact``: that there was something stays, what it was goes."""

from typing import Final

import numpy as np
import pyarrow as pa

from transforms.masking.actions import is_text

REDACTED: Final = "[redacted]"


def redact(column: pa.Array) -> pa.Array:
    """Returns one constant text where there was one; nulls for other types."""
    if not is_text(column.type):
        return pa.nulls(len(column), column.type)
    zeros = pa.array(np.zeros(len(column), np.int32), mask=np.asarray(column.is_null()))
    return pa.DictionaryArray.from_arrays(zeros, pa.array([REDACTED]))
