"""What is read, and what can't be asked for."""

import pytest

from transforms.errors import ConfigurationError
from transforms.kafka import BrokerSettings, ReadFromKafka, ReadFromKafkaConfig, StreamSettings
from transforms.topics import TopicName


def reading(**changed):
    values = {"topics": ["a"], "lake_root": "s3://bucket/lake", **changed}
    return ReadFromKafkaConfig(broker=BrokerSettings(bootstrap_servers="h:1"), **values)


def test_topics_must_differ():
    with pytest.raises(ConfigurationError, match="names that differ"):
        reading(topics=["a", "b", "a"])


@pytest.mark.parametrize("mode", ["drain", "stream"])
def test_something_must_be_read(mode):
    with pytest.raises(ConfigurationError, match="at least one topic"):
        reading(topics=[], mode=mode)


def test_there_are_two_modes_and_a_drain_is_what_one_gets_without_asking():
    assert reading().mode == "drain"
    with pytest.raises(ConfigurationError, match="drain or stream, got 'batch'"):
        reading(mode="batch")


@pytest.mark.parametrize("mode", ["drain", "stream"])
def test_topics_may_be_given_by_pattern_alone(mode):
    config = reading(topics=[], patterns=["a.*"], mode=mode)
    assert config.names == [TopicName(pattern="a.*")]


def test_a_pattern_must_be_a_regular_expression():
    with pytest.raises(ConfigurationError, match="is no regular expression"):
        reading(patterns=["a("], mode="stream")


@pytest.mark.parametrize("name", sorted(vars(StreamSettings())))
def test_a_streams_settings_must_be_positive(name):
    with pytest.raises(ConfigurationError, match=f"{name} must be positive, got 0"):
        StreamSettings(**{name: 0})


@pytest.mark.parametrize("root", ["bucket/lake", "s3://bucket", "s3://bucket/", "gs://b/l", ""])
def test_the_lake_needs_a_bucket_and_a_prefix(root):
    with pytest.raises(ConfigurationError, match="s3://bucket/prefix"):
        reading(lake_root=root)


def test_display_data_hold_addresses_only():
    shown = ReadFromKafka(reading(topics=["a", "b"])).display_data()
    assert shown == {
        "bootstrap_servers": "h:1",
        "topics": "a,b",
        "patterns": "",
        "mode": "drain",
    }
