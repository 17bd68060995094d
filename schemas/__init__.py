"""Contracts and the codec: schemas, their registries, wire formats, and the columnar decoder.

No Beam in here. Two functions are left in their modules, where alone their names speak:
``schemas.compatibility.check`` and ``schemas.classification.classification``.
"""

from schemas.catalog import Dataset, packaged_dataset, packaged_datasets
from schemas.columnar import BadDatum, DecodedBatch, Decoder
from schemas.errors import (
    DatumError,
    IncompatibleSchemaError,
    RegistryUnavailableError,
    SchemaParseError,
    SchemasError,
    UnknownSchemaError,
)
from schemas.model import AvroSchema
from schemas.registries import (
    RegisteredSchema,
    RegistryRefusedError,
    SchemaRegistry,
    open_registry,
)
from schemas.wire import BadHeader, WireBatch, WireFormat, WireGroup, frame, split

__all__ = [
    "AvroSchema",
    "BadDatum",
    "BadHeader",
    "Dataset",
    "DatumError",
    "DecodedBatch",
    "Decoder",
    "IncompatibleSchemaError",
    "RegisteredSchema",
    "RegistryRefusedError",
    "RegistryUnavailableError",
    "SchemaParseError",
    "SchemaRegistry",
    "SchemasError",
    "UnknownSchemaError",
    "WireBatch",
    "WireFormat",
    "WireGroup",
    "frame",
    "open_registry",
    "packaged_dataset",
    "packaged_datasets",
    "split",
]
