"""A figure is told in any thread, and none is lost on its way to Beam."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from tests.figures import counters, distributions, gauges
from transforms.metrics import FRESHNESS_SECONDS, LAG_OFFSETS, RETRIES, Box, exposing, tell

pytestmark = pytest.mark.usefixtures("strays")


class _TellFn(beam.DoFn):
    """Tells in the step's own thread, as most transforms do."""

    def process(self, number: int) -> Iterator[int]:
        tell(RETRIES, number, system="s3")
        tell(LAG_OFFSETS, number, topic="t", partition=0)
        tell(FRESHNESS_SECONDS, number, topic="t")
        yield number


class _ThreadFn(beam.DoFn):
    """Tells in threads: in one with a box, as a lane's, and in pools without, as readers ahead."""

    def setup(self) -> None:
        self._box = Box()
        self._threads: list[threading.Thread] = []

    def process(self, number: int) -> Iterator[int]:
        self._box.hand_over()
        self._threads.append(threading.Thread(target=self._work, args=[number]))
        self._threads[-1].start()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda system: tell(RETRIES, 1, system=system), ["kafka"] * number))
        yield number

    def _work(self, number: int) -> None:
        with self._box:
            for _ in range(number):
                tell(RETRIES, 1, system="s3")
                tell(FRESHNESS_SECONDS, number, topic="t")
            tell(LAG_OFFSETS, number, topic="t", partition=0)

    def finish_bundle(self) -> None:
        for each in self._threads:
            each.join()
        self._box.hand_over()


def result(fn, *numbers):
    """What a pipeline tells that ran a step on some numbers."""
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"]))
    _ = pipeline | beam.Create(numbers) | "Tell" >> beam.ParDo(fn)
    made = pipeline.run()
    made.wait_until_finish()
    return made


class TestInAStep:
    def test_beam_has_each_kind(self):
        told = result(_TellFn(), 3, 4)
        assert counters(told, RETRIES) == {"s3": 7}
        assert gauges(told, LAG_OFFSETS).keys() == {"t/0"}
        assert distributions(told, FRESHNESS_SECONDS) == {"t": 2}

    def test_labels_must_be_the_metric_s(self):
        with pytest.raises(TypeError, match="retries has the labels"):
            tell(RETRIES, 1)
        with pytest.raises(TypeError, match="retries has the labels"):
            tell(RETRIES, 1, system="s3", patient="Ada")


class TestInThreads:
    def test_nothing_is_lost(self):
        told = result(_ThreadFn(), 3, 4, 50)
        assert counters(told, RETRIES) == {"s3": 57, "kafka": 57}
        assert gauges(told, LAG_OFFSETS)["t/0"] in (3, 4, 50)
        assert distributions(told, FRESHNESS_SECONDS) == {"t": 57}

    def test_a_box_takes_only_what_its_own_thread_tells(self, strays):
        box = Box()
        with box, ThreadPoolExecutor(1) as pool:
            tell(RETRIES, 1, system="s3")
            pool.submit(tell, RETRIES, 5, system="s3").result()
        tell(RETRIES, 7, system="s3")
        assert [figure for _, _, figure in box._taken()] == [1]
        assert [figure for _, _, figure in strays._taken()] == [12]

    def test_where_no_step_runs_all_stays_in_the_box(self):
        box = Box()
        with box:
            tell(RETRIES, 2, system="s3")
            box.hand_over()
        assert [figure for _, _, figure in box._taken()] == [2]

    def test_the_last_value_of_a_gauge_counts(self):
        with Box() as box:
            for fence in (1, 5, 3):
                tell(LAG_OFFSETS, fence, topic="t", partition=0)
        assert [figure for _, _, figure in box._taken()] == [3]

    def test_where_nobody_comes_for_them_figures_do_not_fill_the_memory(self, monkeypatch):
        monkeypatch.setattr("transforms.metrics.kinds.MOST_WAITING", 3)
        with Box() as box:
            for second in range(9):
                tell(FRESHNESS_SECONDS, second, topic="t")
        assert [figure for _, _, figure in box._taken()] == [6, 7, 8]


def test_a_folder_that_is_gone_stops_nothing_and_is_told_once(monkeypatch, caplog):
    def gone(*_):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setenv(exposing.FOLDER, "/no/such/folder")
    monkeypatch.setattr(exposing, "_series", gone)
    for _ in range(3):
        tell(RETRIES, 1, system="s3")
    (record,) = caplog.records
    assert "no longer exposed by this process: No such file" in record.getMessage()
