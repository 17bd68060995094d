"""The whole chain, drained again and again while the stream goes on: how old rows are."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from statistics import median

from tests.benchmarks.freshness import freshness
from tests.benchmarks.jobs import Run
from tests.benchmarks.warehouse.site import Site, site
from tests.benchmarks.warehouse.watching import LoadWatch
from transforms.redshift import Session, Statements

#: The tables that events go to; references are too few to count.
_EVENTS = ("raw_dispense_event", "raw_inventory_movement", "raw_patient_update")


def measure_freshness(rate: int, seconds: int, every: float) -> None:
    """Prints the time from a message's production until its row can be queried."""
    with site() as place, place.schema() as schema:
        watch = LoadWatch(place.session(schema), Statements(schema))
        watch.start()
        produced, drains = _drained(place, schema, rate, seconds, every)
        seen = watch.stop()
        place.verify(schema)
        session = place.session(schema)
        fresh = freshness(rows_by_load(session, schema), seen)
        session.close()
    walls = [each.wall for each in drains]
    print(
        f"{produced}, drained every {every:.0f} s "
        f"({len(drains)} drains of {median(walls):.1f} s, {max(walls):.1f} s at most, "
        f"{max(each.peak_mb for each in drains):.0f} MB): {fresh.rows:,} rows queryable after "
        f"p50 {fresh.p50:.1f} s, p99 {fresh.p99:.1f} s, at most {fresh.worst:.1f} s.\n"
    )


def _drained(
    place: Site, schema: str, rate: int, seconds: int, every: float
) -> tuple[str, list[Run]]:
    """Drains as a scheduler does, one after another, until all that was produced is loaded."""
    producer = producing(place, rate, rate * seconds)
    drains: list[Run] = []
    due = time.monotonic()
    try:
        ended = False
        while not ended:
            due = max(due + every, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))
            ended = producer.poll() is not None
            drains.append(place.drain(f"--redshift_schema={schema}"))
    finally:
        producer.kill()
        _, said = producer.communicate()
    if producer.returncode:
        raise RuntimeError(f"the producer ended with {producer.returncode}: {said.strip()}")
    return said.strip(), drains


def producing(place: Site, rate: int, events: int) -> subprocess.Popen[str]:
    """Starts the usual stream, live: it says at its end what it came to."""
    command = [
        *(sys.executable, "-m", "beam_pipelines.produce", "--live", "--seed=1", "--faults=none"),
        f"--kafka_bootstrap_servers={place.servers}",
        f"--events={events}",
        f"--rate={rate}",
    ]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def rows_by_load(session: Session, schema: str) -> Iterator[tuple[int, datetime, int]]:
    """Yields which load brought rows of events, when these were produced, and how many have both.

    Args:
        session: Of the warehouse.
        schema: Its schema.
    """
    for table in _EVENTS:
        query = (
            f"SELECT _load_id, _timestamp, COUNT(*) FROM {schema}.{table} "
            "GROUP BY _load_id, _timestamp"
        )
        for load, produced, count in session.query(query):
            yield int(load), produced, int(count)
