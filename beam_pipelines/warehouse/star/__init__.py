"""The star schema: which dimensions and facts are built, as a configuration says it."""

from beam_pipelines.warehouse.star.building import build_star
from beam_pipelines.warehouse.star.model import StarConfig
from beam_pipelines.warehouse.star.views import expand_views

__all__ = ["StarConfig", "build_star", "expand_views"]
