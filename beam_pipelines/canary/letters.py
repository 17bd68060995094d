"""The counterproof: canaries that must be there, sealed in the dead letters.

A scan that finds nothing proves nothing if the messages never came. So the lake must have committed
messages with canaries, and whoever has the key must find those of the malformed ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from beam_pipelines.canary.manifest import Canary
from beam_pipelines.verify.cli import letters_opener
from transforms.lake import LakeManifest, ObjectStore, SegmentCommit, commits, read_small_tables
from transforms.quality import DEAD_LETTERS

_MALFORMED: Final = "(malformed)"


@dataclass(frozen=True)
class Arrivals:
    """What the lake has of the canaries.

    Attributes:
        arrived: Those whose messages are below their partition's fence.
        sealed: Of these, those of malformed messages.
        missing: Of the sealed ones, those that no opened dead letter holds; empty without a key.
    """

    arrived: tuple[Canary, ...]
    sealed: tuple[Canary, ...]
    missing: tuple[Canary, ...]


def arrivals(
    store: ObjectStore, lake: LakeManifest, canaries: Sequence[Canary], key: str | None
) -> Arrivals:
    """Looks the canaries up in the lake.

    Args:
        store: The lake's objects.
        lake: Its manifest.
        canaries: All of them.
        key: The dead letters' data key itself; None leaves them closed.

    Raises:
        SecretError: A letter doesn't open.
    """
    fences: dict[tuple[str, int], int] = {}
    letters: dict[tuple[str, int, int], bytes] = {}
    wanted = {canary.place for canary in canaries if canary.field == _MALFORMED}
    for tail in commits(store, lake):
        commit = tail.commit
        owner = commit.topic, commit.partition
        fences[owner] = max(fences.get(owner, 0), commit.end)
        if key and DEAD_LETTERS in {name for file in commit.files for name in file.tables}:
            letters |= {p: body for p, body in _letters(store, commit, key) if p in wanted}
    arrived = tuple(c for c in canaries if c.offset < fences.get(c.place[:2], 0))
    sealed = tuple(canary for canary in arrived if canary.field == _MALFORMED)
    missing = tuple(c for c in sealed if c.text.encode() not in letters.get(c.place, b""))
    return Arrivals(arrived, sealed, missing if key else ())


def _letters(
    store: ObjectStore, commit: SegmentCommit, key: str
) -> Iterator[tuple[tuple[str, int, int], bytes]]:
    open_letters = letters_opener(key)
    assert open_letters is not None
    table = read_small_tables(store, commit)[DEAD_LETTERS]
    for letter in open_letters(table, commit.owner):
        yield (commit.topic, commit.partition, letter["offset"]), _content(letter)


def _content(letter: Mapping[str, Any]) -> bytes:
    headers = [value or b"" for _, value in letter["headers"] or ()]
    return b"\n".join([letter["key"] or b"", letter["value"] or b"", *headers])
