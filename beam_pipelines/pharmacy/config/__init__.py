"""The configuration of the main job: what a file may say, and how it is read."""

from beam_pipelines.pharmacy.config.files import json_schema, load_config
from beam_pipelines.pharmacy.config.model import PharmacyConfig, TopicConfig

__all__ = ["PharmacyConfig", "TopicConfig", "json_schema", "load_config"]
