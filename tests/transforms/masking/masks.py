"""A small dataset with every kind of column, and its masks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from schemas.classification import Classification
from tests.transforms import segments
from transforms.masking import DatasetMask, MaskConfig
from transforms.segment import Segment

ROOT = "5a" * 32
DATASET = "visits"
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)

CLASSES = {
    "at": Classification("NONE"),
    "patient": Classification("D:mrn", "hmac"),
    "name": Classification("D:name"),
    "born": Classification("Q:date", "year|age90"),
    "died": Classification("Q:date", "year"),
    "served": Classification("Q:date", "shift"),
    "promised": Classification("Q:date", "shift"),
    "zip": Classification("Q:geo", "zip3"),
    "country": Classification("NONE"),
    "badge": Classification("CREDENTIAL"),
    "codes": Classification("D:other_unique_id"),
}

SCHEMA = pa.schema(
    [
        pa.field("_offset", pa.int64(), nullable=False),
        pa.field("_row", pa.int32(), nullable=False),
        pa.field("_warnings", pa.dictionary(pa.int32(), pa.string())),
        pa.field("at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("patient", pa.string(), nullable=False),
        pa.field("name", pa.string()),
        pa.field("born", pa.date32()),
        pa.field("died", pa.date32()),
        pa.field("served", pa.date32()),
        pa.field("promised", pa.timestamp("us", "UTC")),
        pa.field("zip", pa.string()),
        pa.field("country", pa.dictionary(pa.int32(), pa.string())),
        pa.field("badge", pa.string()),
        pa.field("codes", pa.list_(pa.string())),
    ]
)


def dataset_mask(**changes: Any) -> DatasetMask:
    """The dataset's mask."""
    settings = {
        "classes": CLASSES,
        "patient": "patient",
        "reference_time": "at",
        "country": "country",
    }
    return DatasetMask(**{**settings, **changes})


def mask_config(policy: str = "pseudonymised", **changes: Any) -> MaskConfig:
    """A run's masks of the dataset."""
    settings = {
        "domain": "shop",
        "key": "env:MASKING_KEY",
        "key_version": 3,
        "datasets": {DATASET: dataset_mask()},
    }
    return MaskConfig(policy=policy, **{**settings, **changes})


def person(offset: int, **changes: Any) -> dict[str, Any]:
    """The row of an offset; a few patients come back."""
    row = {
        "_offset": offset,
        "_row": 0,
        "_warnings": None,
        "at": NOON + timedelta(hours=offset),
        "patient": f"P{offset % 5}",
        "name": f"Name {offset}",
        "born": date(1930 + offset % 90, 2, 28),
        "died": None,
        "served": date(2026, 3, 14) + timedelta(days=offset),
        "promised": NOON + timedelta(days=offset),
        "zip": f"{10_000 + offset:05d}",
        "country": "US",
        "badge": f"B{offset}",
        "codes": [f"C{offset}", f"C{offset % 3}"],
    }
    return {**row, **changes}


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the dataset."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def segment(rows: Sequence[Mapping[str, Any]]) -> Segment:
    """A segment whose messages became these rows, one each, with offsets from 0 on."""
    raw = segments.raw_segment(0, len(rows))
    return Segment(**{**vars(raw), "rows": {DATASET: table(rows)}})
