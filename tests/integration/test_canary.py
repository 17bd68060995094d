"""No PHI leaks: planted canaries, found by the command where a mask is off and only there."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from beam_pipelines.produce import TOPICS, TopicSpec, generate
from beam_pipelines.produce.client import KafkaTarget
from beam_pipelines.produce.manifest import Ledger, write_manifest
from tests.faults.lakes import Lake
from tests.launcher import Ended

pytestmark = pytest.mark.chain

CANARY = "beam_pipelines.canary.cli:main"
#: Of the generated stream, those that tell of patients, by their names here.
CARRIED = {
    topic.name: replace(topic, name=f"canaries.{topic.dataset}", partitions=2)
    for topic in TOPICS
    if topic.dataset in ("dispense_event", "patient_update")
}
FREE_TEXT = {"dispense_event": {"sig_text": "drop"}}


@pytest.fixture(scope="module")
def manifest(kafka, tmp_path_factory) -> Path:
    """A stream with canaries in the two topics, and its manifest."""
    path = tmp_path_factory.mktemp("canaries") / "manifest.json"
    given = tuple(replace(t, partitions=2) if t.name in CARRIED else t for t in TOPICS)
    _produce(kafka.bootstrap_servers, given, CARRIED, path)
    return path


def _produce(
    servers: str, given: tuple[TopicSpec, ...], carried: Mapping[str, TopicSpec], path: Path
) -> None:
    target = KafkaTarget(servers, {}, transactional_id="canaries")
    target.prepare(carried.values(), create=True, replication=1)
    for chunk in generate(9, 2_500, topics=given):
        if chunk.topic in carried:
            target.send(replace(chunk, topic=carried[chunk.topic].name))
    target.finish()
    write_manifest(path, {}, Ledger(), target.deliveries)


@pytest.fixture
def drained(make_lake, manifest):
    def drain(**masking: object) -> tuple[Lake, Ended]:
        topics = [{"topic": t.name, "dataset": t.dataset} for t in CARRIED.values()]
        lake = make_lake(*topics, masking={"fields": FREE_TEXT, **masking})
        ended = lake.drain("--progress=auto")
        assert ended.code == 0, ended
        return lake, ended

    return drain


def scan(lake: Lake, manifest: Path, *flags: str) -> tuple[int, dict]:
    ended = lake.command(CANARY, f"--manifest={manifest}", "--format=json", *flags)
    return ended.code, json.loads(ended.out)


def test_a_pseudonymised_lake_and_the_words_of_its_run_hold_no_canary(drained, manifest, tmp_path):
    lake, ended = drained(policy="pseudonymised", domain="test")
    (tmp_path / "run.log").write_text(ended.out + ended.err)
    code, found = scan(
        lake, manifest, f"--paths={tmp_path / 'run.log'}", "--key=env:DEAD_LETTER_KEY"
    )
    assert (code, found["leaks"], found["missing"]) == (0, [], []), found
    assert found["arrived"] == found["canaries"] > 100
    assert found["sealed"] > 20
    assert found["searched"]["file"]["bytes"] > 0


def test_a_mask_that_is_off_is_noticed(drained, manifest):
    lake, _ = drained(policy="ops")
    code, found = scan(lake, manifest, "--policy=pseudonymised")
    assert code == 1
    leaked = {leak["field"] for leak in found["leaks"]}
    assert leaked >= {"patient_update.last_name", "dispense_event.patient_id"}
    # What this policy masks, too, stays masked; what it keeps is no leak by its own measure.
    assert leaked.isdisjoint({"patient_update.ssn", "dispense_event.sig_text"})
    assert scan(lake, manifest)[0] == 0
