"""The star schema: which dimensions and facts are built, as a configuration says it."""

from beam_pipelines.warehouse.star.building import build_star
from beam_pipelines.warehouse.star.model import StarConfig

__all__ = ["StarConfig", "build_star"]
