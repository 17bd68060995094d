"""What the report tells, as plain values: gathered in one place, shown in another."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from beam_pipelines.report.period import EVER, Period
from beam_pipelines.report.windows import WindowFacts
from transforms.lake import DataFile, LakeManifest, PartitionId, Run, SegmentCommit

#: What the names of versions begin with; a dataset follows.
SCHEMA: Final = "schema."
RULES: Final = "rules."
MASKING: Final = "masking."


class Arrival(NamedTuple):
    """Messages that came between two broker times (milliseconds since 1970 UTC, inclusive)."""

    first: int
    last: int
    messages: int


@dataclass
class TopicFacts:
    """What became of a topic's messages.

    Attributes:
        messages: Messages read.
        dispositions: Their counts by disposition.
        gaps: Offsets that the broker had deleted before they could be read.
        bytes: Size of the data files, in bytes.
        arrivals: When they came, a commit each.
        datasets: Those that the topic's messages become rows of.
    """

    messages: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    gaps: int = 0
    bytes: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    datasets: set[str] = field(default_factory=set)

    def add(self, commit: SegmentCommit) -> None:
        """Counts a commit."""
        self.messages += commit.messages
        self.gaps += sum(end - start for start, end in commit.gaps)
        self.bytes += sum(file.bytes for file in commit.files)
        for name in commit.dispositions:
            self.dispositions[name] += commit.count(name)
        self.datasets.update(_after(SCHEMA, commit.versions))
        if commit.broker_time is not None:
            self.arrivals.append(Arrival(*commit.broker_time, commit.messages))


@dataclass
class PartitionFacts:
    """Where one partition stands.

    Attributes:
        commits: Commits of its chain, the genesis among them.
        fence: The next offset to read.
        broker_time: Newest broker time, milliseconds since 1970 UTC; None if it had no message.
        event_time: Newest event time, microseconds since 1970 UTC; None if it had none.
        committed: When its last commit with messages was stored, by S3's clock.
    """

    commits: int = 0
    fence: int = 0
    broker_time: int | None = None
    event_time: int | None = None
    committed: datetime | None = None

    def add(self, commit: SegmentCommit, stored: datetime) -> None:
        """Counts the chain's next commit."""
        self.commits += 1
        self.fence = commit.end
        if commit.broker_time is not None:
            self.broker_time = max(self.broker_time or 0, commit.broker_time[1])
        if commit.event_time is not None:
            newest = commit.event_time[1]
            self.event_time = newest if self.event_time is None else max(self.event_time, newest)
        if commit.messages:
            self.committed = stored


@dataclass
class DatasetFacts:
    """What the lake holds of a dataset; event times in microseconds since 1970 UTC."""

    rows: int = 0
    files: int = 0
    bytes: int = 0
    event_time: tuple[int, int] | None = None

    def add(self, file: DataFile) -> None:
        """Counts a file."""
        self.rows += file.rows
        self.files += 1
        self.bytes += file.bytes
        times = [each for each in (self.event_time, file.event_time) if each is not None]
        if times:
            self.event_time = (min(t[0] for t in times), max(t[1] for t in times))


class Reason(NamedTuple):
    """Why messages of a topic were not accepted: a rule's id or a code."""

    topic: str
    disposition: str
    reason: str


class Tripped(NamedTuple):
    """A rule that messages of a topic and a source system tripped."""

    topic: str
    rule: str
    source: str


@dataclass
class LakeFacts:
    """All that the report tells of a lake.

    Attributes:
        root: ``s3://bucket/prefix``.
        lake: Its manifest.
        period: The time that it tells of.
        topics: By name; a topic that was made again counts as one.
        partitions: Where each stands, whatever the selected time.
        datasets: What it holds.
        reasons: Messages that were not accepted, by topic, disposition and reason.
        rules: Messages that trip a rule, by topic, rule and source system.
        versions: What the verdicts depended on: per name each version met, and when a commit with
            it was last stored.
        runs: The newest runs, oldest first.
        windows: Totals of the aggregates, by name.
        as_of: When the newest object that the report tells of was stored; None for a lake without
            a commit. The report knows no other clock.
    """

    root: str
    lake: LakeManifest
    period: Period = EVER
    topics: dict[str, TopicFacts] = field(default_factory=dict)
    partitions: dict[PartitionId, PartitionFacts] = field(default_factory=dict)
    datasets: dict[str, DatasetFacts] = field(default_factory=dict)
    reasons: Counter[Reason] = field(default_factory=Counter)
    rules: Counter[Tripped] = field(default_factory=Counter)
    versions: dict[str, dict[str, datetime]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    windows: list[WindowFacts] = field(default_factory=list)
    as_of: datetime | None = None

    @property
    def messages(self) -> int:
        """Messages read."""
        return sum(topic.messages for topic in self.topics.values())

    @property
    def dispositions(self) -> Counter[str]:
        """Their counts by disposition."""
        return sum((topic.dispositions for topic in self.topics.values()), Counter[str]())

    @property
    def gaps(self) -> int:
        """Offsets that the broker had deleted before they could be read."""
        return sum(topic.gaps for topic in self.topics.values())

    @property
    def span_ms(self) -> int:
        """Milliseconds from the first broker time to the last."""
        every = [each for topic in self.topics.values() for each in topic.arrivals]
        if not every:
            return 0
        return max(each.last for each in every) - min(each.first for each in every)

    @property
    def newest_event(self) -> int | None:
        """Newest event time of all partitions, microseconds since 1970 UTC."""
        times = [p.event_time for p in self.partitions.values() if p.event_time is not None]
        return max(times, default=None)

    def newest_version(self, name: str) -> str | None:
        """Returns the version of a name that was committed last; None if none was."""
        met = self.versions.get(name)
        return max(met, key=lambda version: (met[version], version)) if met else None

    def versioned(self, prefix: str) -> list[str]:
        """Returns the datasets that have a version of a kind, such as ``RULES``."""
        return sorted(_after(prefix, self.versions))


def _after(prefix: str, names: Iterable[str]) -> list[str]:
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
