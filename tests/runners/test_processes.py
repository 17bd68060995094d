"""Several workers of the FnApiRunner as processes."""

import sys

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from runners import presets

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"  # Beam's own, of a worker that died
)


def run():
    flags = presets.prepare(["--runner=direct", "--direct_num_workers=2"], mode="drain")
    with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
        _ = pipeline | beam.Create(range(10)) | beam.Reshuffle() | beam.Map(str)


def test_workers_that_die_before_they_have_reported_fail_the_run(monkeypatch):
    # What the runner starts in the place of Python ends at once.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Exception, match=r"its process has died: run again|Channel closed"):
        run()


def test_one_worker_that_dies_before_it_has_reported_fails_the_run(monkeypatch, tmp_path):
    script = tmp_path / "python"
    first = tmp_path / "first"
    script.write_text(
        f'#!/bin/sh\nmkdir {first} 2>/dev/null && exit 1\nexec {sys.executable} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(Exception, match=r"its process has died: run again|Channel closed"):
        run()
    assert first.exists()
