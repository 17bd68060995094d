"""Messages of one schema for benchmarks: nothing mixed, nothing planted."""

import numpy as np

from beam_pipelines.produce.contracts import contracts
from beam_pipelines.produce.encode import encode
from beam_pipelines.produce.pools import make_world
from beam_pipelines.produce.streams.dispense import dispense_columns
from beam_pipelines.produce.streams.fills import dispense_steps

DEFAULT_DAY = 20_528
"""2026-03-16, a Monday in summer time, as days since 1970-01-01."""

# Rows that are encoded at once: columns of this size stay within the processor's caches.
AT_ONCE = 50_000


def events_of_one_schema(n: int, seed: int = 0) -> list[bytes]:
    """Dispense events of the current schema version, 50 fields and about 325 bytes each.

    Args:
        n: How many.
        seed: Same seed, same bytes.

    Returns:
        `n` message values in Confluent's wire format (0x00, schema id 2, datum).
    """
    world_rng, steps_rng, columns_rng, guard_rng = np.random.default_rng(seed).spawn(4)
    world = make_world(world_rng, n, DEFAULT_DAY)
    contract = contracts("dispense_event")[2]
    header = contract.wire_header
    values: list[bytes] = []
    for batch in dispense_steps(world, steps_rng, n, AT_ONCE):
        columns = dispense_columns(world, columns_rng, batch)
        values += [header + datum for datum in encode(contract.schema, columns, guard_rng)]
    return values
