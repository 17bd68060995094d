"""A loader in a process of its own, for the launcher to kill and freeze."""

import json
from collections.abc import Sequence

from tests.loads import small_plan
from transforms.lake import BatchLimits, ObjectStore, StoreSettings
from transforms.redshift import (
    Loader,
    RedshiftSettings,
    Statements,
    connect,
)


def main(argv: Sequence[str]) -> int:
    """Loads what is new; ``argv`` holds one JSON document of `tests.loads.Loads.process`."""
    given = json.loads(argv[0])
    settings = RedshiftSettings(**given["redshift"])
    loader = Loader(
        ObjectStore(given["root"], StoreSettings(**given["store"])),
        small_plan(),
        lambda: connect(settings),
        Statements(settings.schema),
        limits=BatchLimits(rows=given["rows"]),
        patience_s=30.0,
    )
    for _ in loader.load():
        continue
    return 0
