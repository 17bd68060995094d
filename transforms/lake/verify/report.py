"""What a verification found: breaches by rule and place, and what it looked at."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from transforms.lake.commit import SegmentCommit
from transforms.segment import Range

#: Places that are named in full; all others are counted.
NAMED_PLACES: Final = 20


@dataclass(frozen=True, kw_only=True)
class Breach:
    """One place where a rule doesn't hold. Holds numbers, names and keys, never a row's value.

    Attributes:
        rule: The rule's name, such as ``sha256``.
        what: What was found, in one sentence.
        chain: The partition, as ``topic[partition]``; empty if it concerns none.
        seq: Number of the commit in the chain.
        key: Object key.
        offsets: Range ``[start, end)`` that is in doubt.
    """

    rule: str
    what: str
    chain: str = ""
    seq: int | None = None
    key: str = ""
    offsets: Range | None = None

    def __str__(self) -> str:
        places = (
            self.chain,
            "" if self.seq is None else f"commit {self.seq}",
            f"offsets {self.offsets[0]}-{self.offsets[1]}" if self.offsets else "",
            self.key,
        )
        where = ", ".join(place for place in places if place)
        return f"{self.rule}: {self.what}" + (f" ({where})" if where else "")


def breach(commit: SegmentCommit, rule: str, what: str, key: str = "") -> Breach:
    """Returns a breach at a commit, or at a file of it."""
    return Breach(
        rule=rule,
        what=what,
        chain=str(commit.owner),
        seq=commit.seq,
        key=key or commit.key,
        offsets=(commit.start, commit.end),
    )


@dataclass
class Report:
    """The state of a verification; complete when ``verify_lake`` has returned it.

    Attributes:
        lake_id: The lake.
        chains: Chains walked.
        commits: Commits read.
        files: Files that commits name.
        files_read: Files of which every byte was hashed and the lineage read.
        rows: Rows in the files read, small tables not counted.
        bytes: Bytes of the files named.
        bytes_read: Bytes of the files read.
        messages: Messages that the commits account for.
        dispositions: Their counts by disposition, as recorded (and, where read, proven).
        gap_offsets: Offsets that the broker had deleted before they could be read.
        ranges_reread: Commits whose messages were read again from the broker.
        messages_reread: Messages read again.
        unnamed_files: Files that no commit names: orphans, or of a run under way.
        unnamed_bytes: Their bytes.
        breaches: How many by rule.
        places: The first of them in full.
        notes: What could not be compared, and why; no breach.
    """

    lake_id: str = ""
    chains: int = 0
    commits: int = 0
    files: int = 0
    files_read: int = 0
    rows: int = 0
    bytes: int = 0
    bytes_read: int = 0
    messages: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    gap_offsets: int = 0
    ranges_reread: int = 0
    messages_reread: int = 0
    unnamed_files: int = 0
    unnamed_bytes: int = 0
    breaches: Counter[str] = field(default_factory=Counter)
    places: list[Breach] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether no rule was broken."""
        return not self.breaches

    def add(self, breaches: Iterable[Breach]) -> None:
        """Counts breaches and keeps the first."""
        for each in breaches:
            self.breaches[each.rule] += 1
            if len(self.places) < NAMED_PLACES:
                self.places.append(each)

    def count(self, commit: SegmentCommit) -> None:
        """Counts a commit."""
        self.commits += 1
        self.files += len(commit.files)
        self.bytes += sum(file.bytes for file in commit.files)
        self.messages += commit.messages
        self.gap_offsets += sum(end - start for start, end in commit.gaps)
        for name in commit.dispositions:
            self.dispositions[name] += commit.count(name)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return {
            "holds": self.holds,
            **vars(self),
            "dispositions": dict(self.dispositions),
            "breaches": dict(self.breaches),
            "places": [asdict(place) for place in self.places],
        }
