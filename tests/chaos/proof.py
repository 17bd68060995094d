"""The comparison at a run's end: broker, lake and warehouse against what was sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from tests.chaos.load import TOPICS, Sent
from tests.chaos.site import SCHEMA, Site
from tests.fakes.chain import counted_rules
from tests.faults.lakes import (
    assert_lake_equals_oracle,
    dead_letters_of,
    opened_dead_letters,
    rows_of,
)
from tests.integration.warehoused import Warehoused, assert_star
from tests.launcher import DEAD_LETTER_KEY, MASKING_KEY
from tests.oracle import (
    Expected,
    Message,
    committed_ends,
    earliest_starts,
    expected_of_run,
    read_committed,
)
from tests.oracle.aggregates import AGGREGATES, totals_that_differ
from tests.oracle.masks import Pseudonymised
from transforms.windows import merge_totals

Place = tuple[str, int, int]

_MASKS: Final = Pseudonymised(bytes.fromhex(MASKING_KEY))
_SHOWN: Final = 1_000
#: No run takes longer to be verified.
_VERIFY_S: Final = 600


@dataclass
class Verdict:
    """What a run has come to.

    Attributes:
        messages: Those that every reader must find.
        dead: Those of them that must be dead letters.
        lost: Messages that the lake, or rows that the warehouse, hasn't got.
        doubled: Messages and rows that they have more than once.
        problems: What else isn't as it must be.
    """

    messages: int = 0
    dead: int = 0
    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether all is as it must be."""
        return not (self.lost or self.doubled or self.problems)


