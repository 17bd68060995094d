"""A worker that a runner itself starts serves its metrics where its environment says."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from runners import presets
from runners.local._ports import free_ports
from runners.local._processes import python_path
from runners.metrics import VARIABLE
from tests.scrapes import scraped
from transforms.metrics import READ_MESSAGES, tell

pytestmark = pytest.mark.portability

#: A worker imports Beam, on a machine that does everything else as well.
START_S = 300


class _TellFn(beam.DoFn):
    """Tells, and lives on until it was asked."""

    def __init__(self, let_go: str) -> None:
        self._let_go = let_go

    def process(self, number: int) -> Iterator[int]:
        tell(READ_MESSAGES, number, topic="t", partition=0)
        while not Path(self._let_go).exists():
            time.sleep(0.05)
        yield number


def test_a_worker_of_the_runner_s_own_serves_its_metrics(flink, tmp_path):
    (port,) = free_ports(1)
    let_go = tmp_path / "let-go"
    worker = {
        "command": str(Path(sys.executable).with_name("pharmabeam-worker")),
        "env": {VARIABLE: str(port), "PYTHONPATH": python_path()},
    }
    flags = [*flink, "--environment_type=PROCESS", f"--environment_config={json.dumps(worker)}"]
    pipeline = beam.Pipeline(options=PipelineOptions(presets.prepare(flags, mode="drain")))
    _ = pipeline | beam.Create([7]) | "Tell" >> beam.ParDo(_TellFn(str(let_go)))
    result = pipeline.run()
    try:
        found = _awaited(port)
    finally:
        let_go.write_text("")
        result.wait_until_finish()
    assert found["pharmabeam_read_messages_total", (("partition", "0"), ("topic", "t"))] == 7


def _awaited(port):
    """What the endpoint shows as soon as it shows something."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            if found := scraped(port):
                return found
        except URLError:
            assert time.monotonic() < deadline, f"nobody serves at {port}"
        assert time.monotonic() < deadline, "nothing is told"
        time.sleep(0.2)
