"""The bytes of a commit: canonical, stable, and refused when they are not ours."""

import orjson
import pytest

from transforms.errors import ChainError
from transforms.lake.commit import DataFile, SegmentCommit, digest, parse_commit

COMMIT = SegmentCommit(
    lake_id="lake-1",
    cluster_id="cluster-1",
    topic="shop.events",
    topic_id="AbC-_123",
    partition=2,
    seq=1,
    start=10,
    end=20,
    prev="ab" * 32,
    messages=8,
    offsets_sha256="cd" * 32,
    dispositions={"accepted": {"": 5}, "filtered": {"tombstone": 2}, "dead_letter": {"utf8": 1}},
    filtered={"tombstone": ((12, 13), (15, 16))},
    gaps=((10, 11),),
    broker_time=(1_000, 2_000),
    event_time=(3, 4),
    files=(
        DataFile(
            dataset="events",
            key="data/events/event_date=2026-01-31/x.parquet",
            rows=5,
            bytes=99,
            sha256="ef" * 32,
            offsets=(11, 19),
            event_time=(3, 4),
            layout="0123456789abcdef",
        ),
        DataFile(
            dataset="_sidecar",
            key="data/_sidecar/y.parquet",
            rows=1,
            bytes=7,
            sha256="01" * 32,
            offsets=(10, 19),
            tables={"dead_letters": 1},
        ),
    ),
    versions={"schema.events": "00ff"},
    writer="host/1",
)

#: What format 1 is, byte for byte. A change here is a new format: raise ``COMMIT_FORMAT``, and keep
#: reading this one.
FORMAT_1 = (
    b'{"broker_time":[1000,2000],"cluster_id":"cluster-1","dispositions":{"accepted":{"":5},'
    b'"dead_letter":{"utf8":1},"filtered":{"tombstone":2}},"end":20,"event_time":[3,4],"files":['
    b'{"bytes":99,"dataset":"events","event_time":[3,4],"key":"data/events/event_date=2026-01-31/'
    b'x.parquet","layout":"0123456789abcdef","offsets":[11,19],"rows":5,"sha256":"' + b"ef" * 32 +
    b'","tables":{}},{"bytes":7,"dataset":"_sidecar","event_time":null,"key":"data/_sidecar/'
    b'y.parquet","layout":"","offsets":[10,19],"rows":1,"sha256":"' + b"01" * 32 +
    b'","tables":{"dead_letters":1}}],"filtered":{"tombstone":[[12,13],[15,16]]},"format":1,'
    b'"gaps":[[10,11]],"genesis":null,"lake_id":"lake-1","messages":8,"offsets_sha256":"' +
    b"cd" * 32 + b'","partition":2,"prev":"' + b"ab" * 32 + b'","seq":1,"start":10,"topic":'
    b'"shop.events","topic_id":"AbC-_123","versions":{"schema.events":"00ff"},"writer":"host/1"}\n'
)  # fmt: skip


def changed(**values: object) -> bytes:
    return orjson.dumps({**orjson.loads(FORMAT_1), **values})


def test_format_1_is_written_as_ever():
    assert COMMIT.to_bytes() == FORMAT_1


def test_format_1_is_read_as_ever():
    assert parse_commit(FORMAT_1, "key") == COMMIT


def test_the_order_of_dicts_does_not_show():
    turned = dict(reversed(COMMIT.dispositions.items()))
    assert SegmentCommit(**{**vars(COMMIT), "dispositions": turned}).to_bytes() == FORMAT_1


def test_the_digest_covers_every_byte():
    assert digest(FORMAT_1) != digest(FORMAT_1[:-1])


def test_an_unknown_format_says_what_to_do():
    with pytest.raises(ChainError, match="commit format 2"):
        parse_commit(changed(format=2), "key")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"7",
        b"{}",
        b'{"format":1}',
        changed(surprise=1),
        changed(files=None),
        changed(gaps=[[1]]),
    ],
)
def test_other_bytes_are_no_commit_and_the_key_is_named(body):
    with pytest.raises(ChainError, match=r"_commits/t/0\.json is no segment commit"):
        parse_commit(body, "_commits/t/0.json")


def test_counts_are_summed_over_reasons():
    assert COMMIT.count("filtered") == 2
    assert COMMIT.count("parked") == 0
