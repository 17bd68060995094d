from collections import Counter

import numpy as np
import pytest

from beam_pipelines.produce.generate import generate
from schemas.catalog import packaged_dataset
from schemas.strict import decode

WRITERS = {"pharmacy.dispense": ("dispense_event", 1), "pharmacy.patients": ("patient_update", 4)}


@pytest.fixture(scope="module")
def values() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {topic: [] for topic in WRITERS}
    for chunk in generate(5, 6_000, "none"):
        if chunk.topic in found:
            found[chunk.topic] += [value for value in chunk.values if value is not None]
    return found


def versions_of(topic: str, values: list[bytes]) -> np.ndarray:
    first = WRITERS[topic][1]
    return np.array([int.from_bytes(v[1:5], "big") - first + 1 for v in values])


@pytest.mark.parametrize("topic", WRITERS)
def test_three_versions_are_mixed(topic, values):
    shares = Counter(versions_of(topic, values[topic]).tolist())
    total = sum(shares.values())
    assert 0.10 < shares[1] / total < 0.20
    assert 0.05 < shares[3] / total < 0.15
    assert shares[1] + shares[2] + shares[3] == total


@pytest.mark.parametrize("topic", WRITERS)
def test_every_version_resolves_to_the_reader(topic, values):
    dataset = packaged_dataset(WRITERS[topic][0])
    for version, value in zip(versions_of(topic, values[topic]), values[topic], strict=True):
        assert decode(dataset.schema(int(version)), dataset.reader, value[5:])


def test_renamed_fields_keep_their_values(values):
    dataset = packaged_dataset("dispense_event")
    rows = [
        decode(dataset.schema(int(version)), dataset.reader, value[5:])
        for version, value in zip(
            versions_of("pharmacy.dispense", values["pharmacy.dispense"]),
            values["pharmacy.dispense"],
            strict=True,
        )
    ]
    assert all(row["rx_number"].isdigit() and row["promised_at"] is not None for row in rows)
    assert all(row["quantity_dispensed"] > 0 for row in rows)


def test_newer_symbols_occur_and_read_as_the_default(values):
    dataset = packaged_dataset("dispense_event")
    newest = dataset.schema(3)
    partial = [
        value
        for version, value in zip(
            versions_of("pharmacy.dispense", values["pharmacy.dispense"]),
            values["pharmacy.dispense"],
            strict=True,
        )
        if version == 3 and decode(newest, newest, value[5:])["event_type"] == "PARTIALLY_FILLED"
    ]
    assert partial
    assert {decode(newest, dataset.reader, v[5:])["event_type"] for v in partial} == {"UNKNOWN"}
