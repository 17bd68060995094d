"""The leak scan: looks for the canaries that the load generator planted, wherever they may be."""

from beam_pipelines.canary.manifest import Canary, read_canaries
from beam_pipelines.canary.patterns import ENCODINGS, Needles, Sighting

__all__ = ["ENCODINGS", "Canary", "Needles", "Sighting", "read_canaries"]
