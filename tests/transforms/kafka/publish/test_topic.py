"""The topic of figures: made if missing, refused where what counts would be lost."""

import pytest

from transforms.errors import RefusedError, TopicMissingError
from transforms.kafka.publish import TopicNeeds, ensure_topic
from transforms.kafka.publish.client import TopicState

NEEDS = TopicNeeds(partitions=3, kept_s=7_200)
COMPACTED = {**NEEDS.config(), "retention.ms": "1", "retention.bytes": "1"}
DELETED = {
    "cleanup.policy": "delete",
    "min.compaction.lag.ms": "0",
    "retention.ms": "7200000",
    "retention.bytes": "-1",
}


class FakeCluster:
    """Has one topic, or none."""

    def __init__(self, config=None, writable=True):
        self.config, self.writable = config, writable
        self.made = []

    def state(self, topic):
        if self.config is None:
            raise TopicMissingError(f"the broker has no topic {topic}", "Create it")
        return TopicState(self.config, self.writable)

    def create(self, topic, partitions, config):
        self.made.append((topic, partitions, config))


def refused(cluster):
    with pytest.raises(RefusedError) as caught:
        ensure_topic(cluster, "kpi", NEEDS)
    assert not cluster.made
    return str(caught.value)


def test_a_topic_that_is_missing_is_made_compacted():
    cluster = FakeCluster()
    assert ensure_topic(cluster, "kpi", NEEDS)
    ((topic, partitions, config),) = cluster.made
    assert (topic, partitions) == ("kpi", 3)
    assert config == {"cleanup.policy": "compact", "min.compaction.lag.ms": "86400000"}


@pytest.mark.parametrize(
    "config",
    [
        COMPACTED,
        DELETED,
        {**DELETED, "retention.ms": "-1"},
        {**DELETED, "cleanup.policy": "compact,delete", "min.compaction.lag.ms": "3600000"},
    ],
)
def test_one_that_keeps_what_counts_is_taken_as_it_is(config):
    cluster = FakeCluster(config)
    assert not ensure_topic(cluster, "kpi", NEEDS)
    assert not cluster.made


def test_one_that_may_not_be_written_is_refused():
    assert "Grant Write" in refused(FakeCluster(COMPACTED, writable=False))


@pytest.mark.parametrize(
    ("config", "setting"),
    [
        ({**COMPACTED, "min.compaction.lag.ms": "3599999"}, "min.compaction.lag.ms to 86400000"),
        ({**COMPACTED, "cleanup.policy": "compact,delete"}, "retention.ms to 7200000"),
        ({**DELETED, "retention.ms": "7199999"}, "retention.ms to 7200000"),
        ({**DELETED, "retention.bytes": "1000000"}, "retention.bytes to -1"),
    ],
)
def test_one_that_would_lose_what_counts_is_refused_with_a_value_that_will_do(config, setting):
    assert setting in refused(FakeCluster(config))
