import json

import pytest

from beam_pipelines.canary import read_canaries
from beam_pipelines.produce.chunk import Chunk
from beam_pipelines.produce.delivery import Deliveries, Planted
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.manifest import Ledger, write_manifest
from tests.beam_pipelines.canary.canaries import NAME
from transforms.errors import ConfigurationError


def deliveries(chunks: list[Chunk]) -> Deliveries:
    planted = [
        Planted(chunk.topic, chunk.partitions[row], row, planting)
        for chunk in chunks
        for row, planting in chunk.planted.items()
    ]
    return Deliveries(planted=planted)


def test_what_the_load_generator_writes_is_read(tmp_path):
    made = deliveries(list(generate(1, 2_000, "default")))
    write_manifest(tmp_path / "manifest.json", {}, Ledger(), made)
    found = read_canaries(tmp_path / "manifest.json")
    assert len(found) == sum(len(each.planting.canaries) for each in made.planted) > 100
    assert [canary.number for canary in found] == sorted(canary.number for canary in found)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{}", "no manifest with canaries"),
        ("no JSON", "no manifest with canaries"),
        ('{"canaries": [{"text": "Zqv"}]}', "no manifest with canaries"),
        (json.dumps({"canaries": [vars(NAME) | {"text": ""}]}), "no manifest with canaries"),
        ('{"canaries": []}', "lists no canaries"),
    ],
)
def test_another_file_is_refused(tmp_path, body, words):
    (tmp_path / "m.json").write_text(body)
    with pytest.raises(ConfigurationError, match=words):
        read_canaries(tmp_path / "m.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="can't be read"):
        read_canaries(tmp_path / "m.json")


def test_a_canary_never_shows_its_text():
    assert NAME.text not in repr(NAME)
