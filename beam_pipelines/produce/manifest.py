"""The manifest: what was produced, and what was planted where.

A JSON object: `format` (1), `arguments` (seed, events, faults, day and so on), `topics` (topic ->
partition -> `committed` messages, `aborted` messages, `sha256` of the committed ones), `planted`
(topic, partition, offset, kind of each planted fault, and `rules`, those that the message trips,
if it is for them), `canaries` (place, number, text, field and the field's whole value of each) and
`transactions` (topic, outcome, messages, first and last offset by partition).
"""

import hashlib
import json
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

from beam_pipelines.produce.chunk import Chunk, Fate, Headers
from beam_pipelines.produce.delivery import Deliveries, Planted
from beam_pipelines.produce.errors import ManifestError

FORMAT = 1


class Ledger:
    """Counts and digests by topic and partition, of chunks in the order of production.

    Args:
        digests: Whether to digest; it costs some 3 microseconds a message.
    """

    def __init__(self, *, digests: bool = True) -> None:
        self._digesting = digests
        self._digests: dict[tuple[str, int], Any] = defaultdict(hashlib.sha256)
        self._committed: dict[tuple[str, int], int] = defaultdict(int)
        self._aborted: dict[tuple[str, int], int] = defaultdict(int)

    def add(self, chunk: Chunk) -> None:
        """Takes a chunk into account; aborted messages are counted, not digested."""
        counts = self._aborted if chunk.fate is Fate.ABORTED else self._committed
        for partition in chunk.partitions:
            counts[chunk.topic, partition] += 1
        if self._digesting and chunk.fate is not Fate.ABORTED:
            self._digest(chunk)

    def _digest(self, chunk: Chunk) -> None:
        parts: dict[int, list[bytes]] = defaultdict(list)
        columns = zip(chunk.partitions, chunk.keys, chunk.values, chunk.timestamps_ms, strict=True)
        for row, (partition, key, value, timestamp) in enumerate(columns):
            headers = chunk.headers.get(row, [])
            parts[partition].append(message_bytes(key, value, timestamp, headers))
        for partition, pieces in parts.items():
            self._digests[chunk.topic, partition].update(b"".join(pieces))

    def topics(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The manifest's `topics`."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for topic, partition in sorted(self._committed.keys() | self._aborted.keys()):
            place = topic, partition
            found.setdefault(topic, {})[str(partition)] = {
                "committed": self._committed[place],
                "aborted": self._aborted[place],
                "sha256": self._digests[place].hexdigest(),
            }
        return found


def message_bytes(
    key: bytes | None, value: bytes | None, timestamp_ms: int, headers: Headers
) -> bytes:
    """What a message adds to the digest of its partition.

    Little-endian: lengths of key and value as int32 (-1 for null), timestamp as int64, number of
    headers as int32; then key and value; then for each header the lengths of its name and value
    as int32, its name and value.
    """
    sizes = _length(key), _length(value), timestamp_ms, len(headers)
    framed = struct.pack("<iiqi", *sizes) + (key or b"") + (value or b"")
    for name, text in headers:
        encoded = name.encode("utf-8")
        framed += struct.pack("<ii", len(encoded), _length(text)) + encoded + (text or b"")
    return framed


def _length(data: bytes | None) -> int:
    return -1 if data is None else len(data)


def check_writable(path: Path) -> None:
    """Makes sure that the manifest can be written, before a topic is touched.

    Raises:
        ManifestError: It can't.
    """
    try:
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise _unwritable(path, error) from None


def write_manifest(
    path: Path, arguments: dict[str, Any], ledger: Ledger, deliveries: Deliveries
) -> None:
    """Writes the manifest.

    Raises:
        ManifestError: The file can't be written.
    """
    manifest = {
        "format": FORMAT,
        "arguments": arguments,
        "topics": ledger.topics(),
        "planted": [_planted(each) for each in deliveries.planted],
        "canaries": [
            {**_place(each), **vars(canary)}
            for each in deliveries.planted
            for canary in each.planting.canaries
        ],
        "transactions": [
            {
                "topic": done.topic,
                "outcome": done.fate.value,
                "messages": done.messages,
                "ranges": {str(p): list(ends) for p, ends in done.ranges.items()},
            }
            for done in deliveries.transactions
        ],
    }
    try:
        path.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise _unwritable(path, error) from None


def _place(planted: Planted) -> dict[str, Any]:
    return {
        "topic": planted.topic,
        "partition": planted.partition,
        "offset": planted.offset,
    }


def _planted(planted: Planted) -> dict[str, Any]:
    found = {**_place(planted), "kind": planted.planting.kind}
    return found | ({"rules": list(planted.planting.rules)} if planted.planting.rules else {})


def _unwritable(path: Path, error: OSError) -> ManifestError:
    return ManifestError(str(path), error.strerror or type(error).__name__)
