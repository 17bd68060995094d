"""Prescribers: NPI, DEA number, name, license."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import concatenated, digits, nullable, picked, text
from beam_pipelines.produce.identifiers import dea, npi
from beam_pipelines.produce.words import CITIES, FIRST_NAMES, LAST_NAMES

FREE_DEA_NUMBER = 990_000
"""No DEA number of the pools has six digits from here on."""

# Of ten prescribers nine have a DEA number; only they write for scheduled drugs.
_WITH_DEA = 0.9


@dataclass(frozen=True, kw_only=True)
class Prescribers:
    """Columns of equal length, one row a prescriber; the first `registered` have a DEA number.

    `deactivated` tells whose NPI was given up the day before the stream's.
    """

    npi: pa.Array
    dea: pa.Array
    last_name: pa.Array
    first_name: pa.Array
    license: pa.Array
    city: npt.NDArray[np.int64]
    registered: int
    deactivated: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.city)


def make_prescribers(rng: np.random.Generator, rows: int) -> Prescribers:
    """Draws `rows` prescribers."""
    numbers = np.arange(rows)
    last = rng.integers(len(LAST_NAMES), size=rows)
    city = rng.integers(len(CITIES), size=rows)
    initials = np.array([ord(n[0]) for n in LAST_NAMES], np.uint8)[last][:, None]
    licensed = dea(rng.integers(FREE_DEA_NUMBER, size=rows), initials)
    registered = max(1, int(rows * _WITH_DEA))
    state = picked(pa.array([c[2] for c in CITIES]), city)
    return Prescribers(
        npi=text(npi(60_000_000 + numbers * 6_007)),
        dea=nullable(text(licensed), numbers < registered),
        last_name=picked(pa.array(LAST_NAMES), last),
        first_name=picked(pa.array(FIRST_NAMES), rng.integers(len(FIRST_NAMES), size=rows)),
        license=concatenated(state, text(digits(rng.integers(1_000_000, size=rows), 6))),
        city=city,
        registered=registered,
        deactivated=numbers % 500 == 60,
    )
