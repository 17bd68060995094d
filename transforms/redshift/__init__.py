"""The warehouse: the lake's commits into Amazon Redshift, exactly once."""

from transforms.redshift.batch import LoadResult, TableCounts
from transforms.redshift.client import Session, connect
from transforms.redshift.fences import read_fences
from transforms.redshift.loader import Loader, forget, loader_of
from transforms.redshift.outcome import LoadOutcome
from transforms.redshift.partials import PartialsTable
from transforms.redshift.plan import LoadPlan
from transforms.redshift.raw import RawTable
from transforms.redshift.schema import migrate
from transforms.redshift.settings import RedshiftSettings
from transforms.redshift.sql import Statements
from transforms.redshift.verify import TableProof, verify_warehouse
from transforms.redshift.write import WriteToRedshift, WriteToRedshiftConfig

__all__ = [
    "LoadOutcome",
    "LoadPlan",
    "LoadResult",
    "Loader",
    "PartialsTable",
    "RawTable",
    "RedshiftSettings",
    "Session",
    "Statements",
    "TableCounts",
    "TableProof",
    "WriteToRedshift",
    "WriteToRedshiftConfig",
    "connect",
    "forget",
    "loader_of",
    "migrate",
    "read_fences",
    "verify_warehouse",
]
