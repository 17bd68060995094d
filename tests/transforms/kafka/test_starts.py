"""``--start``: four forms, and clear words for anything else."""

import pytest

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from transforms.errors import ConfigurationError
from transforms.kafka import StartAt, parse_start


@pytest.fixture
def broker():
    logs = {0: FakePartition(100, first=10), 1: FakePartition(200, first=20)}
    return FakeBroker({"t": FakeTopic("id", logs)}, at={0: 55, 1: 66})


def resolved(start, broker):
    return start.resolve(broker, broker.describe(["t"])[0])


class TestParse:
    @pytest.mark.parametrize("text", ["earliest", "latest"])
    def test_the_two_words(self, text):
        assert parse_start(text) == StartAt(how=text)

    @pytest.mark.parametrize(
        "text", ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31 12:00+00:00"]
    )
    def test_a_time_with_its_zone(self, text):
        assert parse_start(text) == StartAt(how="timestamp", timestamp_ms=1_769_860_800_000)

    def test_a_time_without_a_zone_is_refused(self):
        with pytest.raises(ConfigurationError, match="no time zone"):
            parse_start("2026-01-31T12:00:00")

    def test_anything_else_is_refused_with_the_forms(self):
        with pytest.raises(ConfigurationError, match=r"'soon'.*earliest, latest, a time"):
            parse_start("soon")

    def test_a_file_of_offsets(self, tmp_path):
        path = tmp_path / "offsets.json"
        path.write_text('{"t": {"0": 5, "1": 6}}')
        assert parse_start(str(path)) == StartAt(how="given", offsets={"t": {0: 5, 1: 6}})

    @pytest.mark.parametrize(
        "text", ["", "[]", '{"t": 5}', '{"t": {"x": 5}}', '{"t": {"0": null}}']
    )
    def test_a_file_of_another_form_is_refused_with_an_example(self, tmp_path, text):
        path = tmp_path / "offsets.json"
        path.write_text(text)
        with pytest.raises(ConfigurationError, match=r"can't be read .*Write \{"):
            parse_start(str(path))


class TestResolve:
    @pytest.mark.parametrize(
        ("how", "starts"),
        [
            ("earliest", {0: 10, 1: 20}),
            ("latest", {0: 100, 1: 200}),
            ("timestamp", {0: 55, 1: 66}),
        ],
    )
    def test_each_partition_gets_its_offset(self, broker, how, starts):
        assert resolved(StartAt(how=how), broker) == starts

    def test_given_offsets_may_be_anywhere_up_to_the_end(self, broker):
        given = StartAt(how="given", offsets={"t": {0: 0, 1: 200, 9: 9}, "u": {}})
        assert resolved(given, broker) == {0: 0, 1: 200}

    @pytest.mark.parametrize(
        ("offsets", "message"),
        [
            ({}, r"no offset for t\[0\]"),
            ({"t": {0: 1}}, r"no offset for t\[1\]"),
            ({"t": {0: 101, 1: 1}}, r"starts t\[0\] at 101, its log ends at 100"),
            ({"t": {0: -1, 1: 1}}, r"starts t\[0\] at -1"),
        ],
    )
    def test_a_missing_or_impossible_offset_is_refused(self, broker, offsets, message):
        with pytest.raises(ConfigurationError, match=message):
            resolved(StartAt(how="given", offsets=offsets), broker)


def test_the_genesis_records_how_and_when():
    assert StartAt(how="latest").label() == "latest"
    start = parse_start("2026-01-31T12:00:00Z")
    assert start.label() == "timestamp 2026-01-31T12:00:00+00:00"
