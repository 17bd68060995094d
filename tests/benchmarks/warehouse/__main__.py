"""``python -m tests.benchmarks.warehouse``: how fast the warehouse is loaded, and how fresh it is.

Into the stand-in for Redshift; it, Kafka and the S3 server share this machine's cores with the
jobs. Each part has servers and disks of its own.
"""

import argparse

from tests.benchmarks.figures import MILLION, machine
from tests.benchmarks.parts import parts_of
from tests.benchmarks.warehouse.chain import measure_freshness
from tests.benchmarks.warehouse.loading import measure_loads
from tests.benchmarks.warehouse.scd2 import measure_changes

PARTS = ("load", "scd2", "freshness")


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rows", type=int, default=MILLION, help="load: dispense rows")
    parser.add_argument(
        "--backlog", type=int, default=3 * MILLION, help="load: dispense rows of the memory test"
    )
    parser.add_argument("--versions", type=int, default=MILLION, help="scd2: changes before")
    parser.add_argument("--changes", type=int, default=100_000, help="scd2: changes of a load")
    parser.add_argument("--rate", type=int, default=5_000, help="freshness: events a second")
    parser.add_argument("--seconds", type=int, default=180, help="freshness: for how long")
    parser.add_argument("--every", type=float, default=30.0, help="freshness: s between drains")
    given, parts = parts_of(parser, PARTS)
    print(f"{machine()}; Kafka, S3 and the stand-in for Redshift on the same cores.\n")
    if "load" in parts:
        measure_loads(given.rows, given.backlog, given.runs)
    if "scd2" in parts:
        measure_changes(given.versions, given.changes, given.runs)
    if "freshness" in parts:
        measure_freshness(given.rate, given.seconds, given.every)


if __name__ == "__main__":
    main()
