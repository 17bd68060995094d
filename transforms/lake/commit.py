"""Segment commits: the records that make data files part of the lake."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

import orjson

from transforms.errors import ChainError
from transforms.lake.names import PartitionId
from transforms.segment import Range

#: Raised with any change that an older reader would misread.
COMMIT_FORMAT: Final = 1
#: Fields that format 1 gained: left out where empty, so that older commits keep their bytes.
_LATER: Final = ("rules", "warnings")


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One data file of a commit.

    Attributes:
        dataset: The dataset's name, or ``_sidecar``.
        key: Object key, relative to the lake's root.
        rows: Rows in it.
        bytes: Its size.
        sha256: Digest of its bytes, hexadecimal.
        offsets: First and last ``_offset`` in it, both inclusive.
        event_time: First and last event time in it, microseconds since 1970 UTC; None if none has.
        layout: Fingerprint of its columns' names and types.
        tables: Of a sidecar: the rows of each small table in it.
    """

    dataset: str
    key: str
    rows: int
    bytes: int
    sha256: str
    offsets: tuple[int, int]
    event_time: tuple[int, int] | None = None
    layout: str = ""
    tables: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SegmentCommit:
    """One link of a partition's chain: the range ``[start, end)`` is durable and accounted for.

    Attributes:
        lake_id: The lake that it belongs to.
        cluster_id: The Kafka cluster that the messages came from.
        topic: Topic name.
        topic_id: Kafka's id of the topic.
        partition: Partition number.
        seq: Number in the chain, from 0 (the genesis).
        start: First offset accounted for; the ``end`` of the commit before.
        end: Offset after the last one: the fence, once this commit exists.
        prev: SHA-256 of the bytes of the commit before; empty for the genesis.
        messages: How many messages were read.
        offsets_sha256: SHA-256 over the read offsets as little-endian int64: the set of them, in
            one number, whatever the dispositions say.
        dispositions: Per disposition the count by reason (``accepted`` has the reason ``""``).
        filtered: Per reason the runs ``[first, last + 1)`` of offsets that were filtered.
        gaps: Ranges that the broker had deleted before they could be read.
        broker_time: First and last broker timestamp, milliseconds since 1970 UTC.
        event_time: First and last event time, microseconds since 1970 UTC.
        files: The data files, each within the range.
        rules: Per rule the messages that trip it by source system, whatever their end.
        warnings: Per rule the accepted messages that carry its id in ``_warnings``.
        versions: What the verdicts depend on: schemas, rules, masking policy, code.
        writer: Which process wrote it, for the operator; proves nothing.
        genesis: Of a genesis: how ``start`` was chosen, and the start of each partition.
    """

    lake_id: str
    cluster_id: str
    topic: str
    topic_id: str
    partition: int
    seq: int
    start: int
    end: int
    prev: str
    messages: int = 0
    offsets_sha256: str = hashlib.sha256().hexdigest()
    dispositions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    filtered: Mapping[str, tuple[Range, ...]] = field(default_factory=dict)
    gaps: tuple[Range, ...] = ()
    broker_time: tuple[int, int] | None = None
    event_time: tuple[int, int] | None = None
    files: tuple[DataFile, ...] = ()
    rules: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    writer: str = ""
    genesis: Mapping[str, Any] | None = None

    @property
    def owner(self) -> PartitionId:
        """The partition whose chain this commit belongs to."""
        return PartitionId(self.topic, self.topic_id, self.partition)

    @property
    def key(self) -> str:
        """Its object key."""
        return self.owner.commit_key(self.seq)

    def count(self, disposition: str) -> int:
        """Returns how many messages ended so."""
        return sum(self.dispositions.get(disposition, {}).values())

    def to_bytes(self) -> bytes:
        """Returns the canonical bytes: JSON with sorted keys. Same commit, same bytes."""
        values = {"format": COMMIT_FORMAT, **asdict(self)}
        for name in _LATER:
            if not values[name]:
                del values[name]
        return orjson.dumps(
            values,
            option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
        )


def digest(body: bytes) -> str:
    """Returns the SHA-256 of a body, hexadecimal: what ``prev`` of the next commit holds."""
    return hashlib.sha256(body).hexdigest()


def parse_commit(body: bytes, key: str) -> SegmentCommit:
    """Reads a commit's bytes.

    Args:
        body: The object's bytes.
        key: Its key, for the message.

    Raises:
        ChainError: It is not a commit of a format that this version reads.
    """
    try:
        value = orjson.loads(body)
        version = value.pop("format")
        if version == COMMIT_FORMAT:
            return _from_dict(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChainError(f"{key} is no segment commit ({type(error).__name__})") from error
    raise ChainError(f"{key} has the commit format {version}", "Upgrade to read it")


def _from_dict(value: dict[str, Any]) -> SegmentCommit:
    unknown = set(value) - {f.name for f in fields(SegmentCommit)}
    if unknown:
        raise KeyError(*unknown)
    files = tuple(
        DataFile(
            **{
                **item,
                "offsets": _pair(item["offsets"]),
                "event_time": _pair(item["event_time"]),
            }
        )
        for item in value.pop("files")
    )
    filtered = {
        reason: tuple((a, b) for a, b in runs) for reason, runs in value.pop("filtered").items()
    }
    pairs = {name: _pair(value.pop(name)) for name in ("broker_time", "event_time")}
    gaps = tuple((a, b) for a, b in value.pop("gaps"))
    return SegmentCommit(**value, **pairs, files=files, filtered=filtered, gaps=gaps)


def _pair(value: Any) -> Any:
    return None if value is None else (value[0], value[1])
