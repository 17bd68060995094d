"""``python -m tests.benchmarks.streams``: speed of streams on Flink, and of drains on Spark.

On a cluster of real processes with two workers; it, Kafka, the S3 server and the stand-in for
Redshift share this machine's cores. Each part has servers and disks of its own.
"""

import argparse

from tests.benchmarks.figures import MILLION, machine
from tests.benchmarks.parts import parts_of
from tests.benchmarks.streams.drains import measure_drains
from tests.benchmarks.streams.live import measure_live
from tests.benchmarks.streams.sustained import measure_growth, measure_sustained

PARTS = ("sustained", "live", "growth", "spark")


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--events", type=int, default=18 * MILLION, help="sustained: events that wait")
    add("--seconds", type=int, default=180, help="sustained and live: for how long")
    add("--rate", type=float, default=5.0, help="live: MB a second")
    add("--max_age_s", type=int, default=30, help="live: longest wait of a message for its segment")
    add("--growth_events", type=int, default=5 * MILLION, help="growth: events that wait")
    add("--growth_seconds", type=int, default=60, help="growth: for how long")
    add("--drained", type=int, default=2 * MILLION, help="spark: events")
    add("--runs", type=int, default=3, help="spark: rounds")
    given, parts = parts_of(parser, PARTS)
    print(f"{machine()}; Kafka, S3, the stand-in and the cluster on the same cores.\n")
    if "sustained" in parts:
        measure_sustained(given.events, given.seconds)
    if "live" in parts:
        measure_live(given.rate, given.seconds, given.max_age_s)
    if "growth" in parts:
        measure_growth(given.growth_events, given.growth_seconds)
    if "spark" in parts:
        measure_drains(given.drained, given.runs)


if __name__ == "__main__":
    main()
