"""Pipes of a stream are one graph: what nothing connects would start again apart."""

from collections import defaultdict

import apache_beam as beam

from beam_pipelines.pharmacy.config import load_config
from beam_pipelines.pharmacy.joining import join
from beam_pipelines.pharmacy.kpi_plan import kpi_job
from beam_pipelines.pharmacy.load_pipeline import LoadJob
from beam_pipelines.pharmacy.pipeline import PharmacyJob
from beam_pipelines.pharmacy.streaming import StreamFlags, _made
from beam_pipelines.warehouse.plan import load_plan
from transforms.redshift import RedshiftSettings


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


def step(pipeline: beam.Pipeline, name: str):
    """The step of that name."""
    found = pipeline.to_runner_api().components.transforms.values()
    return next(each for each in found if each.unique_name == name)


def test_pipes_in_different_windows_become_one_piece():
    with beam.Pipeline() as pipeline:
        numbers = pipeline | "Numbers" >> beam.Create([1, 2])
        words = (
            pipeline | "Words" >> beam.Create(["a"]) | beam.WindowInto(beam.window.FixedWindows(60))
        )
        assert pieces(pipeline) == 2
        join(numbers, words)
        assert pieces(pipeline) == 1
        # Flink leaves out a shuffle that no step comes after, and the pipes would be apart again.
        (shuffled,) = step(pipeline, "OnePiece").outputs.values()
        assert shuffled in step(pipeline, "End").inputs.values()


def test_one_pipe_stays_as_it_is():
    pipeline = beam.Pipeline()
    numbers = pipeline | beam.Create([1])
    before = len(pipeline.to_runner_api().components.transforms)
    join(numbers)
    assert len(pipeline.to_runner_api().components.transforms) == before


def test_a_stream_with_a_warehouse_and_live_figures_is_one_piece():
    config = load_config(None, ["kpi.topic=pharmacy.kpi"])
    job = PharmacyJob(
        config=config, bootstrap_servers="kafka:1", lake_root="s3://b/p", mode="stream"
    )
    load = LoadJob(
        lake_root=job.lake_root,
        plan=load_plan(config, job.chain),
        redshift=RedshiftSettings(host="redshift", user="me", password="env:SECRET"),
        run_id="",
    )
    job = job.part(load=load)
    job = job.part(kpi=kpi_job(job))
    made = _made(job, StreamFlags(stream=[], drain=[], load_interval=30.0))
    assert {"WriteToS3", "WriteToRedshift", "PublishPanes"} <= {
        step.unique_name for step in made.to_runner_api().components.transforms.values()
    }
    assert pieces(made) == 1
