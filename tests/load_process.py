"""A loader in a process of its own, for the launcher to kill and freeze."""

import json
from collections.abc import Sequence

from tests.loads import small_plan
from transforms.lake import BatchLimits, ObjectStore, StoreSettings
from transforms.redshift import RedshiftSettings, loader_of


def main(argv: Sequence[str]) -> int:
    """Loads what is new; ``argv`` holds one JSON document of `tests.loads.Loads.process`."""
    given = json.loads(argv[0])
    settings = RedshiftSettings(**given["redshift"])
    store = ObjectStore(given["root"], StoreSettings(**given["store"]))
    loader = loader_of(store, small_plan(), settings, BatchLimits(rows=given["rows"]))
    for _ in loader.load():
        continue
    return 0
