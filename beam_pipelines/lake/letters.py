"""``lake show --dead_letters``: dead letters as JSON lines, opened with the key."""

import base64
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from transforms.lake import ObjectStore, SegmentCommit, read_small_tables
from transforms.quality import DEAD_LETTERS, open_dead_letters
from transforms.quality.dead_letters import plain_rows
from transforms.quality.sealing import Seal


def dead_letters(
    store: ObjectStore, commit: SegmentCommit, key: str | None
) -> Iterator[dict[str, Any]]:
    """Yields the dead letters and parked messages of a commit.

    Args:
        store: The lake's objects.
        commit: The commit.
        key: The data key itself; None shows the clear columns only.

    Yields:
        The place, the fault, and if opened ``key``, ``value`` and the headers' values as Base64. A
        letter that another key has sealed stays closed; ``key_id`` tells which.
    """
    table = read_small_tables(store, commit).get(DEAD_LETTERS)
    if table is None:
        return
    place = {"topic": commit.topic, "partition": commit.partition}
    for row in _rows(table, commit, key):
        yield {**place, **row}


def _rows(table: pa.Table, commit: SegmentCommit, key: str | None) -> Iterator[dict[str, Any]]:
    if key is None:
        yield from plain_rows(table.drop_columns(["sealed"]))
        return
    mine = pc.equal(table.column("key_id"), Seal(key).key_id)
    owner = commit.owner
    for letter in open_dead_letters(
        table.filter(mine),
        key,
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=owner.partition,
    ):
        yield _encoded(letter)
    yield from plain_rows(table.filter(pc.invert(mine)).drop_columns(["sealed"]))


def _encoded(letter: dict[str, Any]) -> dict[str, Any]:
    headers = letter["headers"] and [[name, _text(value)] for name, value in letter["headers"]]
    return {
        **letter,
        "key": _text(letter["key"]),
        "value": _text(letter["value"]),
        "headers": headers,
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
