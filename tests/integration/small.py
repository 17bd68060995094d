"""Small topics that hold what a test needs, to the message, and lakes that read them."""

import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewPartitions

from beam_pipelines.pharmacy.cli import main
from runners.local import S3, Kafka
from schemas.catalog import packaged_dataset
from schemas.model import AvroSchema
from tests.faults.lakes import Lake, dispositions, rows_of
from tests.launcher import DEAD_LETTER_KEY, Ended, Launcher
from tests.oracle import (
    Expected,
    Message,
    committed_ends,
    compare,
    compare_dispositions,
    earliest_starts,
    expected_of,
    read_committed,
)
from tests.servers import make_topic

#: The dataset of most tests and its id in the packaged registry.
DATASET, SCHEMA_ID = "pharmacy_ref", 8
#: The packaged topic whose dataset the tests' topics carry.
CARRIED = "pharmacy.ref.pharmacies"

#: A broker under test answers within a second, on a busy machine within some more.
ANSWER_S = 30.0


def datum(number: int) -> bytes:
    """An Avro datum of the dataset."""
    row = {
        "pharmacy_ncpdp_id": f"{number:07d}",
        "npi": f"{number:010d}",
        "name": f"Pharmacy {number}",
        "state": "OH",
        "postal_code": "43004",
        "time_zone": "America/New_York",
        "open_24h": number % 2 == 0,
        "dispenser_class": "RETAIL",
        "effective_from": 1_700_000_000_000_000 + number,
        "active": True,
    }
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, _schema(), row)
    return buffer.getvalue()


@cache
def _schema() -> Any:
    return fastavro.parse_schema(reader_schema().json)


def reader_schema() -> AvroSchema:
    """The schema of the dataset: writer and reader alike."""
    return packaged_dataset(DATASET).reader


def confluent(numbers: Iterable[int], schema_id: int = SCHEMA_ID) -> list[bytes]:
    """Message values in Confluent's wire format."""
    return [b"\x00" + schema_id.to_bytes(4, "big") + datum(number) for number in numbers]


