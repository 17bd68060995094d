import hashlib
import json

import pytest

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.delivery import Deliveries, Planted, Transaction
from beam_pipelines.produce.errors import ManifestError
from beam_pipelines.produce.manifest import Ledger, check_writable, message_bytes, write_manifest
from beam_pipelines.produce.planting import Canary, Planting

CANARY = Canary(number=7, text="Zqv-7", value="7 Zqv-7 St", dataset="d", field="address_line1")


def chunk(fate: Fate = Fate.PLAIN) -> Chunk:
    return Chunk(
        topic="t", partitions=[0, 1, 0], keys=[b"a", None, b"c"], values=[b"x", None, b"z"],
        timestamps_ms=[1, 2, 3], headers={2: [("h", None)]}, fate=fate,
    )  # fmt: skip


def test_digests_cover_the_committed_messages_of_a_partition_in_order():
    ledger = Ledger()
    ledger.add(chunk(Fate.ABORTED))
    ledger.add(chunk())
    wanted = message_bytes(b"a", b"x", 1, []) + message_bytes(b"c", b"z", 3, [("h", None)])
    assert ledger.topics()["t"]["0"] == {
        "committed": 2,
        "aborted": 2,
        "sha256": hashlib.sha256(wanted).hexdigest(),
    }


def test_a_null_differs_from_an_empty_text():
    assert message_bytes(None, b"", 1, []) != message_bytes(b"", None, 1, [])
    assert message_bytes(b"", b"", 1, [("h", None)]) != message_bytes(b"", b"", 1, [("h", b"")])


def test_the_manifest_names_what_was_planted(tmp_path):
    path = tmp_path / "manifest.json"
    deliveries = Deliveries(
        planted=[
            Planted("t", 1, 42, Planting(kind="truncated")),
            Planted("t", 1, 43, Planting(kind="rule", rules=("R02",), canaries=(CANARY,))),
        ],
        transactions=[Transaction("t", Fate.ABORTED, 3, {0: (5, 7)})],
    )
    ledger = Ledger()
    ledger.add(chunk())
    write_manifest(path, {"seed": 9}, ledger, deliveries)
    found = json.loads(path.read_text())
    assert found["format"] == 1
    assert found["arguments"] == {"seed": 9}
    assert found["planted"] == [
        {"topic": "t", "partition": 1, "offset": 42, "kind": "truncated"},
        {"topic": "t", "partition": 1, "offset": 43, "kind": "rule", "rules": ["R02"]},
    ]
    assert found["canaries"] == [
        {"topic": "t", "partition": 1, "offset": 43, "number": 7, "text": "Zqv-7",
         "value": "7 Zqv-7 St", "dataset": "d", "field": "address_line1"},
    ]  # fmt: skip
    assert found["transactions"][0]["ranges"] == {"0": [5, 7]}
    assert found["topics"] == ledger.topics()


def test_a_place_that_cannot_be_written_is_named_before_producing(tmp_path):
    with pytest.raises(ManifestError, match="missing"):
        check_writable(tmp_path / "missing" / "manifest.json")
