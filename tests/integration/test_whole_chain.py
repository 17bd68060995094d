"""The whole demo stream, some 12,000 events with every fault, through the packaged configuration.

Rules, references, derived columns, masks and aggregates are all on, and the oracle works out each
row, verdict, finding and total on its own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from schemas.catalog import packaged_datasets
from tests.fakes.chain import counted_rules
from tests.faults.lakes import (
    Lake,
    assert_lake_equals_oracle,
    dead_letters_of,
    dispositions,
    in_order,
    opened_dead_letters,
    rows_of,
)
from tests.integration.misfits import send_misfits
from tests.integration.small import assert_proven, keys_of
from tests.integration.warehoused import Warehoused, assert_star
from tests.launcher import DEAD_LETTER_KEY, MASKING_KEY
from tests.oracle import (
    Expected,
    Message,
    Verdict,
    committed_ends,
    compare,
    compare_dispositions,
    earliest_starts,
    expected_of_run,
    read_committed,
)
from tests.oracle.aggregates import AGGREGATES, totals_that_differ
from tests.oracle.masks import Pseudonymised
from tests.oracle.references import REFERENCE_DATASETS
from tests.oracle.rules import RULES
from transforms.lake import SegmentCommit, read_small_tables
from transforms.lake.names import ATTEMPTS, TOLD_GAPS
from transforms.windows import merge_totals

pytestmark = pytest.mark.chain

PRODUCE = "beam_pipelines.produce.cli:main"
EVENTS = 12_000
TOPICS = {dataset.topic: dataset.name for dataset in packaged_datasets()}
REFERENCES = {topic for topic, dataset in TOPICS.items() if dataset in REFERENCE_DATASETS}

MASKS = Pseudonymised(bytes.fromhex(MASKING_KEY))

#: Kinds of planted faults that are sound messages all the same.
SOUND = {
    "duplicate", "headers", "null_key", "repeated_key", "canary", "canary_key", "canary_header",
    "death",
}  # fmt: skip


@dataclass(frozen=True)
class Drained:
    """The stream, drained once.

    Attributes:
        lake: The lake that holds it.
        manifest: What was planted where.
    """

    lake: Lake
    manifest: Path

    @cached_property
    def messages(self) -> Mapping[str, list[Message]]:
        """What the topics hold, by topic."""
        servers = self.lake.kafka.bootstrap_servers
        return _read(self.lake, {topic: earliest_starts(servers, topic) for topic in TOPICS})

    @cached_property
    def expected(self) -> Mapping[str, Expected]:
        """What the lake must hold, by dataset."""
        added = expected_of_run(self.messages, MASKS)
        return {TOPICS[topic]: each for topic, each in added.items()}

    @property
    def planted(self) -> list[dict]:
        return json.loads(self.manifest.read_text())["planted"]

    @property
    def transactions(self) -> list[dict]:
        return json.loads(self.manifest.read_text())["transactions"]

    def verdict(self, topic: str, partition: int, offset: int) -> Verdict | None:
        """What a message must become; None where a reader finds none."""
        return self.expected[TOPICS[topic]].verdicts.get((partition, offset))


@pytest.fixture(scope="module")
def drained(launcher, kafka, s3, tmp_path_factory) -> Drained:
    folder = tmp_path_factory.mktemp("stream")
    config = folder / "config.yaml"
    content = yaml.safe_load(files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text())
    # So that the larger partitions have several segments.
    config.write_text(yaml.safe_dump({**content, "segment": {"messages": 2_000}}))
    root = f"s3://{s3.bucket}/whole-chain"
    lake = Lake(launcher=launcher, kafka=kafka, s3=s3, config=str(config), root=root)
    manifest = folder / "manifest.json"
    produce(lake, manifest, events=EVENTS, seed=11)
    told = json.loads(manifest.read_text())
    told["planted"] += send_misfits(kafka, told["planted"])
    manifest.write_text(json.dumps(told))
    ended = lake.drain()
    assert ended.code == 0, ended
    return Drained(lake, manifest)


@pytest.fixture(scope="module")
def warehoused(drained, redshift) -> Iterator[Warehoused]:
    made = Warehoused(drained.lake, redshift, "whole_chain")
    yield made
    made.session.close()


def produce(lake: Lake, manifest: Path, *, events: int, seed: int) -> None:
    ended = lake.launcher.launch(
        [
            f"--kafka_bootstrap_servers={lake.kafka.bootstrap_servers}",
            f"--events={events}",
            f"--seed={seed}",
            f"--manifest={manifest}",
        ],
        main=PRODUCE,
    ).wait()
    assert ended.code == 0, ended


def test_the_lake_equals_the_oracle_for_every_topic(drained):
    assert sum(len(messages) for messages in drained.messages.values()) > EVENTS
    assert_lake_equals_oracle(drained.lake.store, drained.expected)
    assert_proven(drained.lake)


def test_every_planted_fault_is_found_where_it_was_planted(drained):
    kinds = {each["kind"] for each in drained.planted}
    assert len(kinds) > 20
    for each in drained.planted:
        verdict = drained.verdict(each["topic"], each["partition"], each["offset"])
        assert verdict is not None, each
        if each["kind"] == "tombstone":
            assert verdict == Verdict("filtered", "tombstone")
        elif each["kind"] in SOUND:
            assert verdict == Verdict("accepted"), each
        elif each["kind"] == "rule":
            assert_trips(drained, each)
        elif each["kind"] == "misfit":
            rule = f"DDL.{TOPICS[each['topic']]}.{each['column']}"
            assert verdict == Verdict("dead_letter", rule), each
        elif each["kind"] != "bit_flipped":  # A flipped bit may give another sound message.
            assert verdict.disposition == "dead_letter", each


def assert_trips(drained: Drained, planted: dict) -> None:
    """A message that was made to trip rules trips those, and becomes what they make of it."""
    dataset = TOPICS[planted["topic"]]
    expected = drained.expected[dataset]
    place = planted["partition"], planted["offset"]
    assert {found.rule for found in expected.findings[place]} == set(planted["rules"]), planted
    severities = {rule: RULES[dataset][rule][0] for rule in planted["rules"]}
    errors = sorted(rule for rule, severity in severities.items() if severity == "error")
    wanted = Verdict("dead_letter", errors[0]) if errors else Verdict("accepted")
    assert expected.verdicts[place] == wanted, planted


#: They need a prescriber and a drug that a stream of this size seldom has.
RARELY_TRIPPED = {("dispense_event", "R04.deactivated"), ("dispense_event", "R27.gender")}


def test_nearly_each_rule_was_tripped(drained):
    tripped = {
        (dataset, found.rule)
        for dataset, each in drained.expected.items()
        for listed in each.findings.values()
        for found in listed
    }
    rules = {(dataset, rule) for dataset, rules in RULES.items() for rule in rules}
    assert rules - tripped <= RARELY_TRIPPED


def test_commits_count_the_rules_that_the_oracle_finds(drained):
    made = drained.lake.commits()
    for expected in drained.expected.values():
        mine = [commit for commit in made if commit.topic == expected.topic]
        assert counted_rules(mine) == expected.counted_findings


def test_dead_letters_name_the_field_at_fault(drained):
    for expected in drained.expected.values():
        told = {
            (commit.partition, letter["offset"]): letter["field"]
            for commit in drained.lake.commits()
            if commit.topic == expected.topic
            for letter in dead_letters_of(drained.lake.store, commit)
        }
        assert told == expected.fields


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_totals_are_those_of_the_rows(drained, aggregate):
    rows = list(drained.expected["dispense_event"].rows.values())
    assert totals_of(drained.lake, aggregate)
    assert not list(totals_that_differ(aggregate, totals_of(drained.lake, aggregate), rows))


def totals_of(lake: Lake, aggregate: str) -> list[dict]:
    store = lake.store
    return merge_totals(store.root, aggregate, store=store.settings).to_pylist()


def test_every_dead_letter_was_planted(drained):
    places = {(p["topic"], p["partition"], p["offset"]) for p in drained.planted}
    for expected in drained.expected.values():
        for place, verdict in expected.verdicts.items():
            assert verdict.disposition != "dead_letter" or (expected.topic, *place) in places


def test_aborted_messages_are_nowhere_in_the_lake(drained):
    aborted = [each for each in drained.transactions if each["outcome"] == "aborted"]
    assert aborted
    for each in aborted:
        rows = rows_of(drained.lake.store, TOPICS[each["topic"]])
        held = set(zip(rows["_partition"].to_pylist(), rows["_offset"].to_pylist(), strict=True))
        for partition, (first, last) in each["ranges"].items():
            for offset in range(first, last + 1):
                place = int(partition), offset
                assert place not in held
                assert drained.verdict(each["topic"], *place) is None


def test_sealed_dead_letters_open_to_the_exact_messages(drained):
    sent = {
        (m.topic, m.partition, m.offset): (m.key, m.value, list(m.headers), m.timestamp_ms)
        for messages in drained.messages.values()
        for m in messages
    }
    letters = opened_dead_letters(drained.lake.store, drained.lake.commits(), DEAD_LETTER_KEY)
    opened = dict(letters)

    dead = [
        each
        for each in drained.expected.values()
        for v in each.verdicts.values()
        if v.disposition == "dead_letter"
    ]
    assert len(letters) == len(opened) == len(dead) > 50
    assert opened == {place: sent[place] for place in opened}


def test_dead_letters_show_nothing_of_the_messages_in_clear(drained):
    values = {
        (m.topic, m.partition, m.offset): m.value
        for messages in drained.messages.values()
        for m in messages
    }
    for commit in drained.lake.commits():
        letters = read_small_tables(drained.lake.store, commit).get("dead_letters", pa.table({}))
        for letter in letters.to_pylist():
            value = values[commit.topic, commit.partition, letter["offset"]]
            assert len(value) < 12 or value[5:] not in letter["sealed"]


def test_the_star_equals_the_oracle_after_many_small_loads(drained, warehoused):
    assert warehoused.load(rows=2_500) > 5
    assert_star(warehoused, drained.expected)


def test_an_object_that_no_commit_names_is_not_read(drained):
    store = drained.lake.store
    file = next(f for commit in drained.lake.commits() for f in commit.files if f.rows > 10)
    before = rows_of(store, file.dataset).num_rows
    orphan = file.key.replace(file.sha256[:16], "0" * 16)
    store.put(orphan, store.get(file.key))
    try:
        assert orphan in keys_of(drained.lake)
        assert rows_of(store, file.dataset).num_rows == before
        assert_proven(drained.lake)
    finally:
        store.delete([orphan])


def test_two_workers_give_the_same_rows_as_one(drained, lake_root):
    one = drained.lake
    two = Lake(launcher=one.launcher, kafka=one.kafka, s3=one.s3, config=one.config, root=lake_root)

    ended = two.drain("--direct_num_workers=2")

    assert ended.code == 0, ended
    # Two for the references, and two for the rest.
    for referred in (True, False):
        mine = [c for c in two.commits() if c.seq and (c.topic in REFERENCES) == referred]
        assert len({commit.writer for commit in mine}) == 2
    for dataset in TOPICS.values():
        assert in_order(rows_of(two.store, dataset)).equals(in_order(rows_of(one.store, dataset)))
    assert_proven(two)


def test_a_second_run_does_nothing(drained):
    before = keys_of(drained.lake)

    ended = drained.lake.drain("--progress=auto")

    assert ended.code == 0, ended
    assert "Nothing new" in ended.err
    assert keys_of(drained.lake) == before


def test_later_events_are_added_and_nothing_else_changes(drained, warehoused, tmp_path):
    """The last of this module: it adds to the topics."""
    lake = drained.lake
    # Notes for the next run are all that may change.
    noted = {key for key in keys_of(lake) if key.startswith((TOLD_GAPS, ATTEMPTS))}
    before = {key: lake.store.get(key) for key in keys_of(lake) - noted}
    fences: dict[str, dict[int, int]] = {}
    for commit in lake.commits():
        fences.setdefault(commit.topic, {})[commit.partition] = commit.end
    first = {expected.topic: expected for expected in drained.expected.values()}
    # Other versions of the same references among them, which only the new events see.
    produce(lake, tmp_path / "manifest.json", events=1_000, seed=12)
    second = expected_of_run(_read(lake, fences), MASKS, before=first)
    stores = [
        {row["pharmacy_ncpdp_id"] for row in each["pharmacy.ref.pharmacies"].rows.values()}
        for each in (first, second)
    ]
    assert stores[0] & stores[1]

    assert lake.drain().code == 0

    # What was there is as it was, so only what came is judged.
    assert {key: lake.store.get(key) for key in before} == before
    added = [commit for commit in lake.commits() if commit.key not in before]
    assert sum(commit.messages for commit in added) > 1_000
    for topic in TOPICS:
        mine = [commit for commit in added if commit.topic == topic]
        assert {commit.partition: commit.start for commit in reversed(mine)}.items() <= (
            fences[topic].items()
        )
        _assert_added(lake, topic, mine, second[topic])
        assert counted_rules(mine) == second[topic].counted_findings
    rows = [
        row for each in (first, second) for row in each["pharmacy.dispense"].rows.values()
    ]  # fmt: skip
    for aggregate in AGGREGATES:
        assert not list(totals_that_differ(aggregate, totals_of(lake, aggregate), rows))
    assert_proven(lake)
    warehoused.load(rows=500)
    assert_star(warehoused, *(_by_dataset(part) for part in (first, second)))


def _by_dataset(part: Mapping[str, Expected]) -> dict[str, Expected]:
    return {TOPICS[topic]: expected for topic, expected in part.items()}


def _read(lake: Lake, starts: Mapping[str, Mapping[int, int]]) -> dict[str, list[Message]]:
    """The messages of all topics, from some offsets on."""
    servers = lake.kafka.bootstrap_servers
    return {
        topic: list(read_committed(servers, topic, starts[topic], committed_ends(servers, topic)))
        for topic in TOPICS
    }


def _assert_added(lake: Lake, topic: str, added: list[SegmentCommit], expected: Expected) -> None:
    """Compares the rows and verdicts that commits have added with those of the new messages."""
    rows = rows_of(lake.store, TOPICS[topic])
    first = pc.is_in(
        pc.binary_join_element_wise(
            rows["_partition"].cast("string"), rows["_offset"].cast("string"), "-"
        ),
        value_set=pa.array([f"{p}-{o}" for p, o in expected.verdicts], "string"),
    )
    assert pc.sum(first).as_py() == len(expected.rows)
    rows = rows.filter(first)
    assert not compare(rows, expected)
    places = list(zip(*(rows[n].to_pylist() for n in ("_partition", "_offset")), strict=True))
    assert not compare_dispositions(dispositions(lake.store, added, places), expected)
