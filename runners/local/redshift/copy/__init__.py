"""COPY of Parquet files from S3: what Redshift checks, and the rows for PostgreSQL."""

from runners.local.redshift.copy.client import Store
from runners.local.redshift.copy.columns import CATALOG, Column, arrow_type
from runners.local.redshift.copy.manifest import SourceFile, files, parse
from runners.local.redshift.copy.rows import BinaryRows

__all__ = [
    "CATALOG",
    "BinaryRows",
    "Column",
    "SourceFile",
    "Store",
    "arrow_type",
    "files",
    "parse",
]
