"""A loader in a process of its own, for the launcher to kill and freeze."""

import json
from collections.abc import Sequence

from tests.fakes.lake import DATASET, TOPIC
from tests.loads import NOTE_BYTES, wide
from transforms.lake import BatchLimits, ObjectStore, StoreSettings
from transforms.redshift import (
    Loader,
    LoadPlan,
    RawTable,
    RedshiftSettings,
    Statements,
    connect,
)


def main(argv: Sequence[str]) -> int:
    """Loads what is new; ``argv`` holds one JSON document of `tests.loads.Loads.process`."""
    given = json.loads(argv[0])
    settings = RedshiftSettings(**given["redshift"])
    rows = wide(0, 1).rows[DATASET].schema
    raw = RawTable(dataset=DATASET, topics=(TOPIC,), schema=rows, lengths={"note": NOTE_BYTES})
    loader = Loader(
        ObjectStore(given["root"], StoreSettings(**given["store"])),
        LoadPlan((raw,)),
        lambda: connect(settings),
        Statements(settings.schema),
        limits=BatchLimits(rows=given["rows"]),
        patience_s=30.0,
    )
    for _ in loader.load():
        continue
    return 0