def send(
    kafka: Kafka, topic: str, values: Sequence[bytes | None], partition: int = 0, **message: Any
) -> None:
    """Appends messages to a partition and waits until they are in the log."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 1})
    _produce(producer, topic, values, partition, **message)


def _produce(
    producer: Producer, topic: str, values: Sequence[bytes | None], partition: int, **message: Any
) -> None:
    failures: list[Any] = []
    for value in values:
        message = {"key": b"k", **message}
        report = lambda error, _: failures.append(error) if error else None  # noqa: E731
        producer.produce(topic, value, partition=partition, on_delivery=report, **message)
    assert producer.flush(ANSWER_S) == 0
    assert not failures, failures[0]


class Abort(Exception):  # noqa: N818 - a signal, not an error
    """Ends a `transaction` without its messages."""


@contextmanager
def transaction(kafka: Kafka, name: str) -> Iterator[Callable[..., None]]:
    """Opens a transaction; gives ``send(topic, values, partition)``.

    It is committed at the end of the body, or given up if the body raises `Abort`.
    """
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": name})
    producer.init_transactions(ANSWER_S)
    producer.begin_transaction()
    try:
        yield lambda topic, values, partition=0: _produce(producer, topic, values, partition)
    except Abort:
        producer.abort_transaction(ANSWER_S)
    else:
        producer.commit_transaction(ANSWER_S)


def aborted(
    kafka: Kafka, name: str, topic: str, values: Sequence[bytes], partition: int = 0
) -> None:
    """Leaves the messages of a transaction that was given up in the log."""
    with transaction(kafka, name) as send_in:
        send_in(topic, values, partition)
        raise Abort


def recreate(kafka: Kafka, topic: str, partitions: int = 1) -> None:
    """Deletes a topic and makes another of the same name."""
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result(ANSWER_S)
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            make_topic(kafka, topic, partitions, {})
        except KafkaException:  # It is gone only a moment after the answer.
            assert time.monotonic() < deadline, f"{topic} can't be made again"
            time.sleep(0.05)
        else:
            return


def delete_records(kafka: Kafka, topic: str, before: int, partition: int = 0) -> None:
    """Deletes the messages below an offset, as retention does."""
    place = TopicPartition(topic, partition, before)
    admin = kafka.admin()
    admin.delete_records([place])[place].result()
    assert earliest_starts(kafka.bootstrap_servers, topic)[partition] == before


def add_partitions(kafka: Kafka, topic: str, total: int) -> None:
    """Gives a topic more partitions and waits until they have leaders."""
    admin = kafka.admin()
    admin.create_partitions([NewPartitions(topic, total)])[topic].result(ANSWER_S)
    deadline = time.monotonic() + ANSWER_S
    while True:
        known = admin.list_topics(topic, timeout=10).topics[topic].partitions
        if len(known) == total and all(p.leader >= 0 for p in known.values()):
            return
        assert time.monotonic() < deadline, f"{topic} has no {total} partitions"
        time.sleep(0.05)


LakeFactory = Callable[..., Lake]


def small_lake(
    launcher: Launcher, kafka: Kafka, s3: S3, root: str, write_config: Callable[..., str]
) -> LakeFactory:
    """Returns ``make(*topics, messages=..., environ={}, **sections) -> Lake``.

    A topic is a name, which then carries `DATASET`, or a mapping for the configuration file.
    """
    return partial(_make, launcher, kafka, s3, root, write_config)


def _make(
    launcher: Launcher,
    kafka: Kafka,
    s3: S3,
    root: str,
    write_config: Callable[..., str],
    /,
    *topics: str | Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    **sections: Any,
) -> Lake:
    listed = [{"topic": t, "dataset": DATASET} if isinstance(t, str) else dict(t) for t in topics]
    config = write_config(topics=listed, **sections)
    return Lake(
        launcher=launcher, kafka=kafka, s3=s3, config=config, root=root, environ=environ or {}
    )


def run_here(lake: Lake, capfd: Any, monkeypatch: Any, *flags: str, config: str = "") -> Ended:
    """Runs the job in this process: for runs that end before they begin, where a fork costs most.

    Args:
        lake: The lake; its environment counts.
        capfd: Catches what C libraries write, too.
        monkeypatch: Sets the environment.
        flags: Beside those that every run has.
        config: Another configuration file.
    """
    environ = {**lake.s3.environ(), "DEAD_LETTER_KEY": DEAD_LETTER_KEY, **lake.environ}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    capfd.readouterr()
    code = main(
        [
            "--mode=drain",
            f"--kafka_bootstrap_servers={lake.kafka.bootstrap_servers}",
            f"--lake_root={lake.root}",
            f"--config={config or lake.config}",
            "--progress=off",
            *flags,
        ]
    )
    return Ended(code, *capfd.readouterr())


def logged(kafka: Kafka, topic: str) -> list[Message]:
    """The committed messages that a topic has now."""
    servers = kafka.bootstrap_servers
    return list(
        read_committed(
            servers, topic, earliest_starts(servers, topic), committed_ends(servers, topic)
        )
    )


def assert_holds_exactly(
    lake: Lake,
    topic: str,
    messages: Iterable[Message],
    writers: Mapping[int, AvroSchema] | None = None,
) -> None:
    """Proves that the lake holds what these messages of a topic must become, and nothing else.

    Args:
        lake: The lake.
        topic: One of its topics; its dataset may be that of others.
        messages: All that the lake must have read of it.
        writers: Writer schemas by id; the packaged ones by default.
    """
    expected = expected_of(topic, messages, carries=CARRIED, writers=writers)
    made = [commit for commit in lake.commits() if commit.topic == topic]
    assert_equal(lake, made, expected)


def assert_equal(lake: Lake, made: Sequence[Any], expected: Expected) -> None:
    """Compares what some commits of one topic hold with what they must."""
    ids = {commit.topic_id for commit in made}
    rows = of_topic_ids(rows_of(lake.store, DATASET), ids)
    assert not compare(rows, expected)
    places = list(zip(*(rows[n].to_pylist() for n in ("_partition", "_offset")), strict=True))
    assert not compare_dispositions(dispositions(lake.store, made, places), expected)


def of_topic_ids(rows: pa.Table, ids: set[str]) -> pa.Table:
    """The rows of some incarnations of topics."""
    column = rows.column("_topic_id").cast(pa.string())
    return rows.filter(pc.is_in(column, value_set=pa.array(sorted(ids), pa.string())))


def assert_proven(lake: Lake, *flags: str) -> None:
    """Proves the lake by the command ``verify``."""
    verified = lake.verify(*flags)
    assert verified.code == 0, verified


def fences(lake: Lake, topic: str) -> dict[int, int]:
    """How far the partitions of a topic have come."""
    return {each.partition: each.end for each in lake.commits() if each.topic == topic}


def keys_of(lake: Lake) -> set[str]:
    """All objects below the lake's root."""
    return {item.key for item in lake.store.walk("")}
