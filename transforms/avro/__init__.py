"""Enforcing Avro schemas on whole segments."""

from transforms.avro.enforce import LINEAGE, TopicContract
from transforms.avro.transform import EnforceSchema, EnforceSchemaConfig

__all__ = ["LINEAGE", "EnforceSchema", "EnforceSchemaConfig", "TopicContract"]
