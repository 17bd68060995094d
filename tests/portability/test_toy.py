import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from runners import presets
from tests import plans
from tests.portability import toy

pytestmark = pytest.mark.portability

on_both = pytest.mark.parametrize("runner", ["flink", "spark"])


@pytest.fixture
def flags(runner, request):
    return presets.prepare(request.getfixturevalue(runner), mode="drain")


def _run(flags, path, **shape):
    with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
        toy.build(pipeline, str(path), **shape)


@on_both
def test_a_drain_is_right_and_no_block_crosses_a_stage(flags, tmp_path):
    # The partitions' reads meet in pairs: the run ends only if two tasks read at the same time.
    with plans.encodings(toy.Block) as seen:
        _run(flags, tmp_path / "totals", meet=True)

    assert toy.totals(tmp_path / "totals") == toy.expected()
    assert seen == []


@pytest.mark.parametrize("runner", ["flink"])
def test_a_block_that_crosses_a_stage_is_seen(flags, tmp_path):
    with plans.encodings(toy.Block) as seen:
        _run(flags, tmp_path / "totals", crossing=True)

    assert toy.totals(tmp_path / "totals") == toy.expected()
    assert len(seen) == len(toy.expected()) * toy.BLOCKS
