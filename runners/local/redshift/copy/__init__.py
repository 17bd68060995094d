"""COPY of Parquet files from S3: what Redshift checks, and the rows for PostgreSQL."""

from runners.local.redshift.copy.client import Store
from runners.local.redshift.copy.columns import CATALOG, Column, columns_of
from runners.local.redshift.copy.manifest import files
from runners.local.redshift.copy.rows import BinaryRows

__all__ = ["CATALOG", "BinaryRows", "Column", "Store", "columns_of", "files"]
