"""The whole lake: every chain, every file named, and the broker where there is one.

Reads everything from the store, and trusts no count: the sets of offsets come from files and lists.
Memory: one number per key under ``data/``, and a few commits with one file each at a time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from transforms.errors import ConfigurationError
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit
from transforms.lake.manifest import find_lake, require_lake
from transforms.lake.names import DATA, LAKE, PartitionId
from transforms.lake.verify.broker import BrokerView, Comparison, OpenLetters, TopicOnBroker
from transforms.lake.verify.broker import check_fences as _check_fences
from transforms.lake.verify.commit_check import CommitCheck, check_contents, check_existence
from transforms.lake.verify.links import ChainWalk, Link, read_link
from transforms.lake.verify.listing import CommitListing, list_commits
from transforms.lake.verify.report import Breach, Report, breach

T = TypeVar("T")
R = TypeVar("R")

#: Reading is waiting for S3, hashing and Arrow, which all leave the interpreter to the others.
THREADS: Final = 4
#: Commits that are under way at a time; each holds one file.
WINDOW: Final = 8


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """How much is verified. Chains are always walked whole.

    Attributes:
        since_ms: Reads files only of commits with messages of this broker time or later,
            milliseconds since 1970 UTC.
        sample: Share of the commits whose files are read, and whose messages are read again from
            the broker, from 0 to 1. Which ones follows from their content.
        metadata_only: Reads no file: chains, existence and sizes only.
        allow_lag: Messages that the lake has not read yet are no breach.
    """

    since_ms: int | None = None
    sample: float = 1.0
    metadata_only: bool = False
    allow_lag: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.sample <= 1:
            raise ConfigurationError(
                f"sample must be from 0 to 1, got {self.sample}", "1 reads every file"
            )

    def reads(self, link: Link) -> bool:
        """Tells whether the files of a commit are read."""
        commit = link.commit
        if self.metadata_only or commit is None:
            return False
        newest = commit.broker_time[1] if commit.broker_time else None
        if self.since_ms is not None and newest is not None and newest < self.since_ms:
            return False
        # A share of the hash's range, and so of the commits, the same ones every time.
        return int(link.sha256[:8], 16) < self.sample * 2**32


class Verification:
    """One run of the proof.

    Args:
        store: The lake's objects.
        options: How much.
        broker: The cluster that the lake was read from, or None.
        open_letters: Opens dead letters, for comparing them with the broker's messages.
        progress: Is called with the report after each commit.
    """

    def __init__(
        self,
        store: ObjectStore,
        options: VerifyOptions,
        broker: BrokerView | None = None,
        open_letters: OpenLetters | None = None,
        progress: Callable[[Report], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._options = options
        self._broker = broker
        self._open_letters = open_letters
        self._progress = progress
        self._report = Report()
        self._listed: dict[str, int] = {}
        self._named: set[str] = set()
        self._topics: dict[str, TopicOnBroker | None] = {}

    def run(self) -> Report:
        """Verifies the lake.

        Raises:
            LakeMismatchError: There is no lake, or its format is another.
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        listing = list_commits(self._store)
        if listing.chains and find_lake(self._store) is None:
            missing = Breach(rule="manifest", what="there are commits but no manifest", key=LAKE)
            self._report.add([missing])
            return self._report
        self._report.lake_id = require_lake(self._store).lake_id
        self._report.add(_foreign(listing))
        # Before the commits are read: what they name and this lacks is then asked for by name.
        self._listed = {item.key: item.size for item in self._store.walk(DATA)}
        self._check_chains(listing)
        unnamed = self._listed.keys() - self._named
        self._report.unnamed_files = len(unnamed)
        self._report.unnamed_bytes = sum(self._listed[key] for key in unnamed)
        return self._report

    def _check_chains(self, listing: CommitListing) -> None:
        fences: dict[tuple[str, str], dict[int, int]] = {}
        with ThreadPoolExecutor(THREADS, thread_name_prefix="verify") as pool:
            for topic, topic_id in dict.fromkeys((o.topic, o.topic_id) for o in listing.chains):
                mine = [o for o in listing.chains if (o.topic, o.topic_id) == (topic, topic_id)]
                birth = self._birth(mine)
                ends = fences.setdefault((topic, topic_id), {})
                for owner in mine:
                    ends[owner.partition] = self._check_chain(
                        pool, owner, listing.chains[owner], birth
                    )
        if self._broker is not None:
            for (topic, topic_id), ends in fences.items():
                known_ids = {ident for name, ident in fences if name == topic}
                self._check_topic(topic, topic_id, ends, known_ids)

    def _birth(self, owners: list[PartitionId]) -> SegmentCommit | None:
        """Returns the genesis that holds the starts of a topic's partitions."""
        first = owners[0]
        if first.partition != 0:
            owner = PartitionId(first.topic, first.topic_id, 0)
            what = "partition 0, whose genesis holds the topic's starts, has no chain"
            key = owner.commit_key(0)
            missing = Breach(rule="genesis-missing", what=what, chain=str(owner), seq=0, key=key)
            self._report.add([missing])
            return None
        return read_link(self._store, first, 0).commit

    def _check_chain(
        self,
        pool: ThreadPoolExecutor,
        owner: PartitionId,
        numbers: Iterable[int],
        birth: SegmentCommit | None,
    ) -> int:
        """Checks one chain and returns its fence."""
        self._report.chains += 1
        walk = ChainWalk(self._report.lake_id, owner, birth)
        links = _in_order(pool, lambda seq: read_link(self._store, owner, seq), numbers)
        followed = self._followed(walk, links)
        fence = 0
        for check in _in_order(pool, self._checked, followed):
            fence = max(fence, check.commit.end)
            self._absorb(check)
            self._reread(check)
            self._progress(self._report)
        return fence

    def _followed(self, walk: ChainWalk, links: Iterator[Link]) -> Iterator[Link]:
        for link in links:
            self._report.add(walk.follow(link))
            if link.commit is not None:
                self._report.count(link.commit)
                self._report.add(self._named_twice(link.commit))
                yield link

    def _named_twice(self, commit: SegmentCommit) -> Iterator[Breach]:
        for file in commit.files:
            if file.key in self._named:
                yield breach(commit, "named-twice", "it was named before", file.key)
            self._named.add(file.key)

    def _checked(self, link: Link) -> CommitCheck:
        assert link.commit is not None
        if self._options.reads(link):
            return check_contents(self._store, link.commit)
        return check_existence(self._store, link.commit, self._listed)

    def _absorb(self, check: CommitCheck) -> None:
        report = self._report
        report.add(check.breaches)
        report.files_read += check.files_read
        report.bytes_read += check.bytes_read
        report.rows += check.rows

    def _topic(self, name: str) -> TopicOnBroker | None:
        if self._broker is not None and name not in self._topics:
            self._topics[name] = self._broker.topic(name)
        return self._topics.get(name)

    def _check_topic(
        self, topic: str, topic_id: str, fences: dict[int, int], known_ids: set[str]
    ) -> None:
        known = self._topic(topic)
        if known is None:
            what = "the broker has no such topic: nothing to compare with"
            self._report.add([Breach(rule="topic-missing", what=what, chain=topic)])
        elif known.topic_id == topic_id:
            allow_lag = self._options.allow_lag
            self._report.add(_check_fences(known, topic, fences, allow_lag=allow_lag))
        elif known.topic_id in known_ids:
            note = f"{topic} ({topic_id}) was made again since: its messages are gone"
            self._report.notes.append(note)
        else:
            what = f"the broker's topic has the id {known.topic_id}, the lake knows {topic_id}"
            self._report.add([Breach(rule="topic-id", what=what, chain=topic)])

    def _reread(self, check: CommitCheck) -> None:
        """Reads a commit's messages again and compares them, if that can be done."""
        commit = check.commit
        known = self._topic(commit.topic)
        if self._broker is None or known is None or check.dispositions is None:
            return
        if known.topic_id != commit.topic_id or commit.start == commit.end:
            return
        if known.cluster_id != commit.cluster_id:
            what = f"it comes from the cluster {commit.cluster_id}, this is {known.cluster_id}"
            self._report.add([breach(commit, "broker-cluster", what)])
            return
        if commit.end > known.stable_end.get(commit.partition, 0):
            return  # The log is shorter than the lake, which is a breach of its own.
        if commit.start < known.earliest.get(commit.partition, 0):
            self._note_deleted(commit, known.earliest[commit.partition])
        fence = known.stable_end[commit.partition]
        messages = self._broker.read(commit.owner, commit.start, commit.end, fence)
        opened = (
            self._open_letters(check.letters, commit.owner)
            if self._open_letters is not None and check.letters is not None
            else ()
        )
        self._report.add(Comparison(check, messages, known).breaches(opened))
        self._report.ranges_reread += 1
        self._report.messages_reread += messages.num_rows

    def _note_deleted(self, commit: SegmentCommit, earliest: int) -> None:
        note = f"{commit.owner}: the broker has deleted what lies below {earliest}: not compared"
        if note not in self._report.notes:
            self._report.notes.append(note)


def verify_lake(
    store: ObjectStore,
    options: VerifyOptions | None = None,
    *,
    broker: BrokerView | None = None,
    open_letters: OpenLetters | None = None,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Proves a lake, from its files and lists; see ``Verification``.

    Guarantees: writes nothing. A lake that is being written to may be verified: what comes after
    the commits were listed is left out.
    """
    return Verification(store, options or VerifyOptions(), broker, open_letters, progress).run()


def _foreign(listing: CommitListing) -> Iterator[Breach]:
    for key in listing.foreign:
        yield Breach(rule="foreign-key", what="it is no segment commit of ours", key=key)


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T]
) -> Iterator[R]:
    """Maps in the pool, at most ``WINDOW`` ahead, and yields in order."""
    ahead: deque[Future[R]] = deque()
    for item in items:
        ahead.append(pool.submit(function, item))
        if len(ahead) >= WINDOW:
            yield ahead.popleft().result()
    while ahead:
        yield ahead.popleft().result()
