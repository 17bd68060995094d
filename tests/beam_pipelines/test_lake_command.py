"""``python -m beam_pipelines.lake`` on a lake in memory."""

import base64
import json
from dataclasses import dataclass

import orjson
import pytest

from beam_pipelines.lake import cli
from beam_pipelines.lake.adoption import adopt_topic
from tests.fakes.lake import KEY, TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import RefusedError
from transforms.kafka import TopicFacts
from transforms.lake import PartitionId
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.runs import write_run
from transforms.lake.verify import verify_lake
from transforms.redshift import LoadOutcome
from transforms.redshift.outcome import write_loads

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
ORPHAN = f"data/order/event_date=2026-01-31/{TOPIC}.{TOPIC_ID}.0.0-7.{'0' * 16}.parquet"


@pytest.fixture
def lake(monkeypatch) -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 20, dead=[5, 6], parked=[8]), segment(20, 30))
    monkeypatch.setattr(cli, "ObjectStore", lambda root, settings: made.bucket.store(root))
    monkeypatch.delenv("DEAD_LETTER_KEY", raising=False)
    return made


def run(capsys, *argv: str) -> tuple[int, str, str]:
    code = cli.main([argv[0], "--lake_root", "s3://bucket/lake", *argv[1:]])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


class TestLs:
    def test_json_holds_datasets_and_chains(self, lake, capsys):
        code, out, _ = run(capsys, "ls", "--format", "json")
        found = json.loads(out)
        assert code == 0
        assert found["datasets"]["order"]["rows"] == 27
        assert found["datasets"]["order"]["commits"] == 2
        assert found["small_tables"] == {"dead_letters": 3}
        assert [chain["fence"] for chain in found["chains"]] == [30]

    def test_text_names_each_dataset(self, lake, capsys):
        code, out, _ = run(capsys, "ls")
        assert code == 0
        assert "order" in out

    def test_a_prefix_without_lake_is_refused_in_one_line(self, lake, capsys):
        lake.store.plant("_lake.json", None)
        code, out, err = run(capsys, "ls")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "there is no lake" in err


class TestShow:
    def test_a_commit_is_shown_by_key_or_by_place(self, lake, capsys):
        by_key = run(capsys, "show", OWNER.commit_key(1))[1]
        by_place = run(capsys, "show", "--topic", TOPIC, "--partition", "0", "--seq", "1")[1]
        assert by_key == by_place
        assert (json.loads(by_key)["start"], json.loads(by_key)["end"]) == (0, 20)

    def test_the_last_commit_is_shown_without_number(self, lake, capsys):
        out = run(capsys, "show", "--topic", TOPIC, "--partition", "0")[1]
        assert json.loads(out)["seq"] == 2

    @pytest.mark.parametrize(
        "argv",
        [
            (),
            ("_commits/x",),
            ("--topic", TOPIC, "--partition", "0", "--seq", "9"),
            ("--topic", TOPIC, "--partition", "9"),
            ("--topic", "other", "--partition", "0"),
            ("--run", "never"),
            ("--all",),
        ],
    )
    def test_what_is_not_there_is_refused_in_one_line(self, lake, capsys, argv):
        code, out, err = run(capsys, "show", *argv)
        assert (code, out, err.count("\n")) == (2, "", 1)

    def test_a_topic_with_two_ids_must_be_chosen(self, lake, capsys):
        lake.begin("new", {0: 3})
        place = ("--topic", TOPIC, "--partition", "0")
        assert run(capsys, "show", *place)[0] == 2
        assert json.loads(run(capsys, "show", *place, "--topic_id", "new")[1])["end"] == 3

    def test_a_run_is_shown(self, lake, capsys):
        outcome = PartitionOutcome(topic=TOPIC, topic_id="i", partition=0, wanted=9, fence=9)
        write_run(lake.store, "r1", [outcome])
        out = run(capsys, "show", "--run", "r1")[1]
        assert json.loads(out)["partitions"][0]["fence"] == 9
        assert "loads" not in json.loads(out)

    def test_a_run_is_shown_with_its_loads(self, lake, capsys):
        write_loads(lake.store, "r1", [LoadOutcome(failure="failed", reason="it is away")])
        out = json.loads(run(capsys, "show", "--run", "r1")[1])
        assert out["partitions"] == []
        assert [each["reason"] for each in out["loads"]] == ["it is away"]


