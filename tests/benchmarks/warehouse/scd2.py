"""Changes of patients onto the versions that are there."""

from statistics import median
from typing import Final

from beam_pipelines.produce.topics import PATIENTS, TOPICS
from tests.benchmarks.figures import spread
from tests.benchmarks.topics import create_topic, fill_topic
from tests.benchmarks.warehouse.patients import PatientChanges
from tests.benchmarks.warehouse.site import Load, Site, site

_DIMENSION: Final = "dim_patient"


def measure_changes(versions: int, changes: int, runs: int) -> None:
    """Prints what a load of changes takes, with the whole plan and from the lake."""
    with site() as place:
        for topic in TOPICS:
            create_topic(place.servers, topic.name, topic.partitions)
        drawn = PatientChanges(versions, seed=1)
        with place.schema() as schema:
            first = _brought(place, schema, drawn, versions)
            there = _versions(place, schema)
            loads = [_brought(place, schema, drawn, changes) for _ in range(runs)]
    seconds = spread([each.seconds for each in loads])
    anew = median(each.made_anew(_DIMENSION) for each in loads)
    print(f"{first.rows:,} changes into empty tables: {first.seconds:.1f} s.")
    print(
        f"{changes:,} changes onto {there:,} versions: {seconds} s from the lake to the end of "
        f"COMMIT, {anew:,.0f} rows of {_DIMENSION} made anew; CPU s of the gateway "
        f"{spread([each.servers.gateway for each in loads])}, PostgreSQL "
        f"{spread([each.servers.postgres for each in loads])}.\n"
    )


def _brought(place: Site, schema: str, drawn: PatientChanges, count: int) -> Load:
    for events in drawn.draw(count):
        fill_topic(place.servers, PATIENTS.name, events, PATIENTS.partitions)
    place.drain()
    return place.load(schema)


def _versions(place: Site, schema: str) -> int:
    session = place.session(schema)
    query = f"SELECT COUNT(*) FROM {schema}.{_DIMENSION} WHERE NOT is_inferred"
    found = int(session.query(query)[0][0])
    session.close()
    return found
