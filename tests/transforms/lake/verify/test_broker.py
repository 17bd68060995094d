"""The lake against a broker: fences, and messages read again."""

from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.fakes.lake import CLUSTER, KEY, TOPIC_ID, FakeLake, messages, segment
from transforms.lake.verify import TopicOnBroker, VerifyOptions, verify_lake
from transforms.quality import open_dead_letters


@dataclass
class FakeBroker:
    """A broker with one partition."""

    facts: TopicOnBroker | None
    log: pa.Table
    read_ranges: list[tuple[int, int]] = field(default_factory=list)

    def topic(self, name):
        return self.facts

    def read(self, owner, start, end, fence):
        assert end <= fence
        self.read_ranges.append((start, end))
        offset = pc.field("offset")
        earliest = self.facts.earliest[0]
        return self.log.filter((offset >= max(start, earliest)) & (offset < end))


@pytest.fixture
def lake() -> FakeLake:
    made = FakeLake()
    made.write(segment(0, 20, holes=[3], dead=[5, 6], filtered=[7]), segment(20, 40))
    return made


@pytest.fixture
def broker() -> FakeBroker:
    facts = TopicOnBroker(
        topic_id=TOPIC_ID, cluster_id=CLUSTER, earliest={0: 0}, stable_end={0: 40}
    )
    return FakeBroker(facts, messages([o for o in range(40) if o != 3]))


def opened(table, owner):
    return open_dead_letters(
        table, KEY, topic=owner.topic, topic_id=owner.topic_id, partition=owner.partition
    )


def verify(lake: FakeLake, broker: FakeBroker, **options):
    return verify_lake(lake.store, VerifyOptions(**options), broker=broker, open_letters=opened)


def change(broker: FakeBroker, **facts) -> None:
    broker.facts = replace(broker.facts, **facts)


def altered(broker: FakeBroker, offset: int, **values) -> None:
    rows = broker.log.to_pylist()
    rows = [{**row, **(values if row["offset"] == offset else {})} for row in rows]
    broker.log = pa.Table.from_pylist(rows, schema=broker.log.schema)


class TestFences:
    def test_a_lake_that_has_all_holds(self, lake, broker):
        report = verify(lake, broker)
        assert report.holds, report.places
        assert (report.ranges_reread, report.messages_reread) == (2, 39)

    def test_a_lag_is_broken_unless_allowed(self, lake, broker):
        change(broker, stable_end={0: 45})
        report = verify(lake, broker)
        assert dict(report.breaches) == {"lag": 1}
        assert report.places[0].offsets == (40, 45)
        assert verify(lake, broker, allow_lag=True).holds

    def test_a_partition_that_the_lake_does_not_know_lags_from_its_earliest_offset(
        self, lake, broker
    ):
        change(broker, stable_end={0: 40, 1: 9}, earliest={0: 0, 1: 4})
        assert verify(lake, broker).places[0].offsets == (4, 9)
        change(broker, stable_end={0: 40, 1: 9}, earliest={0: 0, 1: 9})
        assert verify(lake, broker).holds

    def test_a_log_that_is_shorter_than_the_lake_is_broken(self, lake, broker):
        change(broker, stable_end={0: 30})
        assert dict(verify(lake, broker).breaches) == {"log-short": 1}

    def test_a_missing_topic_is_broken(self, lake, broker):
        broker.facts = None
        assert dict(verify(lake, broker).breaches) == {"topic-missing": 1}

    def test_another_topic_under_the_name_is_broken(self, lake, broker):
        change(broker, topic_id="new")
        assert dict(verify(lake, broker).breaches) == {"topic-id": 1}

    def test_a_topic_that_was_adopted_leaves_a_note_on_the_old_chain(self, lake, broker):
        lake.begin("new", {0: 0})
        change(broker, topic_id="new", stable_end={0: 0})
        report = verify(lake, broker)
        assert report.holds
        assert len(report.notes) == 1

    def test_another_cluster_is_broken(self, lake, broker):
        change(broker, cluster_id="other")
        assert dict(verify(lake, broker).breaches) == {"broker-cluster": 2}

    def test_a_partition_that_is_gone_is_broken(self, lake, broker):
        change(broker, stable_end={}, earliest={})
        assert dict(verify(lake, broker).breaches) == {"partition-gone": 1}


class TestMessages:
    def test_a_message_that_the_lake_lacks_is_named(self, lake, broker):
        broker.log = messages(range(40))
        report = verify(lake, broker)
        assert dict(report.breaches) == {"broker-lost": 1}
        assert "first offset 3" in report.places[0].what

    def test_a_message_that_the_broker_never_had_is_named(self, lake, broker):
        broker.log = messages([o for o in range(40) if o not in (3, 30)])
        assert dict(verify(lake, broker).breaches) == {"broker-made-up": 1}

    def test_compaction_may_have_removed_messages(self, lake, broker):
        broker.log = messages([o for o in range(40) if o not in (3, 30)])
        change(broker, compacted=True)
        assert verify(lake, broker).holds

    def test_what_retention_has_deleted_is_said_and_no_breach(self, lake, broker):
        change(broker, earliest={0: 10})
        report = verify(lake, broker)
        assert report.holds, report.places
        assert len(report.notes) == 1
        assert report.messages_reread == 30

    def test_another_timestamp_of_an_accepted_message_is_named(self, lake, broker):
        row = broker.log.slice(20, 1).to_pylist()[0]
        altered(broker, row["offset"], timestamp=row["timestamp"].replace(year=2001))
        assert dict(verify(lake, broker).breaches) == {"broker-timestamp": 1}

    @pytest.mark.parametrize(
        "values",
        [
            {"value": b"x"},
            {"key": b"x"},
            {"value": None},
            {"headers": [{"key": "a", "value": b""}]},
        ],
    )
    def test_a_dead_letter_that_is_not_the_message_is_named(self, lake, broker, values):
        altered(broker, 5, **values)
        assert dict(verify(lake, broker).breaches) == {"broker-dead-letter": 1}

    def test_a_seal_that_does_not_open_is_named(self, lake, broker):
        def wrong(table, owner):
            return open_dead_letters(
                table, "22" * 32, topic=owner.topic, topic_id=owner.topic_id, partition=0
            )

        report = verify_lake(lake.store, broker=broker, open_letters=wrong)
        assert dict(report.breaches) == {"seal": 1}

    def test_without_files_nothing_is_read_again(self, lake, broker):
        assert verify(lake, broker, metadata_only=True).ranges_reread == 0
        assert broker.read_ranges == []
