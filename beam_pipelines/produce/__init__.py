"""The load generator: a realistic pharmacy stream with planted faults, same seed, same bytes."""

from beam_pipelines.produce.chunk import Chunk, Fate
from beam_pipelines.produce.generate import generate
from beam_pipelines.produce.one_schema import events_of_one_schema
from beam_pipelines.produce.topics import TOPICS, TopicSpec

__all__ = ["TOPICS", "Chunk", "Fate", "TopicSpec", "events_of_one_schema", "generate"]
