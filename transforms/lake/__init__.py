"""The S3 lake: data files, the chain of segment commits, and reading through it."""

from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore, StoreSettings
from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.files import DatasetLayout
from transforms.lake.lanes import PartitionOutcome
from transforms.lake.manifest import (
    LakeManifest,
    LakeSettings,
    check_lake,
    find_lake,
    open_lake,
    require_lake,
)
from transforms.lake.names import PartitionId
from transforms.lake.read import commits, owners, read_dataset, read_small_tables
from transforms.lake.runs import read_run
from transforms.lake.write import WriteToS3, WriteToS3Config

__all__ = [
    "CommitChain",
    "DataFile",
    "DatasetLayout",
    "LakeManifest",
    "LakeSettings",
    "ObjectStore",
    "PartitionId",
    "PartitionOutcome",
    "SegmentCommit",
    "StoreSettings",
    "Tail",
    "WriteToS3",
    "WriteToS3Config",
    "check_lake",
    "commits",
    "find_lake",
    "open_lake",
    "owners",
    "read_dataset",
    "read_run",
    "read_small_tables",
    "require_lake",
]
