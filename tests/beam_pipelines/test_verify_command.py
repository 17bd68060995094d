"""``python -m beam_pipelines.verify``: exit codes and output, on a lake in memory."""

import json

import pyarrow as pa
import pytest

from beam_pipelines.verify import cli
from beam_pipelines.verify.client import PartitionReading
from tests.fakes.lake import KEY, TOPIC, FakeLake, messages, segment
from tests.fakes.object_store import Fault
from transforms.errors import BrokerUnavailableError
from transforms.kafka.messages import Fetched
from transforms.lake import PartitionId
from transforms.lake.read import read_small_tables
from transforms.quality import DEAD_LETTERS

OWNER = PartitionId("t", "id", 0)


@pytest.fixture
def lake(monkeypatch) -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 20, dead=[5, 6]), segment(20, 30))
    monkeypatch.setattr(cli, "ObjectStore", lambda root, settings: made.store)
    return made


def run(capsys, *argv: str) -> tuple[int, str, str]:
    code = cli.main(["--lake_root", "s3://bucket/lake", "--progress", "off", *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


class TestExitCodes:
    def test_a_sound_lake_gives_0(self, lake, capsys):
        code, out, _ = run(capsys)
        assert code == 0
        assert "The lake holds." in out

    def test_a_broken_lake_gives_1_and_names_the_place(self, lake, capsys):
        key = lake.data_file(1).key
        lake.store.plant(key, None)
        code, out, _ = run(capsys)
        assert code == 1
        assert "missing" in out
        assert f"{TOPIC}[0], commit 1, offsets 0-20, {key}" in out

    def test_an_outage_gives_2_in_one_line(self, lake, capsys):
        lake.store.fail(Fault.LOST_REQUEST, "get_object", key="data/", times=10_000)
        code, out, err = run(capsys)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "could not be checked" in err

    def test_no_lake_gives_2(self, lake, capsys):
        for key in lake.store.content:
            lake.store.plant(key, None)
        code, _, err = run(capsys)
        assert (code, err.count("\n")) == (2, 1)

    @pytest.mark.parametrize(
        "argv",
        [
            ("--sample", "2"),
            ("--sample", "many"),
            ("--since", "yesterday"),
            ("--since", "2026-01-31T00:00:00"),
            ("--nonsense",),
            ("--allow_lag",),
            ("--kafka_config", "a=b"),
            ("--kafka_bootstrap_servers", "127.0.0.1:1", "--kafka_config", "secret"),
            ("--kafka_bootstrap_servers", "127.0.0.1:1", "--kafka_config", "isolation.level=x"),
        ],
    )
    def test_wrong_flags_give_2_in_one_line(self, lake, capsys, argv):
        code, out, err = run(capsys, *argv)
        assert (code, out, err.count("\n")) == (2, "", 1)

    def test_a_value_given_for_a_setting_is_not_repeated(self, lake, capsys):
        argv = ("--kafka_bootstrap_servers", "127.0.0.1:1", "--kafka_config", "hunter2")
        assert "hunter2" not in run(capsys, *argv)[2]


class TestOutput:
    def test_json_is_one_document(self, lake, capsys):
        code, out, _ = run(capsys, "--format", "json")
        found = json.loads(out)
        assert code == 0
        assert found["holds"] is True
        assert (found["messages"], found["rows"]) == (30, 28)
        assert found["seconds"] >= 0

    def test_json_of_a_broken_lake_names_places(self, lake, capsys):
        lake.store.plant(lake.data_file(2).key, None)
        code, out, _ = run(capsys, "--format", "json")
        found = json.loads(out)
        assert (code, found["holds"], found["breaches"]) == (1, False, {"missing": 1})
        assert found["places"][0]["seq"] == 2

    def test_since_takes_a_time_with_its_zone(self, lake, capsys):
        out = run(capsys, "--format", "json", "--since", "2027-01-01T00:00:00Z")[1]
        assert json.loads(out)["files_read"] == 0


class TestLetters:
    def test_without_a_key_nothing_is_opened(self):
        assert cli.letters_opener(None) is None

    @pytest.mark.parametrize(("key", "count"), [(KEY, 2), ("44" * 32, 0)])
    def test_only_what_the_key_has_sealed_is_opened(self, lake, key, count):
        table = read_small_tables(lake.store, lake.commit(1))[DEAD_LETTERS]
        opened = list(cli.letters_opener(key)(table, lake.commit(1).owner))
        assert len(opened) == count


class _Consumer:
    """Gives a log of offsets 0-99 with holes, some at a time."""

    def __init__(self, earliest: int = 0, step: int = 7) -> None:
        self.log = messages([o for o in range(100) if o % 10])
        self.earliest = earliest
        self.step = step
        self.fetched: list[int] = []

    def fetch(self, topic, partition, start, wanted, count, size):
        self.fetched.append(start)
        if start < self.earliest:
            return Fetched(self.log.slice(0, 0), start)
        end = min(start + self.step, wanted)
        offsets = self.log.column("offset").to_numpy()
        first, after = offsets.searchsorted((start, end))
        return Fetched(self.log.slice(first, after - first), end)


def _reading(consumer: _Consumer) -> PartitionReading:
    return PartitionReading(consumer, OWNER, 100, lambda _: consumer.earliest)


def _offsets(table: pa.Table) -> list[int]:
    return table.column("offset").to_pylist()


class TestPartitionReading:
    def test_ranges_are_cut_from_what_is_read_once(self):
        consumer = _Consumer()
        reading = _reading(consumer)
        found = [_offsets(reading.read(a, b)) for a, b in ((0, 12), (12, 13), (13, 100))]
        assert [o for part in found for o in part] == [o for o in range(100) if o % 10]
        assert found[1] == [12]
        assert consumer.fetched == sorted(set(consumer.fetched))

    def test_ranges_that_are_left_out_are_skipped(self):
        consumer = _Consumer()
        reading = _reading(consumer)
        assert _offsets(reading.read(0, 3)) == [1, 2]
        assert _offsets(reading.read(60, 63)) == [61, 62]
        assert 60 in consumer.fetched

    def test_what_retention_deletes_meanwhile_is_left_out(self):
        reading = _reading(_Consumer(earliest=25))
        assert _offsets(reading.read(20, 28)) == [25, 26, 27]

    def test_a_broker_that_gives_nothing_is_an_outage(self):
        consumer = _Consumer(earliest=50)
        reading = PartitionReading(consumer, OWNER, 100, lambda _: 0)
        with pytest.raises(BrokerUnavailableError):
            reading.read(0, 10)
