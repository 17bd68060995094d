import zlib
from collections import Counter, defaultdict

import numpy as np
import pytest

from beam_pipelines.produce import TOPICS, Chunk, generate
from beam_pipelines.produce.contracts import contract_of, contracts
from beam_pipelines.produce.faults.canaries import HEADER, KEY, MALFORMED, Canaries, phi_texts
from beam_pipelines.produce.faults.canary_messages import CanaryMessages
from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.patching import values_of
from beam_pipelines.produce.one_schema import events_of_one_schema
from beam_pipelines.produce.topics import DISPENSE
from beam_pipelines.produce.versions import current_names
from tests.beam_pipelines.pharmacy.rule_rows import packaged_rules
from tests.beam_pipelines.produce.faults.judging import judged
from tests.oracle import Message, expected_of

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def chunks() -> list[Chunk]:
    return list(generate(3, 8_000, "default"))


def with_canaries(chunks: list[Chunk]):
    for chunk in chunks:
        for row, planting in chunk.planted.items():
            if planting.kind.startswith("canary"):
                yield chunk, row, planting


def sound_event() -> Sound:
    value = events_of_one_schema(1, seed=5)[0]
    return Sound(value, contract_of(value), None)


@pytest.mark.parametrize("dataset", ["dispense_event", "patient_update"])
def test_every_phi_text_of_every_version_gets_one(dataset, chunks):
    planted = defaultdict(set)
    for chunk, row, planting in with_canaries(chunks):
        contract = contract_of(chunk.values[row]) if planting.kind == "canary" else None
        if contract is not None and contract.dataset == dataset:
            planted[contract.version] |= {canary.field for canary in planting.canaries}
    assert 2 in planted
    for version, fields in planted.items():
        contract = contracts(dataset)[version]
        names = current_names(contract, contracts(dataset)[2])
        phi = {field["name"] for field in phi_texts(contract.schema)}
        assert fields == {names.get(name, name) for name in phi}


def test_the_texts_of_a_patient_are_phi_texts():
    names = {field["name"] for field in phi_texts(contracts("patient_update")[2].schema)}
    assert names >= {
        "patient_id", "surviving_patient_id", "first_name", "middle_name", "last_name", "ssn",
        "address_line1", "address_line2", "city", "county", "postal_code", "phone", "email",
        "driver_license", "member_id", "allergies",
    }  # fmt: skip
    assert names.isdisjoint({"state", "plan_id", "event_id", "birth_date"})


def test_no_text_is_planted_twice_or_occurs_elsewhere(chunks):
    texts = Counter(c.text for _, _, planting in with_canaries(chunks) for c in planting.canaries)
    assert len(texts) > 300
    assert set(texts.values()) == {1}
    elsewhere = b"\n".join(
        value or b"" for chunk in generate(3, 8_000, "none") for value in chunk.values
    )
    assert not [text for text in texts if text.encode() in elsewhere]


def test_canaries_stand_where_the_planting_says(chunks):
    for chunk, row, planting in with_canaries(chunks):
        for canary in planting.canaries:
            place = {
                KEY: chunk.keys[row],
                HEADER: b"".join(value or b"" for _, value in chunk.headers.get(row, [])),
            }.get(canary.field, chunk.values[row])
            assert canary.text.encode() in place
            assert canary.text in canary.value


def test_the_messages_are_accepted_unless_they_are_malformed(chunks):
    for chunk, row, planting in with_canaries(chunks):
        message = Message(topic=chunk.topic, partition=0, offset=0, timestamp_ms=0,
                          key=None, value=chunk.values[row])  # fmt: skip
        (verdict,) = expected_of(chunk.topic, [message]).verdicts.values()
        dead = planting.kind == "canary_malformed"
        assert verdict.disposition == ("dead_letter" if dead else "accepted")
        assert dead == all(canary.field == MALFORMED for canary in planting.canaries)


@pytest.mark.parametrize("dataset", ["dispense_event", "patient_update"])
def test_no_rule_rejects_them_or_they_would_not_reach_the_masks(dataset):
    sound = ("canary", "canary_key", "canary_header")
    _, found = judged(dataset, lambda planting: planting.kind in sound)
    assert len(found) >= 8
    rejecting = {rule.id for rule in packaged_rules().of(dataset) if rule.severity == "error"}
    assert not rejecting & {rule for rules in found for rule in rules}


def test_they_have_the_keys_of_their_persons_and_the_partitions_of_their_keys(chunks):
    partitions = {topic.name: topic.partitions for topic in TOPICS}
    for chunk, row, planting in with_canaries(chunks):
        key = chunk.keys[row]
        if planting.kind != "canary_malformed":
            assert chunk.partitions[row] == zlib.crc32(key) % partitions[chunk.topic]
        if planting.kind in ("canary", "canary_header"):
            assert any(canary.value.encode() in key for canary in planting.canaries)


def test_directions_hold_a_name_and_a_phone():
    made = Canaries().message(sound_event(), ID)
    texts = [canary.text for canary in made.canaries if canary.field == "sig_text"]
    directions = values_of(Sound(made.value, sound_event().contract, None))["sig_text"]
    assert len(texts) == 2
    assert all(text in directions for text in texts)


def test_numbers_are_of_ranges_that_are_never_issued():
    update = next(
        value
        for chunk in generate(1, 2_000, "none")
        if chunk.topic == "pharmacy.patients"
        for value in chunk.values
        if value[4] == 5  # version 2
    )
    made = Canaries().message(Sound(update, contract_of(update), None), ID)
    assert made.text_of("ssn").startswith("999-")
    assert made.text_of("phone")[:2] == "99"
    assert made.text_of("phone")[3:8] == "-555-"
    assert made.text_of("email").endswith("@example.com")


def test_malformed_messages_name_only_canaries_that_are_left_in_them():
    canaries, rng = Canaries(), np.random.default_rng(0)
    made = [canaries.malformed(sound_event(), ID, rng) for _ in range(30)]
    assert all(c.text.encode() in each.value for each in made for c in each.canaries)
    assert min(len(each.canaries) for each in made) >= 3
    assert len({len(each.canaries) for each in made}) > 1


def test_a_stream_of_any_size_has_but_a_few_dozen():
    messages, rng = CanaryMessages(), np.random.default_rng(0)
    chunk = next(c for c in generate(1, 2_000, "none") if c.topic == DISPENSE.name)
    made = [len(list(messages.insertions(chunk, DISPENSE, rng))) for _ in range(9)]
    assert 24 <= sum(made) <= 60
    assert made[-1] == 0
