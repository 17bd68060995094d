"""The lake's object keys: how they are made and read.

    _lake.json
    data/<dataset>/event_date=<d>[/source_system=<s>]/<name>
    data/_sidecar/<name>
        where <name> is <topic>.<topic id>.<partition>.<start>-<end>.<sha256, 16 hex>.parquet
    _commits/<topic>/<topic id>/<partition>/<seq, 20 digits>.json
    _runs/<run id>.json
    _told_gaps.json
    _attempts/<topic>/<topic id>/<partition>.json

No key is a folder of another, and nothing depends on the order in which keys are listed.
"""

import re
from dataclasses import dataclass
from typing import Final

LAKE: Final = "_lake.json"
COMMITS: Final = "_commits/"
DATA: Final = "data/"
RUNS: Final = "_runs/"
ATTEMPTS: Final = "_attempts/"
TOLD_GAPS: Final = "_told_gaps.json"
#: The dataset name under which small tables travel in one file per segment.
SIDECAR: Final = "_sidecar"
#: Hive's name for "no single value": the folder of rows whose date is missing or shared.
NO_DATE: Final = "__HIVE_DEFAULT_PARTITION__"

# Topic names may hold dots, so the name is read from its end; topic ids are base64url.
_FILE = re.compile(
    r"(?P<topic>.+)\.(?P<topic_id>[A-Za-z0-9_-]+)\.(?P<partition>\d+)"
    r"\.(?P<start>\d+)-(?P<end>\d+)\.(?P<digest>[0-9a-f]{16})\.parquet"
)


@dataclass(frozen=True, order=True)
class PartitionId:
    """One partition of one incarnation of a topic: the owner of a commit chain."""

    topic: str
    topic_id: str
    partition: int

    @property
    def commits(self) -> str:
        """The prefix of its commits."""
        return f"{COMMITS}{self.topic}/{self.topic_id}/{self.partition}/"

    def commit_key(self, seq: int) -> str:
        """Returns the key of a commit; 20 digits keep keys in order and hold any int64."""
        return f"{self.commits}{seq:020d}.json"

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


@dataclass(frozen=True)
class DataName:
    """What a data file's name says."""

    owner: PartitionId
    start: int
    end: int
    digest: str


def data_key(
    owner: PartitionId, dataset: str, folder: str, start: int, end: int, sha256: str
) -> str:
    """Returns the key of a data file: a pure function of where and what it is.

    Args:
        owner: The partition whose messages it holds.
        dataset: The dataset's name, or ``SIDECAR``.
        folder: The partition folders, such as ``event_date=2026-01-31``, or empty text.
        start: First offset of the segment (not of the rows).
        end: Offset after the segment's last.
        sha256: Digest of the bytes, hexadecimal.
    """
    place = f"{DATA}{dataset}/{folder}/" if folder else f"{DATA}{dataset}/"
    who = f"{owner.topic}.{owner.topic_id}.{owner.partition}"
    return f"{place}{who}.{start}-{end}.{sha256[:16]}.parquet"


def parse_data_key(key: str) -> DataName | None:
    """Returns what a data file's key says, or None if it is not one of ours."""
    match = _FILE.fullmatch(key.rsplit("/", 1)[-1]) if key.startswith(DATA) else None
    if match is None:
        return None
    owner = PartitionId(match["topic"], match["topic_id"], int(match["partition"]))
    return DataName(owner, int(match["start"]), int(match["end"]), match["digest"])
