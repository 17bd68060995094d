"""Live figures of the main job: they say what the lake does, and never stand in its way."""

import re
import signal

import pytest
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from beam_pipelines.kpi.board import Board
from beam_pipelines.kpi.client import TopicFollower
from beam_pipelines.kpi.figures import read_panes
from runners import flink
from tests.faults.lakes import store_settings, wait_until
from tests.integration.small import DATASET, confluent, fences, send
from tests.transforms.windows.batches import by_cell, shown
from transforms.kafka import BrokerSettings
from transforms.lake import find_lake
from transforms.windows import Aggregate, merge_totals

STORES = Aggregate.model_validate(
    {
        "name": "stores",
        "dataset": DATASET,
        "time": "effective_from",
        "window": "1h",
        "dimensions": ["_partition"],
        "measures": {"stores": {"count": ""}, "open": {"count": "open_24h"}},
    }
)
FIT = {"cleanup.policy": "compact", "min.compaction.lag.ms": "86400000"}
#: No figure is as small as that, so the broker refuses each.
REFUSING = {"max.message.bytes": "10"}
#: A start loads classes and starts workers: on a machine that does everything else too, slowly.
START_S = 240


class World:
    """A topic of messages, the lake of it, and the topic of its figures."""

    def __init__(self, kafka, make_lake, topic_factory, **figures):
        self.kafka, self.topic = kafka, topic_factory(2)
        self.figures = topic_factory(config={**FIT, **figures})
        self.lake = make_lake(
            self.topic,
            segment={"messages": 40},
            stream={"max_age_s": 1, "discover_every_s": 1},
            aggregates=[STORES.model_dump(mode="json", exclude_defaults=True)],
            kpi={
                "topic": self.figures,
                "early_s": 1,
                "suppress_below": 0,
                # A lake that is empty for some seconds is idle, and then what comes is years late.
                "allowed_lateness_s": 10 * 365 * 86_400,
            },
        )
        self._board = Board()
        self._follower = TopicFollower(
            BrokerSettings(bootstrap_servers=kafka.bootstrap_servers), self.figures, patience_s=60
        )

    def send(self, count, partition=0):
        send(self.kafka, self.topic, confluent(range(count)), partition)

    def published(self):
        """What the figures say now."""
        self._board.add(read_panes(self._follower.read(1.0), self.figures))
        return shown(self._board.panes())

    def totals(self):
        """What the lake says."""
        store = store_settings(self.lake.s3)
        return by_cell(merge_totals(self.lake.root, "stores", store=store).to_pylist(), STORES)

    def await_figures(self, *ends):
        """Waits until the lake has all, and then until the figures say the same."""
        self.await_lake(*ends)
        expected = self.totals()
        assert sum(cell["stores"] for cell in expected.values()) == sum(ends)
        wait_until(lambda: self.published() == expected, START_S)

    def await_lake(self, *ends):
        wait_until(lambda: find_lake(self.lake.store) is not None, START_S)
        wait_until(lambda: fences(self.lake, self.topic) == dict(enumerate(ends)), START_S)

    def configure(self, **settings):
        """Changes settings of the figures' topic."""
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, self.figures, incremental_configs=entries)
        admin = self.kafka.admin()  # What it was asked ends with it.
        admin.incremental_alter_configs([resource])[resource].result(60)

    def close(self):
        self._follower.close()


@pytest.fixture
def world(kafka, make_lake, topic_factory):
    made = World(kafka, make_lake, topic_factory)
    yield made
    made.close()


@pytest.mark.integration
class TestDrains:
    def test_each_publishes_the_totals_of_the_lake(self, world):
        world.send(50)
        world.send(30, partition=1)
        assert world.lake.drain().code == 0
        world.await_figures(50, 30)
        world.send(7)
        assert world.lake.drain().code == 0
        world.await_figures(57, 30)

    def test_a_topic_that_refuses_them_leaves_the_lake_complete_and_the_next_catches_up(
        self, world
    ):
        world.send(50)
        world.configure(**REFUSING)
        ended = world.lake.drain()
        assert ended.code == 1, ended
        assert re.search(r"^error: the live figures are behind the lake: ", ended.err, re.MULTILINE)
        world.await_lake(50, 0)
        assert world.published() == {}
        world.configure(**{"max.message.bytes": "1000000"})
        assert world.lake.drain().code == 0
        world.await_figures(50, 0)

    def test_a_topic_that_would_lose_them_is_refused_before_the_lake_is_begun(
        self, world, drain_here
    ):
        world.configure(**{"min.compaction.lag.ms": "0"})
        ended = drain_here(world.lake)
        assert ended.code == 2, ended
        assert "min.compaction.lag.ms" in ended.err
        assert list(world.lake.store.walk("")) == []


@pytest.mark.flink
class TestAStream:
    @pytest.fixture
    def start(self, world, flink_cluster):
        name = f"figures-{world.figures}"

        def started(*flags):
            master = f"--flink_master={flink_cluster.address}"
            return world.lake.start(
                "--mode=stream",
                "--runner=FlinkRunner",
                master,
                f"--job_name={name}",
                "--checkpointing_interval=2000",
                *flags,
            )

        yield started
        if flink.active(flink_cluster.cluster, name) is not None:
            flink.stop(flink_cluster.cluster, name, savepoint=False)

    def test_figures_agree_with_the_lake_across_a_kill_an_outage_a_restore_and_a_start_anew(
        self, world, start, flink_cluster
    ):
        world.send(50)
        world.send(30, partition=1)
        first = start()
        world.await_figures(50, 30)

        flink_cluster.task_managers[0].kill()
        flink_cluster.task_managers[0].restart(START_S)
        world.send(20)
        world.await_figures(70, 30)

        world.configure(**REFUSING)
        before = world.totals()
        world.send(9, partition=1)
        world.await_lake(70, 39)
        assert world.published() == before
        world.configure(**{"max.message.bytes": "1000000"})
        world.await_figures(70, 39)

        first.signal(signal.SIGTERM)
        ended = first.wait(START_S)
        assert ended.code == 0, ended
        (line,) = [line for line in ended.err.splitlines() if "--savepoint_path" in line]
        world.send(6)
        second = start(f"--savepoint_path={line.split()[-1]}")
        world.await_figures(76, 39)
        second.signal(signal.SIGTERM)
        assert second.wait(START_S).code == 0

        world.send(5)
        third = start()
        world.await_figures(81, 39)
        third.signal(signal.SIGTERM)
        assert third.wait(START_S).code == 0
