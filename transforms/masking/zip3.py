"""The action ``zip3``: the first three digits of a US ZIP code, where enough people live there."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.masking.distinct import by_distinct
from transforms.masking.zip3_table import ALLOWED

#: Stands for every prefix that can't be told (45 CFR 164.514(b)(2)(i)(B)(2)).
WITHHELD: Final = "000"

_US_ZIP: Final = r"^[0-9]{5}(-?[0-9]{4})?$"
_ALLOWED: Final = pa.array(sorted(ALLOWED), pa.string())
_US: Final = pa.array(["US", "USA", "UNITED STATES"], pa.string())


def zip3(codes: pa.Array) -> pa.Array:
    """Cuts ZIP codes (``12345``, ``12345-6789``, ``123456789``) to three digits.

    Returns:
        Dictionary of text: the prefix, ``000`` where it is not on the allow-list, null for null,
        blank, and whatever is no US ZIP code.
    """
    return by_distinct(codes, _prefixes)


def _prefixes(distinct: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(distinct)
    well_formed = pc.match_substring_regex(trimmed, _US_ZIP)
    prefix = pc.utf8_slice_codeunits(trimmed, 0, 3)
    told = pc.if_else(pc.is_in(prefix, value_set=_ALLOWED), prefix, WITHHELD)
    return pc.if_else(well_formed, told, pa.scalar(None, pa.string()))


def domestic(countries: pa.Array) -> np.ndarray[Any, Any]:
    """Tells which rows are of the United States: a German ``10115`` is no New York prefix.

    Rows without a country count as domestic: most systems leave it out.
    """
    texts = pc.utf8_upper(pc.utf8_trim_whitespace(countries.cast(pa.string())))
    blank = pc.fill_null(pc.equal(texts, ""), True)
    return np.asarray(pc.or_(pc.is_in(texts, value_set=_US), blank).to_numpy(zero_copy_only=False))
