"""A lake under test: how it is drained, and the proof that it holds what it must."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from runners.local import S3, Kafka
from tests.faults.s3_proxy import S3Proxy
from tests.launcher import PHARMACY, VERIFY, Ended, Launcher, Run
from tests.oracle import Expected, Verdict, compare, compare_dispositions
from transforms.lake import (
    ObjectStore,
    SegmentCommit,
    StoreSettings,
    commits,
    read_dataset,
    read_small_tables,
    require_lake,
)
from transforms.quality import open_dead_letters

Place = tuple[int, int]
#: Topic, partition and offset of a dead letter; its key, value, headers and timestamp.
Opened = tuple[tuple[str, int, int], tuple[Any, ...]]

SWEEP = "beam_pipelines.lake.cli:main"


@dataclass(frozen=True, kw_only=True)
class Lake:
    """A lake of one test, and the servers that it lives on.

    Attributes:
        launcher: Runs the commands.
        kafka: The broker.
        s3: The S3 server.
        config: Path of the job's configuration file.
        root: ``s3://bucket/prefix``.
        endpoint_url: Another way to the S3 server for the job, such as a proxy.
    """

    launcher: Launcher
    kafka: Kafka
    s3: S3
    config: str
    root: str
    endpoint_url: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> ObjectStore:
        """The lake's objects, past any proxy."""
        return ObjectStore(self.root, store_settings(self.s3))

    def start(self, *flags: str, crash: str = "", before: str = "", config: str = "") -> Run:
        """Starts a drain."""
        servers = f"--kafka_bootstrap_servers={self.kafka.bootstrap_servers}"
        return self.launcher.launch(
            [
                "--mode=drain",
                servers,
                f"--lake_root={self.root}",
                f"--config={config or self.config}",
                "--progress=off",
                *flags,
            ],
            environ={**self._environ(self.endpoint_url), **self.environ},
            crash=crash,
            main=PHARMACY,
            before=before,
        )

    def drain(self, *flags: str, crash: str = "", before: str = "", config: str = "") -> Ended:
        """Drains to the end of the process."""
        return self.start(*flags, crash=crash, before=before, config=config).wait()

    def verify(self, *flags: str) -> Ended:
        """Runs the command that proves a lake, against the broker too."""
        return self.command(
            VERIFY, f"--kafka_bootstrap_servers={self.kafka.bootstrap_servers}", *flags
        )

    def command(self, main: str, *flags: str) -> Ended:
        """Runs another command on the lake, past any proxy."""
        argv = [*flags, f"--lake_root={self.root}"]
        return self.launcher.launch(argv, environ=self._environ(""), main=main).wait()

    def commits(self) -> list[SegmentCommit]:
        """All segment commits, chain by chain."""
        store = self.store
        return [tail.commit for tail in commits(store, require_lake(store))]

    def keys(self, prefix: str = "") -> set[str]:
        """The keys below a prefix of the lake."""
        return {item.key for item in self.store.walk(prefix)}

    def behind(self, proxy: S3Proxy) -> "Lake":
        """Returns the lake with the job's way to it through a proxy."""
        return replace(self, endpoint_url=proxy.endpoint_url)

    def _environ(self, endpoint_url: str) -> dict[str, str]:
        given = dict(self.s3.environ())
        return given | {"AWS_ENDPOINT_URL_S3": endpoint_url or given["AWS_ENDPOINT_URL_S3"]}


def wait_until(holds: Callable[[], object], timeout: float = 60) -> None:
    """Waits for a state that nothing announces."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, f"not so within {timeout} s"
        time.sleep(0.02)


def store_settings(s3: S3) -> StoreSettings:
    """How to reach the S3 server."""
    return StoreSettings(
        endpoint_url=s3.endpoint_url,
        region=s3.region,
        access_key_id=s3.access_key,
        secret_access_key=s3.secret_key,
        patience_s=10,
    )


def assert_exact(lake: Lake, expected: Mapping[str, Expected]) -> None:
    """Runs the job once more and proves the lake: by ``verify``, and by the oracle.

    Args:
        lake: The lake.
        expected: What it must hold, by dataset: one topic each.
    """
    again = lake.drain()
    assert again.code == 0, again
    assert_holds(lake, expected)


def assert_holds(lake: Lake, expected: Mapping[str, Expected], *flags: str) -> None:
    """Proves the lake as it is."""
    verified = lake.verify(*flags)
    assert verified.code == 0, verified
    assert_lake_equals_oracle(lake.store, expected)


def assert_lake_equals_oracle(store: ObjectStore, expected: Mapping[str, Expected]) -> None:
    """Compares rows and dispositions with those that the oracle expects."""
    made = [tail.commit for tail in commits(store, require_lake(store))]
    for dataset, wanted in expected.items():
        rows = rows_of(store, dataset)
        differences = compare(rows, wanted)
        assert not differences, differences[:10]
        places = list(zip(*(rows[n].to_pylist() for n in ("_partition", "_offset")), strict=True))
        mine = [commit for commit in made if commit.topic == wanted.topic]
        differences = compare_dispositions(dispositions(store, mine, places), wanted)
        assert not differences, differences[:10]


def rows_of(store: ObjectStore, dataset: str) -> pa.Table:
    """All committed rows of a dataset; at least one."""
    return read_dataset(store.root, dataset, store=store.settings).to_table()


def in_order(rows: pa.Table) -> pa.Table:
    """Rows in the order of their places, enums as texts: dictionaries may differ in order."""
    plain = pa.table(
        [
            column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            for column in rows.columns
        ],
        rows.column_names,
    )
    keys = [(name, "ascending") for name in ("_topic", "_partition", "_offset", "_row")]
    return plain.sort_by(keys).combine_chunks()


def dispositions(
    store: ObjectStore, made: Sequence[SegmentCommit], accepted: Sequence[Place]
) -> dict[Place, Verdict]:
    """Rebuilds what became of each message of a topic from rows, sidecars and lists.

    Args:
        store: The lake's objects.
        made: The topic's commits.
        accepted: Partition and offset of each row.
    """
    listed = [(place, Verdict("accepted")) for place in accepted]
    for commit in made:
        p = commit.partition
        for reason, runs in commit.filtered.items():
            offsets = [offset for run in runs for offset in range(*run)]
            listed += [((p, offset), Verdict("filtered", reason)) for offset in offsets]
        for row in dead_letters_of(store, commit):
            listed.append(((p, row["offset"]), Verdict(row["disposition"], row["reason"])))
    found = dict(listed)
    assert len(found) == len(listed), "a message has two dispositions"
    return found


def dead_letters_of(store: ObjectStore, commit: SegmentCommit) -> list[dict[str, Any]]:
    """The dead letters of a commit, sealed as they are, in offset order; without their times."""
    table = read_small_tables(store, commit).get("dead_letters")
    # Python's calendar doesn't have all times that a producer may send.
    return [] if table is None else table.drop_columns(["timestamp"]).to_pylist()


def opened_dead_letters(
    store: ObjectStore, made: Sequence[SegmentCommit], key: str
) -> list[Opened]:
    """Opens the dead letters of commits: place, key, value, headers and timestamp of each."""
    found: list[Opened] = []
    for commit in made:
        letters = read_small_tables(store, commit).get("dead_letters")
        if letters is None:
            continue
        place = {"topic": commit.topic, "topic_id": commit.topic_id, "partition": commit.partition}
        for each in open_dead_letters(letters, key, **place):
            where = commit.topic, commit.partition, each["offset"]
            message = each["key"], each["value"], each["headers"] or [], each["timestamp_ms"]
            found.append((where, message))
    return found
