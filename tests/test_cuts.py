"""Wherever segments are cut, rows, verdicts, findings and totals are the same, and the oracle's."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalog import packaged_datasets
from tests.fakes.chain import MASKING_KEY, FakeRuns, counted_rules
from tests.fakes.object_store import FakeBucket
from tests.faults.lakes import dead_letters_of, dispositions, in_order
from tests.oracle import Expected, Message, compare, compare_dispositions, expected_of_run
from tests.oracle.aggregates import AGGREGATES, totals_that_differ
from tests.oracle.masks import Pseudonymised
from tests.twisted import varied

DATASETS = {dataset.topic: dataset.name for dataset in packaged_datasets()}
EVENTS = 200


def drained(messages: Sequence[Message], cuts: Mapping[str, Sequence[float]]) -> FakeRuns:
    """A lake that the messages were drained to, cut at some shares of each topic."""
    runs = FakeRuns(FakeBucket())
    runs.run(messages, lambda place, end: [int(cut * end) for cut in cuts.get(place[0], ())])
    return runs


def by_topic(messages: Sequence[Message]) -> dict[str, list[Message]]:
    found: dict[str, list[Message]] = {}
    for message in messages:
        found.setdefault(message.topic, []).append(message)
    return found


def assert_holds(runs: FakeRuns, expected: Mapping[str, Expected]) -> None:
    made = runs.commits()
    for dataset, wanted in expected.items():
        mine = [commit for commit in made if commit.topic == wanted.topic]
        rows = runs.rows(dataset)
        assert not compare(rows, wanted)
        places = list(zip(*(rows[n].to_pylist() for n in ("_partition", "_offset")), strict=True))
        assert not compare_dispositions(dispositions(runs.store(), mine, places), wanted)
        told = {
            (commit.partition, letter["offset"]): letter["field"]
            for commit in mine
            for letter in dead_letters_of(runs.store(), commit)
        }
        assert told == wanted.fields
        assert counted_rules(mine) == wanted.counted_findings
    rows = list(expected["dispense_event"].rows.values())
    for aggregate in AGGREGATES:
        assert not list(totals_that_differ(aggregate, runs.totals(aggregate), rows))


CUTS = st.dictionaries(
    st.sampled_from(sorted(DATASETS)),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    min_size=3,
)


@settings(
    max_examples=3, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(chance=st.integers(0, 2**32), cuts=CUTS)
def test_any_cut_gives_the_rows_verdicts_findings_and_totals_of_the_oracle(
    chance: int, cuts: dict[str, list[float]]
) -> None:
    messages = varied(chance % 4, EVENTS, random.Random(chance))
    expected = {
        DATASETS[topic]: each
        for topic, each in expected_of_run(
            by_topic(messages), Pseudonymised(bytes.fromhex(MASKING_KEY))
        ).items()
    }
    whole, cut = drained(messages, {}), drained(messages, cuts)

    assert_holds(whole, expected)
    assert_holds(cut, expected)
    for dataset in expected:
        assert in_order(cut.rows(dataset)).equals(in_order(whole.rows(dataset)))
    for aggregate in AGGREGATES:
        assert cut.totals(aggregate) == whole.totals(aggregate)


def test_the_twisted_messages_trip_most_rules_and_become_everything() -> None:
    messages = varied(1, 3_000, random.Random(1))
    expected = expected_of_run(by_topic(messages), Pseudonymised(bytes.fromhex(MASKING_KEY)))
    tripped = Counter(
        rule for each in expected.values() for rule, _ in each.counted_findings.elements()
    )
    assert len(tripped) > 60
    reasons = {v.code for each in expected.values() for v in each.verdicts.values()}
    assert {"", "tombstone", "truncated", "R05", "R03.marketed"} <= reasons
    # What the warehouse can't take: texts, and lists and times at least one each.
    limits = {reason.rpartition(".")[2] for reason in reasons if reason.startswith("DDL.")}
    assert len(limits) > 10
    assert limits & {"reject_codes", "allergies", "pdc_class", "dea_schedules"}
    assert limits & {"promised_at", "produced_at", "expiration_date", "_timestamp"}
