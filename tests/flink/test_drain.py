"""A drain on a real cluster: a batch job, which ends by grouping what became of each partition."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.combiners import ToList

from runners import presets

pytestmark = pytest.mark.flink


def _write(numbers, path):
    path.write_text(",".join(map(str, sorted(numbers))))


def test_a_drain_groups_at_its_end(cluster_flags, tmp_path):
    path = tmp_path / "grouped"
    argv = presets.prepare(cluster_flags, mode="drain")
    with beam.Pipeline(options=PipelineOptions(argv)) as pipeline:
        _ = (
            pipeline
            | beam.Create([3, 1, 2])
            | beam.Reshuffle()
            | "Collect" >> ToList()
            | "Write" >> beam.Map(_write, path)
        )
    assert path.read_text() == "1,2,3"
