"""Several workers of the FnApiRunner as processes."""

import sys

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from runners import presets
from runners.errors import WorkerError


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_before_it_has_reported_fails_the_run(monkeypatch):
    # What the runner starts in the place of Python ends at once.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    flags = presets.prepare(["--runner=direct", "--direct_num_workers=2"], mode="drain")
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    _ = pipeline | beam.Create([1])
    with pytest.raises(WorkerError, match="its process has died: run again"):
        pipeline.run()
