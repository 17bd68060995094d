"""How old rows are in lake and warehouse while events come in live."""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from beam_pipelines.produce.topics import DISPENSE, INVENTORY
from tests.benchmarks.freshness import Freshness, freshness
from tests.benchmarks.streams.commit_watch import Seen
from tests.benchmarks.streams.figures import CommitName, name_of, produced
from tests.benchmarks.streams.site import SEED, Stream, StreamSite, stream_site
from tests.benchmarks.warehouse.chain import producing, rows_by_load
from tests.benchmarks.warehouse.watching import LoadWatch
from transforms.lake import read_dataset
from transforms.redshift import Statements

_COLUMNS: Final = ["_topic", "_partition", "_offset", "_timestamp"]
#: Load or commit, when it was produced, and how many rows have both.
Brought = TypeVar("Brought", tuple[int, datetime, int], tuple[CommitName, datetime, int])
#: After the last event all of it must be in the warehouse.
_REST_S: Final = 300.0
#: What proves it takes a core, which the last segments and loads need until then.
_SETTLE_S: Final = 75
_LOAD_INTERVAL_S: Final = 10
#: A stream takes its time to start; what came meanwhile would be old for that alone.
_BEFORE: Final = 20_000


def measure_live(megabytes: float, seconds: int, max_age_s: int) -> None:
    """Prints how old rows were when they could be read from lake and warehouse.

    Args:
        megabytes: Of events a second, keys and values.
        seconds: For how long.
        max_age_s: The stream's: after so many seconds a segment is written, however small.
    """
    flags = f"--load_interval={_LOAD_INTERVAL_S}", f"--set=stream.max_age_s={max_age_s}"
    with stream_site() as site, site.schema() as schema:
        site.produce(_BEFORE, SEED)
        per_second = round(megabytes * 1e6 / site.mean_bytes())
        watch = LoadWatch(site.session(schema), Statements(schema))
        watch.start()
        with site.stream(f"--redshift_schema={schema}", *flags) as stream:
            stream.await_commit()
            begun = time.time()
            said = _produced(site, stream, per_second, per_second * seconds)
            stream.pause(_SETTLE_S)
            _await_rows(site, schema, stream)
            seen = stream.watch.stop()
        loads = watch.stop()
        lake = freshness(_since(begun, _in_lake(site, seen)), {name_of(s): s.at for s in seen})
        session = site.session(schema)
        loaded = freshness(_since(begun, rows_by_load(session, schema)), loads)
        session.close()
    print(
        f"{said}, {megabytes:.1f} MB/s, a stream of two workers, "
        f"segments of at most {max_age_s} s, loaded every {_LOAD_INTERVAL_S} s:\n"
    )
    for place, found in (("lake", lake), ("warehouse", loaded)):
        print(f"* {place}: {_told(found)}")
    print(flush=True)


def _produced(site: StreamSite, stream: Stream, per_second: int, events: int) -> str:
    producer = producing(site, per_second, events)
    try:
        while producer.poll() is None:
            stream.pause(1)
    finally:
        producer.kill()
        _, said = producer.communicate()
    if producer.returncode:
        raise RuntimeError(f"the producer ended with {producer.returncode}: {said.strip()}")
    return str(said.strip())


def _await_rows(site: StreamSite, schema: str, stream: Stream) -> None:
    """Waits until lake and warehouse have all that the topics hold."""
    deadline = time.monotonic() + _REST_S
    while True:
        try:
            site.verify(schema)
        except RuntimeError as error:
            if time.monotonic() > deadline:
                raise RuntimeError("the warehouse doesn't catch up") from error
            stream.pause(15)
        else:
            return


def _in_lake(site: StreamSite, seen: Sequence[Seen]) -> Iterator[tuple[CommitName, datetime, int]]:
    for topic in (DISPENSE, INVENTORY):
        rows = read_dataset(site.lake, topic.dataset, store=site.store).to_table(columns=_COLUMNS)
        yield from produced(rows, [one for one in seen if one.commit.topic == topic.name])


def _since(begun: float, rows: Iterable[Brought]) -> Iterator[Brought]:
    """Leaves out what was there before."""
    return (row for row in rows if row[1].replace(tzinfo=UTC).timestamp() >= begun)


def _told(found: Freshness) -> str:
    return (
        f"{found.rows:,} rows after p50 {found.p50:.1f} s, p99 {found.p99:.1f} s, at most "
        f"{found.worst:.1f} s"
    )
