"""What is planted for the packaged rules trips just those rules."""

import functools
from collections import Counter, defaultdict
from itertools import chain

import numpy as np
import pytest

from beam_pipelines.produce import TOPICS, generate
from beam_pipelines.produce.faults.deaths import KIND
from beam_pipelines.produce.faults.rule_messages import VIOLATIONS, RuleMessages
from beam_pipelines.produce.generate import _Stream
from beam_pipelines.produce.one_schema import DEFAULT_DAY
from beam_pipelines.produce.topics import DISPENSE
from tests.beam_pipelines.pharmacy.rule_rows import packaged_rules
from tests.beam_pipelines.produce.faults.judging import Rules, judged, stream

#: Rules that no message by itself can trip: the stream has no drug for one gender.
NOT_BY_ONE_MESSAGE = {"R27.gender"}


@functools.cache
def planted(dataset: str) -> tuple[list[Rules], list[Rules]]:
    """Rules that messages are for, and rules that they trip."""
    plantings, found = judged(dataset, lambda planting: bool(planting.rules))
    return [planting.rules for planting in plantings], found


@pytest.mark.parametrize("dataset", VIOLATIONS)
class TestPlanted:
    def test_each_message_trips_the_rules_that_it_is_for_and_no_other(self, dataset):
        wanted, found = planted(dataset)
        wrong = defaultdict(Counter)
        for expected, got in zip(wanted, found, strict=True):
            if expected != got:
                wrong[expected][got] += 1
        assert not wrong

    def test_every_rule_is_tripped(self, dataset):
        rules = {rule.id for rule in packaged_rules().of(dataset)} - NOT_BY_ONE_MESSAGE
        assert {violation.rule for violation in VIOLATIONS[dataset]} == rules
        assert set(chain.from_iterable(planted(dataset)[0])) == rules

    def test_they_have_ids_of_their_own(self, dataset):
        (topic,) = [topic for topic in TOPICS if topic.dataset == dataset]
        held = defaultdict(list)
        for chunk in stream():
            for row, value in enumerate(chunk.values):
                if chunk.topic == topic.name and value is not None:
                    held[value[6:42]].append(row in chunk.planted and chunk.planted[row].rules)
        assert all(len(rows) == 1 for rows in held.values() if any(rows) and rows != [("R01",)])


def test_deaths_are_sound_and_trip_nothing():
    deaths, found = judged("patient_update", lambda planting: planting.kind == KIND)
    assert 0 < len(deaths) <= 4
    assert set(found) == {()}


def test_a_stream_of_any_size_has_but_some_hundreds():
    rng = np.random.default_rng(0)
    seed = np.random.SeedSequence(1).spawn(2)[0]
    messages = RuleMessages(_Stream(seed, 2_000, DEFAULT_DAY, TOPICS).world)
    chunk = next(c for c in generate(1, 2_000, "none") if c.topic == DISPENSE.name)
    made = [len(list(messages.insertions(chunk, DISPENSE, rng))) for _ in range(9)]
    assert sum(made) < 250
    assert made[-1] == 0
