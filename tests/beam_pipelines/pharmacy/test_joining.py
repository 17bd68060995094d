"""Pipes of a stream are one graph: what nothing connects would start again apart."""

from collections import defaultdict

import apache_beam as beam

from beam_pipelines.pharmacy.joining import join


def pieces(pipeline: beam.Pipeline) -> int:
    """Into how many pieces that nothing connects the graph falls."""
    steps = pipeline.to_runner_api().components.transforms.values()
    touching = defaultdict(set)
    for step in steps:
        for one in {*step.inputs.values(), *step.outputs.values()}:
            touching[one] |= {*step.inputs.values(), *step.outputs.values()}
    left, count = set(touching), 0
    while left:
        count, reached = count + 1, {left.pop()}
        while reached:
            found = touching[reached.pop()] & left
            left -= found
            reached |= found
    return count


def test_pipes_in_different_windows_become_one_piece():
    with beam.Pipeline() as pipeline:
        numbers = pipeline | "Numbers" >> beam.Create([1, 2])
        words = (
            pipeline | "Words" >> beam.Create(["a"]) | beam.WindowInto(beam.window.FixedWindows(60))
        )
        assert pieces(pipeline) == 2
        join(numbers, words)
        assert pieces(pipeline) == 1


def test_one_pipe_stays_as_it_is():
    pipeline = beam.Pipeline()
    numbers = pipeline | beam.Create([1])
    before = len(pipeline.to_runner_api().components.transforms)
    join(numbers)
    assert len(pipeline.to_runner_api().components.transforms) == before
