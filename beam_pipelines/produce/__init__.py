"""The load generator: a realistic pharmacy stream with planted faults, same seed, same bytes."""

from beam_pipelines.produce.one_schema import events_of_one_schema

__all__ = ["events_of_one_schema"]
