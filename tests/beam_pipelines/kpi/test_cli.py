"""The command, against a real broker: what counts is shown, once or as it comes."""

import orjson
import pytest
from confluent_kafka import Producer

from beam_pipelines.kpi.cli import main
from tests.beam_pipelines.kpi.panes import HOUR, NOON, pane
from tests.faults.lakes import wait_until

PATIENCE_S = 60


def publish(kafka, topic, *panes):
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for each in panes:
        producer.produce(topic, each.to_bytes(), each.key)
    assert producer.flush(PATIENCE_S) == 0


@pytest.mark.operations
class TestWithABroker:
    def flags(self, kafka, topic):
        return [f"--kafka_bootstrap_servers={kafka.bootstrap_servers}", f"--topic={topic}"]

    def test_once_it_shows_the_panes_that_count(self, kafka, topic_factory, capsys):
        topic = topic_factory(partitions=3)
        publish(kafka, topic, *(pane(f"s{n}", 20 + n) for n in range(8)), pane("s7", 9))
        publish(kafka, topic, pane("s1", 3, start=NOON - HOUR))

        assert main([*self.flags(kafka, topic), "--once", "--top=3"]) == 0
        text = capsys.readouterr().out
        assert "fills 2026-03-16 12:00 to 13:00: 188 rows, 8 cells" in text
        assert "s7" in text
        assert "s4" not in text

        assert main([*self.flags(kafka, topic), "--once", "--format=json"]) == 0
        found = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert len(found) == 9
        assert {each["version"] for each in found} == {3, *range(20, 28)}

    def test_an_empty_topic_shows_nothing(self, kafka, topic_factory, capsys):
        assert main([*self.flags(kafka, topic_factory()), "--once"]) == 0
        assert capsys.readouterr().out.strip() == ""

    def test_a_topic_that_is_missing_is_refused(self, kafka, capsys):
        assert main([*self.flags(kafka, "nobody-published-it"), "--once"]) == 2
        assert "nobody-published-it" in capsys.readouterr().err

    def test_without_it_new_panes_are_shown_until_it_is_interrupted(
        self, kafka, topic_factory, launcher
    ):
        topic = topic_factory()
        publish(kafka, topic, pane("s1", 20))
        run = launcher.launch(self.flags(kafka, topic), main="beam_pipelines.kpi.cli:main")
        wait_until(lambda: "20 rows, 1 cells" in run.stdout, PATIENCE_S)
        publish(kafka, topic, pane("s2", 30))
        wait_until(lambda: "50 rows, 2 cells" in run.stdout, PATIENCE_S)
        run.interrupt()
        assert run.wait().code == 0


@pytest.mark.parametrize("flags", [["--format=json"], ["--once", "--top=0"], []])
def test_flags_that_mean_nothing_are_refused(flags, capsys):
    servers = ["--kafka_bootstrap_servers=h:1"] if flags else []
    assert main([*servers, *flags]) == 2
    assert capsys.readouterr().err.startswith("error: ")
