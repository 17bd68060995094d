import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from tests import plans
from tests.portability import toy


def _built(**shape):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    toy.build(pipeline, "unused", **shape)
    return pipeline


@pytest.mark.parametrize("reshuffled", [True, False])
def test_no_block_crosses_a_stage_of_the_plan(reshuffled):
    assert plans.stages_crossed_by(_built(reshuffled=reshuffled), toy.BlockCoder) == []


@pytest.mark.parametrize("reshuffled", [True, False])
def test_reading_and_all_steps_on_blocks_are_one_stage(reshuffled):
    found = plans.stages(_built(reshuffled=reshuffled))

    [stage] = [names for names in found if "Read/Process" in names]
    assert {"Step1", "Step2", "Write"} <= set(stage)


def test_a_block_that_crosses_is_found_inside_its_pair():
    [step] = plans.stages_crossed_by(_built(crossing=True), toy.BlockCoder)

    assert step.startswith("Cross/")


def test_a_run_that_stays_within_stages_encodes_no_block(tmp_path):
    path = str(tmp_path / "totals")

    with plans.encodings(toy.Block) as seen:
        _built_with(path).run()

    assert seen == []
    assert toy.totals(path) == toy.expected()


def test_a_run_that_crosses_encodes_each_block(tmp_path):
    with plans.encodings(toy.Block) as seen:
        _built_with(str(tmp_path / "totals"), crossing=True).run()

    assert len(seen) == len(toy.expected()) * toy.BLOCKS


def test_pickling_counts_as_crossing():
    import pickle

    with plans.encodings(toy.Block) as seen:
        pickle.dumps([toy.Block(0, 0)])

    assert seen == ["Block.__reduce_ex__"]


def _built_with(path, **shape):
    pipeline = beam.Pipeline(runner=FnApiRunner())
    toy.build(pipeline, path, **shape)
    return pipeline