@dataclass(frozen=True)
class Proof:
    """All that is compared.

    Attributes:
        site: Broker, lake and warehouse.
        sent: What was sent, by topic and partition, in order.
    """

    site: Site
    sent: Mapping[tuple[str, int], Sequence[Sent]]

    def verdict(self) -> Verdict:
        """Compares all; never raises for what differs."""
        found = Verdict()
        for messages in self._messages.values():
            found.messages += len(messages)
        found.dead = len(self._dead)
        self._count(found, self._decided, self._sent_at.keys())
        accepted = [p for p, v in self._verdicts.items() if v.disposition == "accepted"]
        self._count(found, self._loaded, accepted)
        for check in (
            self._broker_has_what_was_sent,
            self._verify_holds,
            self._lake_equals_oracle,
            self._totals_equal_oracle,
            self._dead_letters_are_those_planted,
            self._warehouse_equals_oracle,
        ):
            found.problems += _problems(check)
        return found

    def _count(self, found: Verdict, places: Counter[Place], wanted: Iterable[Place]) -> None:
        found.lost += sum(1 for place in wanted if not places[place])
        found.doubled += sum(count - 1 for count in places.values() if count > 1)

    @cached_property
    def _messages(self) -> dict[str, list[Message]]:
        servers = self.site.brokers.bootstrap_servers
        return {
            topic: list(
                read_committed(
                    servers, topic, earliest_starts(servers, topic), committed_ends(servers, topic)
                )
            )
            for topic in TOPICS
        }

    @cached_property
    def _sent_at(self) -> dict[Place, Sent]:
        """What was sent, at the offsets that it got: the order within a partition is kept."""
        found: dict[Place, Sent] = {}
        for (topic, partition), listed in self.sent.items():
            offsets = [m.offset for m in self._messages[topic] if m.partition == partition]
            # How many there are is compared elsewhere.
            for offset, each in zip(offsets, listed, strict=False):
                found[topic, partition, offset] = each
        return found

    @cached_property
    def _expected(self) -> dict[str, Expected]:
        """What the lake must hold, by dataset."""
        added = expected_of_run(self._messages, _MASKS)
        return {TOPICS[topic].dataset: expected for topic, expected in added.items()}

    @cached_property
    def _verdicts(self) -> dict[Place, Any]:
        return {
            (expected.topic, *place): verdict
            for expected in self._expected.values()
            for place, verdict in expected.verdicts.items()
        }

    @cached_property
    def _dead(self) -> set[Place]:
        return {p for p, v in self._verdicts.items() if v.disposition == "dead_letter"}

    @cached_property
    def _decided(self) -> Counter[Place]:
        """How often the lake says what became of each message."""
        found: Counter[Place] = Counter()
        for topic, spec in TOPICS.items():
            rows = rows_of(self.site.lake.store, spec.dataset)
            columns = (rows[name].to_pylist() for name in ("_partition", "_offset"))
            found.update((topic, *place) for place in zip(*columns, strict=True))
        for commit in self.site.lake.commits():
            own = commit.topic, commit.partition
            for runs in commit.filtered.values():
                found.update((*own, offset) for run in runs for offset in range(*run))
            found.update(
                (*own, letter["offset"]) for letter in dead_letters_of(self.site.lake.store, commit)
            )
        return found

    @cached_property
    def _warehoused(self) -> Warehoused:
        return Warehoused(self.site.lake, self.site.servers.redshift, SCHEMA)

    @cached_property
    def _loaded(self) -> Counter[Place]:
        """How often the warehouse has each row."""
        found: Counter[Place] = Counter()
        for spec in TOPICS.values():
            sql = f'SELECT _topic, _partition, _offset FROM {{schema}}."raw_{spec.dataset}"'
            found.update((str(t), int(p), int(o)) for t, p, o in self._warehoused.select(sql))
        return found

    def _broker_has_what_was_sent(self) -> Iterator[str]:
        for (topic, partition), listed in self.sent.items():
            read = [m for m in self._messages[topic] if m.partition == partition]
            if [_content(m) for m in read] != [_content(each) for each in listed]:
                yield (
                    f"{topic}[{partition}]: the broker has {len(read)} messages, and "
                    f"{len(listed)} were sent, or they differ"
                )

    def _verify_holds(self) -> Iterator[str]:
        site = self.site
        flags = [f"--config={site.lake.config}", *site.redshift_flags]
        argv = [
            f"--kafka_bootstrap_servers={site.brokers.bootstrap_servers}",
            f"--lake_root={site.lake.root}",
            "--progress=off",
            *flags,
        ]
        ended = site.launcher.launch(
            argv, environ=site.servers.s3.environ(), main="beam_pipelines.verify.cli:main"
        ).wait(_VERIFY_S)
        if ended.code:
            yield f"verify ended with {ended.code}: {ended.out[-_SHOWN:]} {ended.err[-_SHOWN:]}"

    def _lake_equals_oracle(self) -> Iterator[str]:
        assert_lake_equals_oracle(self.site.lake.store, self._expected)
        made = self.site.lake.commits()
        for expected in self._expected.values():
            mine = [commit for commit in made if commit.topic == expected.topic]
            if counted_rules(mine) != expected.counted_findings:
                yield f"{expected.topic}: commits count other findings than the oracle"

    def _totals_equal_oracle(self) -> Iterator[str]:
        rows = list(self._expected["dispense_event"].rows.values())
        store = self.site.lake.store
        for aggregate in AGGREGATES:
            totals = merge_totals(store.root, aggregate, store=store.settings).to_pylist()
            for difference in totals_that_differ(aggregate, totals, rows):
                yield f"{aggregate}: {difference}"

    def _dead_letters_are_those_planted(self) -> Iterator[str]:
        """Each was planted, and opens to the bytes that were sent."""
        store = self.site.lake.store
        opened = opened_dead_letters(store, self.site.lake.commits(), DEAD_LETTER_KEY)
        if sorted(place for place, _ in opened) != sorted(self._dead):
            yield f"{len(opened)} dead letters, where {len(self._dead)} are expected, or elsewhere"
        for place, message in opened:
            sent = self._sent_at.get(place)
            if sent is None or sent.planted is None:
                yield f"{place}: a dead letter that was not planted"
            elif message != (sent.key, sent.value, list(sent.headers), sent.timestamp_ms):
                yield f"{place}: the dead letter differs from what was sent"

    def _warehouse_equals_oracle(self) -> Iterator[str]:
        assert_star(self._warehoused, self._expected)
        yield from ()


def _problems(check: Callable[[], Iterator[str]]) -> list[str]:
    """Returns what a check finds, what it asserts included."""
    name = check.__name__.strip("_").replace("_", " ")
    found: list[str] = []
    try:
        found.extend(check())
    except AssertionError as error:
        found.append(str(error)[:_SHOWN])
    return [f"not so: {name}: {each}" for each in found]


def _content(message: Message | Sent) -> tuple[Any, ...]:
    return message.key, message.value, message.headers, message.timestamp_ms
