"""Patients: synthetic persons with everything that PHI has - names, addresses, numbers, dates.

Phones use the exchange 555, social security numbers the area 900-998, which is never issued, so
that no value can be a real person's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.produce.columns import (
    Bytes,
    concatenated,
    digits,
    enums,
    joined,
    nullable,
    picked,
    text,
)
from beam_pipelines.produce.pools.stores import Stores, postal_codes, street_addresses
from beam_pipelines.produce.words import CITIES, FIRST_NAMES, LAST_NAMES, PAYERS

GENDERS = ("UNKNOWN", "MALE", "FEMALE", "OTHER")


@dataclass(frozen=True, kw_only=True)
class Patients:
    """Columns of equal length, one row a patient, ordered by home store.

    Store s is the home of the rows `first[s]` to `first[s + 1]`, never none.
    """

    first: npt.NDArray[np.int64]
    ids: Bytes
    patient_id: pa.Array
    first_name: pa.Array
    middle_name: pa.Array
    last_name: pa.Array
    birth_day: npt.NDArray[np.int64]
    gender: npt.NDArray[np.int64]
    ssn: pa.Array
    address: pa.Array
    unit: pa.Array
    city: npt.NDArray[np.int64]
    postal_code: pa.Array
    phone: pa.Array
    fax: pa.Array
    email: pa.Array
    license: pa.Array
    member_id: pa.Array
    group_id: pa.Array
    payer: npt.NDArray[np.int64]
    store: npt.NDArray[np.int64]
    prescriber: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.store)


def make_patients(
    rng: np.random.Generator, rows: int, stores: Stores, prescribers: int, day: int
) -> Patients:
    """Draws at least `rows` patients, each with a home store and a prescriber.

    Args:
        rng: Source of the draws.
        rows: Patients wanted; each store gets one at least.
        stores: The home stores.
        prescribers: How many prescribers there are to choose from.
        day: The stream's day, days since 1970; no patient is born after it.
    """
    shares = np.diff(stores.popularity, prepend=0.0)
    counts = np.maximum(1, np.round(shares * rows)).astype(np.int64)
    store = np.repeat(np.arange(len(stores)), counts)
    return Patients(
        first=np.concatenate([[0], np.cumsum(counts)]),
        store=store,
        city=stores.city[store],
        prescriber=rng.integers(prescribers, size=len(store)),
        payer=rng.integers(len(PAYERS), size=len(store)),
        birth_day=day - (rng.beta(2.2, 1.8, len(store)) * 97 * 365.25).astype(np.int64) - 400,
        gender=rng.choice(4, size=len(store), p=[0.01, 0.46, 0.52, 0.01]),
        **_texts(rng, stores.city[store]),
    )


def _texts(rng: np.random.Generator, city: npt.NDArray[np.int64]) -> dict[str, pa.Array | Bytes]:
    rows = len(city)
    first = picked(pa.array(FIRST_NAMES), rng.integers(len(FIRST_NAMES), size=rows))
    last = picked(pa.array(LAST_NAMES), rng.integers(len(LAST_NAMES), size=rows))
    middle = picked(pa.array(FIRST_NAMES), rng.integers(len(FIRST_NAMES), size=rows))
    numbers = np.arange(rows)
    ids = joined(rows, b"P", digits(10_000_000 + numbers * 17, 9))
    state = picked(pa.array([c[2] for c in CITIES]), city)
    return {
        "ids": ids,
        "patient_id": text(ids),
        "first_name": first,
        "middle_name": nullable(middle, rng.random(rows) < 0.4),
        "last_name": last,
        "ssn": nullable(_ssns(rng, rows), rng.random(rows) < 0.3),
        "address": street_addresses(rng, rows),
        "unit": nullable(
            concatenated("Apt ", text(digits(rng.integers(1, 400, rows), 3))),
            rng.random(rows) < 0.25,
        ),
        "postal_code": postal_codes(rng, city),
        "phone": _phones(rng, rows),
        "fax": nullable(_phones(rng, rows), rng.random(rows) < 0.03),
        "email": nullable(_emails(first, last, numbers), rng.random(rows) < 0.7),
        "license": nullable(
            concatenated(state, text(digits(rng.integers(10**8, size=rows), 8))),
            rng.random(rows) < 0.5,
        ),
        "member_id": concatenated("M", text(digits(rng.integers(10**10, size=rows), 10))),
        "group_id": concatenated("RX", text(digits(rng.integers(10**4, size=rows), 4))),
    }


def _ssns(rng: np.random.Generator, rows: int) -> pa.Array:
    area = digits(rng.integers(900, 999, rows), 3)
    group = digits(rng.integers(1, 100, rows), 2)
    serial = digits(rng.integers(1, 10_000, rows), 4)
    return text(joined(rows, area, b"-", group, b"-", serial))


def _phones(rng: np.random.Generator, rows: int) -> pa.Array:
    area = digits(rng.integers(201, 990, rows), 3)
    line = digits(rng.integers(10_000, size=rows), 4)
    return text(joined(rows, area, b"-555-", line))


def _emails(first: pa.Array, last: pa.Array, numbers: npt.NDArray[np.int64]) -> pa.Array:
    number = pa.array(numbers).cast(pa.string())
    name = pc.utf8_lower(concatenated(first, ".", last, number))
    return concatenated(pc.replace_substring(name, "'", ""), "@example.com")


def gender_column(indexes: npt.NDArray[np.int64]) -> pa.Array:
    """Genders by index as an enum column."""
    return enums(indexes, GENDERS)
