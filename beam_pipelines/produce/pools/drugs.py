"""Drug packages: NDC, GTIN, strength, unit, price, schedule. Prices and names are made up."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from beam_pipelines.produce.columns import Bytes, concatenated, digits, picked, text
from beam_pipelines.produce.drug_list import DRUGS
from beam_pipelines.produce.identifiers import gtin14, ndc10, ndc11
from beam_pipelines.produce.pools.zipf import zipf_cdf
from beam_pipelines.produce.words import LABELERS

SCHEDULES = ("NONE", "CII", "CIII", "CIV", "CV")
UNITS = ("EA", "GM", "ML")


@dataclass(frozen=True, kw_only=True)
class Drugs:
    """Columns of equal length, one row a package, the most dispensed first.

    `unit_price` is in hundredths of a cent, `package` in thousandths of a unit. `kind` indexes
    `drug_list.DRUGS`.
    """

    kind: npt.NDArray[np.int64]
    ids: Bytes
    ndc: pa.Array
    ndc12: pa.Array
    format: npt.NDArray[np.int64]
    gtin: pa.Array
    epc_prefix: pa.Array
    rxcui: pa.Array
    gpi: pa.Array
    name: pa.Array
    generic_name: pa.Array
    strength: pa.Array
    labeler: pa.Array
    brand: npt.NDArray[np.bool_]
    package: npt.NDArray[np.int64]
    daily_units: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    unit_price: npt.NDArray[np.int64]
    schedule: npt.NDArray[np.int64]
    popularity: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.kind)


def make_drugs(rng: np.random.Generator, rows: int) -> Drugs:
    """Draws `rows` packages."""
    kind = rng.permutation(np.arange(rows) % len(DRUGS))
    labeler = rng.integers(len(LABELERS), size=rows)
    format_ = rng.integers(3, size=rows)
    ids = _billing_ndcs(labeler, format_, rows)
    brand = np.array([bool(d.brand) for d in DRUGS])[kind] & (rng.random(rows) < 0.3)
    generic = picked(pa.array([d.name for d in DRUGS]), kind)
    names = [DRUGS[k].brand if b else DRUGS[k].name for k, b in zip(kind, brand, strict=True)]
    price = _numbers("price")[kind] * rng.integers(70, 140, rows) // 100
    return Drugs(
        kind=kind,
        ids=ids,
        ndc=text(ids),
        ndc12=concatenated("0", text(ids)),
        format=format_,
        gtin=text(gtin14(ndc10(ids, format_))),
        epc_prefix=_epc_prefixes(ndc10(ids, format_), format_),
        rxcui=text(digits(197_000 + kind * 37 + rng.integers(30, size=rows), 6)),
        gpi=text(digits(39_400_010_000_000 + kind * 1_000_310 + np.arange(rows), 14)),
        name=pa.array(names, pa.string()),
        generic_name=generic,
        strength=_strengths(rng, kind),
        labeler=picked(pa.array(LABELERS), labeler),
        brand=brand,
        package=_numbers("package")[kind] * 1_000,
        daily_units=_numbers("daily")[kind],
        unit=np.array([UNITS.index(d.unit) for d in DRUGS])[kind],
        unit_price=np.where(brand, price * 8, price),
        schedule=np.array([SCHEDULES.index(d.schedule) for d in DRUGS])[kind],
        popularity=zipf_cdf(rows, 0.8, 4.0),
    )


def _numbers(attribute: str) -> npt.NDArray[np.int64]:
    return np.array([getattr(drug, attribute) for drug in DRUGS], np.int64)


def _billing_ndcs(
    labeler: npt.NDArray[np.int64], format_: npt.NDArray[np.int64], rows: int
) -> Bytes:
    """One product number per row, so that no two rows share an NDC after padding."""
    labelers = np.where(format_ == 0, 1_200 + labeler * 7, 50_100 + labeler * 77)
    return ndc11(labelers, np.arange(rows) % 999 + 1, np.arange(rows) % 8 + 1, format_)


def _strengths(rng: np.random.Generator, kind: npt.NDArray[np.int64]) -> pa.Array:
    options = [d.strengths for d in DRUGS]
    draws = rng.integers(1 << 16, size=len(kind))
    return pa.array([options[k][d % len(options[k])] for k, d in zip(kind, draws, strict=True)])


def _epc_prefixes(ndc: Bytes, format_: npt.NDArray[np.int64]) -> pa.Array:
    """`urn:epc:id:sgtin:` with company prefix and item reference (GS1 EPC Tag Data Standard).

    The company prefix is 03 and the labeler's 4 or 5 digits; the item starts with the indicator.
    """
    texts = [bytes(row).decode("ascii") for row in ndc]
    cuts = np.where(format_ == 0, 4, 5)
    return pa.array(
        [f"urn:epc:id:sgtin:03{t[:cut]}.0{t[cut:]}." for t, cut in zip(texts, cuts, strict=True)]
    )
