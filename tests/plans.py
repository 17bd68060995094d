"""Where elements cross from one fused stage to the next: read from a plan, or seen in a run."""

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import apache_beam as beam
from apache_beam.coders.typecoders import registry
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

# What greedy fusion puts at a stage's end: to the next stage, to a grouping, to a side input.
_SINK = "beam:runner:sink:v1"


def stages_crossed_by(pipeline: beam.Pipeline, *coders: type) -> list[str]:
    """Names the steps of the FnApiRunner's plan whose output leaves its stage by such a coder.

    Args:
        pipeline: built, not run.
        coders: coder classes. Add ``FastPrimitivesCoder`` to find untyped elements too. They are
            found inside pairs and iterables as well.
    """
    context, stages = FnApiRunner().create_stages(pipeline.to_runner_api())
    components = context.components
    known = PipelineContext(components)
    producers = {
        output: step.unique_name
        for stage in stages
        for step in stage.transforms
        for output in step.outputs.values()
    }
    return [
        producers[source]
        for stage in stages
        for step in stage.transforms
        if step.spec.urn == _SINK
        for source in step.inputs.values()
        if any(
            isinstance(known.coders.get_by_id(coder), coders)
            for coder in _with_parts(components, components.pcollections[source].coder_id)
        )
    ]


def stages(pipeline: beam.Pipeline) -> list[list[str]]:
    """Returns the names of the steps of each stage of the FnApiRunner's plan."""
    _, found = FnApiRunner().create_stages(pipeline.to_runner_api())
    return [[step.unique_name for step in stage.transforms] for stage in found]


@contextlib.contextmanager
def encodings(element: type) -> Iterator[list[str]]:
    """Lists each time that an element of that type was made into bytes in this process.

    Within a stage elements are handed on as objects, so a run whose workers live in this process
    (in memory, or LOOPBACK) leaves the list empty if and only if none crossed from stage to stage.
    Pickling is watched too: it is what Beam does with an element on an untyped edge.
    """
    seen: list[str] = []
    with (
        _watched(type(registry.get_coder(element)), "encode", seen),
        _watched(element, "__reduce_ex__", seen),
    ):
        yield seen


@contextlib.contextmanager
def _watched(owner: type, method: str, seen: list[str]) -> Iterator[None]:
    original = getattr(owner, method)

    def watch(self: Any, *args: Any) -> Any:
        seen.append(f"{owner.__name__}.{method}")
        return original(self, *args)

    with mock.patch.object(owner, method, watch):
        yield


def _with_parts(components: beam_runner_api_pb2.Components, coder: str) -> Iterator[str]:
    yield coder
    for part in components.coders[coder].component_coder_ids:
        yield from _with_parts(components, part)
