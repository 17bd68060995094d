"""Stores: NCPDP id, NPI, DEA number, place and time zone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import Bytes, concatenated, digits, letters, picked, text
from beam_pipelines.produce.identifiers import dea, npi
from beam_pipelines.produce.pools.zipf import zipf_cdf
from beam_pipelines.produce.words import CITIES, STREET_KINDS, STREETS


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Columns of equal length, one row a store, the busiest store first."""

    ids: Bytes
    ncpdp: pa.Array
    npi: pa.Array
    dea: pa.Array
    name: pa.Array
    number: pa.Array
    address: pa.Array
    postal_code: pa.Array
    city: npt.NDArray[np.int64]
    utc_offset_micros: npt.NDArray[np.int64]
    popularity: npt.NDArray[np.float64]
    dispenser_class: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.city)


def make_stores(rng: np.random.Generator, rows: int) -> Stores:
    """Draws `rows` stores."""
    numbers = np.arange(rows)
    city = rng.integers(len(CITIES), size=rows)
    ids = digits(1_000_003 + numbers * 1_373 % 8_000_000, 7)
    number = text(digits(numbers + 101, 5))
    chains = letters(np.full(rows, 0), b"P")
    return Stores(
        ids=ids,
        ncpdp=text(ids),
        npi=text(npi(40_000_000 + numbers * 7_919)),
        dea=text(dea(rng.integers(990_000, size=rows), chains)),
        name=concatenated("Pharmabeam #", number),
        number=number,
        address=street_addresses(rng, rows),
        postal_code=postal_codes(rng, city),
        city=city,
        utc_offset_micros=np.array([c[5] for c in CITIES])[city] * 3_600_000_000,
        popularity=zipf_cdf(rows, 0.9, 2.7),
        dispenser_class=np.where(numbers % 20 == 19, numbers // 20 % 6, 0),
    )


def street_addresses(rng: np.random.Generator, rows: int) -> pa.Array:
    """Made-up street addresses such as `4012 Hickory Ave`."""
    number = pa.array(rng.integers(1, 9_999, rows)).cast(pa.string())
    street = picked(pa.array(STREETS), rng.integers(len(STREETS), size=rows))
    kind = picked(pa.array(STREET_KINDS), rng.integers(len(STREET_KINDS), size=rows))
    return concatenated(number, " ", street, " ", kind)


def postal_codes(rng: np.random.Generator, city: npt.NDArray[np.int64]) -> pa.Array:
    """ZIP codes that agree with the first three digits of their city's."""
    prefix = picked(pa.array([c[3] for c in CITIES]), city)
    return concatenated(prefix, text(digits(rng.integers(100, size=len(city)), 2)))
