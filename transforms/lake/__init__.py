"""The S3 lake: data files, the chain of segment commits, and reading through it."""

from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.commit_batches import CommitBatch, FollowSettings, ReadCommitsConfig
from transforms.lake.files import DatasetLayout
from transforms.lake.gaps import GapLedger
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
from transforms.lake.new_commits import BatchLimits, Mark, Position, chain_ends, new_commits
from transforms.lake.read import commits, owners, read_dataset, read_small_tables
from transforms.lake.read_commits import ReadCommits
from transforms.lake.runs import Run, read_run, read_runs
from transforms.lake.settings import StoreSettings
from transforms.lake.write import RehearseWrite, WriteToS3, WriteToS3Config

__all__ = [
    "BatchLimits",
    "CommitBatch",
    "CommitChain",
    "DataFile",
    "DatasetLayout",
    "FollowSettings",
    "GapLedger",
    "LakeManifest",
    "LakeSettings",
    "Mark",
    "ObjectStore",
    "PartitionId",
    "PartitionOutcome",
    "Position",
    "ReadCommits",
    "ReadCommitsConfig",
    "RehearseWrite",
    "Run",
    "SegmentCommit",
    "StoreSettings",
    "Tail",
    "WriteToS3",
    "WriteToS3Config",
    "chain_ends",
    "check_lake",
    "commits",
    "find_lake",
    "new_commits",
    "open_lake",
    "owners",
    "read_dataset",
    "read_run",
    "read_runs",
    "read_small_tables",
    "require_lake",
]
