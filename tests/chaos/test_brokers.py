"""Three brokers of which one dies, as a cluster's do one after the other at each upgrade."""

import time

import pytest
from confluent_kafka.admin import NewTopic

from tests.chaos.brokers import brokers
from transforms.errors import BrokerUnavailableError
from transforms.kafka.client import Broker
from transforms.kafka.settings import BrokerSettings

pytestmark = pytest.mark.chaos

#: A broker counts as gone after nine seconds.
FAILOVER_S = 9


def test_while_a_broker_is_away_questions_take_no_processor_time_and_are_answered_after(tmp_path):
    """librdkafka would connect again without a pause, on the core that the broker's start needs."""
    with brokers(tmp_path, 3) as cluster:
        settings = BrokerSettings(bootstrap_servers=cluster.bootstrap_servers)
        admin = cluster.nodes[0].admin()
        admin.create_topics([NewTopic("topic", 6, 3)])["topic"].result(30)
        asks = Broker(settings, patience_s=1)
        (facts,) = asks.describe(["topic"])
        asks.stable_end(facts)
        cluster.lose(0)
        used, begun, outages = time.process_time(), time.monotonic(), 0
        while time.monotonic() < begun + 3 * FAILOVER_S:
            try:
                asks.describe(["topic"])
                asks.stable_end(facts)
                time.sleep(0.2)
            except BrokerUnavailableError:
                outages += 1
        used, took = time.process_time() - used, time.monotonic() - begun
        assert outages
        assert used < took / 20
        assert asks.stable_end(facts) == dict.fromkeys(range(6), 0)
