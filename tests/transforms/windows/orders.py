"""An aggregate of the fake lake's orders, with both kinds of sketches."""

from tests.fakes.lake import DATASET
from transforms.windows import Aggregate

ORDERS = Aggregate.model_validate(
    {
        "name": "orders",
        "dataset": DATASET,
        "time": "event_time",
        "window": "1h",
        "dimensions": ["_partition"],
        "measures": {
            "orders": {"count": ""},
            "each": {"distinct": "_offset"},
            "place": {"quantiles": "_offset", "at": [0.5]},
        },
    }
)
