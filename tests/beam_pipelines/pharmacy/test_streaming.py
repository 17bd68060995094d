"""A stream's life in its client: waiting, being stopped, and what is said at its end."""

import os
import signal
import threading

import pytest
from apache_beam.runners.runner import PipelineState
from rich.console import Console

from beam_pipelines.pharmacy import streaming
from beam_pipelines.pharmacy.cli import main
from beam_pipelines.pharmacy.config import load_config
from runners.errors import FlinkClusterError
from runners.flink import Stopped

EVER = streaming._Timer(None, lambda: True)
REQUIRED = ["--mode=stream", "--kafka_bootstrap_servers=localhost:1", "--lake_root=s3://b/p"]


class Result:
    """A runner's result whose states come one after the other."""

    def __init__(self, *states) -> None:
        self._states = list(states)
        self.canceled = False

    @property
    def state(self):
        found = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(found, Exception):
            raise found
        return found

    def wait_until_finish(self):
        if self.state == PipelineState.FAILED:
            raise RuntimeError("no such savepoint")
        return self.state

    def cancel(self) -> None:
        self.canceled = True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(streaming, "_POLL_S", 0.001)


def stopped(monkeypatch, *answers, state=PipelineState.RUNNING) -> tuple[object, str]:
    """Stops a job on a cluster that answers so; what was raised and what was said."""
    left = list(answers)

    def stop(cluster, name):
        assert (cluster.host, name) == ("flink.example", "mine")
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(streaming, "stop", stop)
    screen = Console(record=True, width=200, file=open(os.devnull, "w"))  # noqa: SIM115
    # As a user writes them, and as a preset does.
    flags = ["--flink_master", "flink.example:8081", "--job_name=mine"]
    failure = streaming._stopped(Result(state), flags, screen)
    assert left == []
    return failure, screen.export_text()


class TestWaiting:
    @pytest.mark.parametrize(
        ("state", "told"),
        [(PipelineState.DONE, "the runner says DONE"), (PipelineState.FAILED, "no such savepoint")],
    )
    def test_it_ends_when_the_runner_does_and_says_how(self, state, told):
        running = PipelineState.RUNNING
        found = streaming._waited(Result(running, running, state), threading.Event(), EVER)
        assert str(found) == told

    def test_a_wish_to_stop_ends_it_without_a_failure(self):
        asked = threading.Event()
        asked.set()
        assert streaming._waited(Result(PipelineState.RUNNING), asked, EVER) is None

    def test_after_the_time_that_was_given_it_is_stopped(self):
        asked, looks = threading.Event(), iter([False, False, True])
        timer = streaming._Timer(0.01, lambda: next(looks, True))
        assert streaming._waited(Result(PipelineState.RUNNING), asked, timer) is None
        assert asked.is_set()
        assert next(looks, "all used") == "all used"

    def test_a_job_server_that_is_gone_is_a_failure(self):
        error = ValueError("closed")
        assert streaming._waited(Result(error), threading.Event(), EVER) is error


class TestStopping:
    def test_the_path_of_the_savepoint_is_told(self, monkeypatch):
        ended = Stopped(job=None, state="FINISHED", path="file:/sp-1", problem=None)
        failure, said = stopped(monkeypatch, ended)
        assert failure is None
        assert "--savepoint_path file:/sp-1" in said

    def test_why_there_is_no_savepoint_is_told(self, monkeypatch):
        ended = Stopped(job=None, state="CANCELED", path="file:/chk-3", problem="it restarts")
        _, said = stopped(monkeypatch, ended)
        assert "no savepoint: it restarts" in said
        assert "file:/chk-3" in said

    def test_without_any_state_the_fences_are_told_of(self, monkeypatch):
        ended = Stopped(job=None, state="CANCELED", path=None, problem=None)
        _, said = stopped(monkeypatch, ended)
        assert "goes on from the lake's fences" in said

    def test_a_job_that_is_still_on_its_way_to_the_cluster_is_waited_for(self, monkeypatch):
        ended = Stopped(job=None, state="FINISHED", path="file:/sp-1", problem=None)
        _, said = stopped(monkeypatch, None, None, ended)
        assert "--savepoint_path file:/sp-1" in said

    @pytest.mark.parametrize("state", ["FAILED", ValueError("the job server is gone")])
    def test_one_that_will_never_arrive_is_not_waited_for(self, monkeypatch, state):
        failure, said = stopped(monkeypatch, None, state=state)
        assert failure is None
        assert "goes on from the lake's fences" in said

    def test_it_is_waited_for_no_longer_than_it_may_take(self, monkeypatch):
        monkeypatch.setattr(streaming, "_ARRIVAL_S", 0)
        _, said = stopped(monkeypatch, None)
        assert "goes on from the lake's fences" in said

    def test_a_cluster_that_does_not_answer_is_a_failure(self, monkeypatch):
        error = FlinkClusterError("http://flink.example", "no answer", "look")
        assert stopped(monkeypatch, error)[0] is error

    def test_a_job_in_this_process_is_canceled(self):
        result = Result()
        assert streaming._stopped(result, ["--flink_master=[local]"], Console(quiet=True)) is None
        assert result.canceled


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_the_first_is_a_wish(self, number):
        with streaming._stoppable() as asked:
            assert not asked.is_set()
            signal.raise_signal(number)
            assert asked.is_set()

    def test_the_second_falls_through(self):
        with streaming._stoppable():
            signal.raise_signal(signal.SIGINT)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)

    def test_afterwards_signals_are_as_before(self):
        before = signal.getsignal(signal.SIGTERM)
        with streaming._stoppable():
            assert signal.getsignal(signal.SIGTERM) is not before
        assert signal.getsignal(signal.SIGTERM) is before


class TestCommand:
    @pytest.mark.parametrize("runner", ["direct", "SparkRunner"])
    def test_a_runner_that_can_not_stream_is_refused_with_the_alternative(self, runner, capsys):
        assert main([*REQUIRED, f"--runner={runner}"]) == 2
        assert "--runner" in capsys.readouterr().err

    def test_the_flags_of_a_stream_are_explained(self, capsys):
        assert main(["--mode=stream", "--runner=FlinkRunner", "--explain", "flags"]) == 0
        assert "--finish_bundle_before_checkpointing" in capsys.readouterr().out

    def test_how_a_stream_reads_is_configured(self):
        config = load_config(None, ["stream.max_age_s=5"])
        assert config.stream.settings().max_age_s == 5
