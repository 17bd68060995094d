"""What the run has done so far, read off the lake: the same on every runner."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

from beam_pipelines.pharmacy.preflight import Work
from transforms.errors import PipelineError
from transforms.lake import CommitChain, ObjectStore, PartitionId, SegmentCommit, find_lake
from transforms.lake.commit import parse_commit

#: A look costs one GET per commit and one per partition; it must not slow the run down.
EVERY_S = 2.0


class Watched(Protocol):
    """A progress that can be shown."""

    def look(self) -> None:
        """Finds out what came since the last look.

        Raises:
            PipelineError: It can't be seen now.
        """

    def line(self) -> str:
        """Returns the state in one line."""

    def table(self) -> RenderableType:
        """Returns the state in full."""


@dataclass
class TopicProgress:
    """Counts of one topic since the run began."""

    messages: int = 0
    bytes: int = 0
    gaps: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)

    def add(self, commit: SegmentCommit) -> None:
        """Counts a commit."""
        self.messages += commit.messages
        self.bytes += sum(file.bytes for file in commit.files)
        self.gaps += sum(end - start for start, end in commit.gaps)
        for name in commit.dispositions:
            self.dispositions[name] += commit.count(name)


class Progress:
    """Follows the commit chains from where they stood when the run began.

    Args:
        store: The lake's objects.
        work: What there is to do.
        note: Is given each commit that is read, so that nobody must read it again.
    """

    def __init__(
        self, store: ObjectStore, work: Work, note: Callable[[SegmentCommit], None]
    ) -> None:
        self._store = store
        self._note = note
        self._ends = dict(work.ends)
        self.fences = {owner: work.fences[owner] or 0 for owner in work.ends}
        self._next_seq = {owner: _next_seq(store, owner, work) for owner in work.ends}
        self.topics = {facts.topic: TopicProgress() for facts in work.topics}
        self.started = time.monotonic()

    def follow(self, ends: Mapping[PartitionId, int]) -> None:
        """Sets the ends; partitions that are new count from their beginning."""
        self._ends = dict(ends)
        for owner in ends:
            self.fences.setdefault(owner, 0)
            self._next_seq.setdefault(owner, 0)
            self.topics.setdefault(owner.topic, TopicProgress())

    def look(self) -> None:
        """Reads the commits that came since the last look."""
        for owner, seq in self._next_seq.items():
            while (body := self._store.find(owner.commit_key(seq))) is not None:
                commit = parse_commit(body, owner.commit_key(seq))
                self.topics[owner.topic].add(commit)
                self.fences[owner] = commit.end
                self._note(commit)
                seq += 1
            self._next_seq[owner] = seq

    @property
    def messages(self) -> int:
        """Messages committed since the run began, by whomever."""
        return sum(each.messages for each in self.topics.values())

    @property
    def dispositions(self) -> Mapping[str, int]:
        """Their counts by disposition."""
        return sum((each.dispositions for each in self.topics.values()), Counter[str]())

    def lag(self, topic: str | None = None) -> int:
        """Returns how many offsets lie between the fences and the wanted ends."""
        return sum(
            max(0, end - self.fences[owner])
            for owner, end in self._ends.items()
            if topic in (None, owner.topic)
        )

    def line(self) -> str:
        """Returns the state in one line."""
        seconds = max(time.monotonic() - self.started, 1e-9)
        counts = ", ".join(f"{name} {n:,}" for name, n in sorted(self.dispositions.items()))
        return (
            f"{seconds:5.1f} s  {self.messages:,} messages  {self.messages / seconds:,.0f}/s  "
            f"lag {self.lag():,}  {counts}"
        )

    def table(self) -> RenderableType:
        """Returns the state in full."""
        return self.by_topic()

    def by_topic(self) -> Table:
        """Returns the state by topic."""
        shown = Table(title=self.line(), title_justify="left", box=box.SIMPLE, pad_edge=False)
        kinds = ("accepted", "dead_letter", "filtered", "parked")
        columns = ("topic", "read", "accepted", "dead", "filtered", "parked", "gaps", "MB", "lag")
        for name in columns:
            shown.add_column(name, justify="left" if name == "topic" else "right", no_wrap=True)
        for topic, counts in self.topics.items():
            shown.add_row(
                topic,
                f"{counts.messages:,}",
                *(f"{counts.dispositions[kind]:,}" for kind in kinds),
                f"{counts.gaps:,}",
                f"{counts.bytes / 1e6:,.1f}",
                f"{self.lag(topic):,}",
            )
        return shown


class ProgressView(threading.Thread):
    """Shows the progress while the pipeline runs: a live table, or a line now and then.

    Args:
        progress: What to show.
        console: Where.
    """

    def __init__(self, progress: Watched, console: Console) -> None:
        super().__init__(name="progress", daemon=True)
        self._progress = progress
        self._console = console
        self._stopped = threading.Event()

    def run(self) -> None:
        """Looks and shows until stopped."""
        if self._console.is_terminal:
            with Live(console=self._console, refresh_per_second=4, transient=True) as live:
                while not self._stopped.wait(EVERY_S):
                    self._look()
                    live.update(self._progress.table())
        else:
            while not self._stopped.wait(EVERY_S):
                self._look()
                self._console.print(self._progress.line(), highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """Ends the view and waits for it."""
        self._stopped.set()
        self.join()

    def _look(self) -> None:
        try:
            self._progress.look()
        except PipelineError as error:
            # A look that fails is shown and tried again; it must not disturb the run.
            self._console.print(f"progress unknown: {error}", highlight=False)


def _next_seq(store: ObjectStore, owner: PartitionId, work: Work) -> int:
    lake = find_lake(store)
    if lake is None or work.fences[owner] is None:
        return 0
    tail = CommitChain(store, owner, lake.lake_id).tail()
    return tail.commit.seq + 1 if tail else 0