class TestDeadLetters:
    def letters(self, capsys, *argv):
        code, out, err = run(capsys, "show", OWNER.commit_key(1), "--dead_letters", *argv)
        return code, [json.loads(line) for line in out.splitlines()], err

    def test_they_open_with_the_key_exactly_as_they_came(self, lake, capsys, monkeypatch):
        monkeypatch.setenv("DEAD_LETTER_KEY", KEY)
        code, letters, _ = self.letters(capsys)
        assert code == 0
        assert [letter["offset"] for letter in letters] == [5, 6, 8]
        assert [letter["disposition"] for letter in letters] == ["dead_letter"] * 2 + ["parked"]
        assert base64.b64decode(letters[0]["value"]) == b"value 5"
        assert base64.b64decode(letters[0]["key"]) == b"k5"
        assert letters[0]["headers"] == [["h", base64.b64encode(b"5").decode()]]
        assert letters[1]["headers"] is None

    def test_without_the_key_only_clear_columns_are_shown(self, lake, capsys):
        code, letters, err = self.letters(capsys)
        assert code == 0
        assert len(letters) == 3
        assert "stay closed" in err
        assert all({"key", "value", "headers", "sealed"}.isdisjoint(each) for each in letters)

    def test_another_key_leaves_them_closed(self, lake, capsys, monkeypatch):
        monkeypatch.setenv("OTHER", "33" * 32)
        _, letters, _ = self.letters(capsys, "--key", "env:OTHER")
        assert all("value" not in each for each in letters)

    def test_a_key_that_is_named_and_missing_is_refused(self, lake, capsys):
        assert self.letters(capsys, "--key", "env:NOWHERE")[0] == 2

    def test_all_commits_are_shown_with_all(self, lake, capsys):
        lake.write(segment(30, 40, dead=[35]))
        out = run(capsys, "show", "--dead_letters", "--all")[1]
        assert [orjson.loads(line)["offset"] for line in out.splitlines()] == [5, 6, 8, 35]


class TestSweep:
    def test_it_is_a_dry_run_by_default(self, lake, capsys):
        lake.store.plant(ORPHAN, b"")
        code, out, _ = run(capsys, "sweep")
        assert code == 0
        assert ORPHAN in out
        assert ORPHAN in lake.store.content

    def test_delete_deletes_the_orphans_only(self, lake, capsys):
        before = lake.store.content
        lake.store.plant(ORPHAN, b"")
        assert run(capsys, "sweep", "--delete")[0] == 0
        assert lake.store.content == before

    def test_json_names_all(self, lake, capsys):
        lake.store.plant(ORPHAN, b"1")
        found = json.loads(run(capsys, "sweep", "--format", "json")[1])
        assert found["deleted"] is False
        assert found["orphans"] == [{"key": ORPHAN, "size": 1}]


@dataclass
class FakeBroker:
    """Describes one topic."""

    topic_id: str

    def describe(self, topics):
        facts = TopicFacts(
            topic=topics[0], topic_id=self.topic_id, cluster_id="cluster-1", partitions=(0, 1)
        )
        return [facts]

    def earliest(self, facts):
        return {0: 4, 1: 6}


class TestAdoptTopic:
    def test_a_topic_made_again_gets_chains_from_its_earliest_offsets(self, lake):
        adopt_topic(FakeBroker("new"), lake.store, TOPIC)
        report = verify_lake(lake.store)
        assert report.holds
        assert report.chains == 3
        body = orjson.loads(lake.store.content[PartitionId(TOPIC, "new", 1).commit_key(0)])
        assert (body["start"], body["end"]) == (6, 6)

    def test_the_present_id_is_refused(self, lake):
        with pytest.raises(RefusedError, match="already"):
            adopt_topic(FakeBroker(TOPIC_ID), lake.store, TOPIC)

    def test_a_topic_that_the_lake_never_knew_is_refused(self, lake):
        before = lake.store.content
        with pytest.raises(RefusedError, match="nothing to adopt"):
            adopt_topic(FakeBroker("new"), lake.store, "other")
        assert lake.store.content == before
