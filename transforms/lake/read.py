"""Reading the lake: through the commits, and only through them.

An engine that lists the prefix would see orphans: files of a crash that no commit names.
"""

from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow import fs

from transforms.errors import ConfigurationError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.commit import DataFile, SegmentCommit
from transforms.lake.files import small_tables
from transforms.lake.manifest import LakeManifest, require_lake
from transforms.lake.names import COMMITS, SIDECAR, PartitionId
from transforms.lake.settings import StoreSettings


def owners(store: ObjectStore, topics: Container[str] | None = None) -> list[PartitionId]:
    """Returns the partitions that have a chain.

    Args:
        store: The lake's objects.
        topics: Those whose partitions count; None for all.
    """
    found: list[PartitionId] = []
    for topic in store.folders(COMMITS):
        if topics is not None and topic not in topics:
            continue
        for topic_id in store.folders(f"{COMMITS}{topic}/"):
            numbers = store.folders(f"{COMMITS}{topic}/{topic_id}/")
            found.extend(PartitionId(topic, topic_id, int(number)) for number in numbers)
    return sorted(found)


def commits(store: ObjectStore, lake: LakeManifest) -> Iterator[Tail]:
    """Yields the commits of all partitions, chain by chain."""
    for owner in owners(store):
        yield from CommitChain(store, owner, lake.lake_id).read_from()


def read_dataset(
    lake_root: str,
    dataset: str,
    *,
    store: StoreSettings | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ds.Dataset:
    """Returns a dataset's committed rows, each exactly once, as a ``pyarrow.dataset``.

    Args:
        lake_root: ``s3://bucket/prefix``.
        dataset: The dataset's name, such as ``dispense_event``.
        store: Address and credentials; the AWS environment by default.
        since: Leaves out files whose rows are all older (event time). Rows are not filtered: a file
            that straddles the bound is given whole.
        until: Leaves out files whose rows are all of that time or younger.

    Returns:
        A dataset of Parquet files, with the lineage columns first. Call ``to_table`` or
        ``to_batches`` with columns and filters as usual.

    Raises:
        ConfigurationError: The lake has no such dataset.
        LakeMismatchError: There is no lake under ``lake_root``.
    """
    objects = ObjectStore(lake_root, store)
    lake = require_lake(objects)
    files = [
        file
        for tail in commits(objects, lake)
        for file in tail.commit.files
        if file.dataset == dataset and _overlaps(file, since, until)
    ]
    if not files:
        raise ConfigurationError(
            f"the lake {lake_root} has no rows of the dataset {dataset!r} in that time",
            "python -m beam_pipelines.lake ls shows what there is",
        )
    return _dataset(objects, files)


def read_small_tables(store: ObjectStore, commit: SegmentCommit) -> dict[str, pa.Table]:
    """Returns the small tables (dead letters, ...) that were committed with a segment."""
    found: dict[str, pa.Table] = {}
    for file in commit.files:
        if file.dataset == SIDECAR:
            found.update(small_tables(store.get(file.key)))
    return found


def _dataset(store: ObjectStore, files: list[DataFile]) -> ds.Dataset:
    parquet, s3 = ds.ParquetFileFormat(), file_system(store)
    fragments = [
        parquet.make_fragment(store.path(file.key), s3, partition_expression=_known(file))
        for file in files
    ]
    schemas = [parquet.inspect(store.path(file.key), s3) for file in _one_a_layout(files)]
    schema = pa.unify_schemas([schema.remove_metadata() for schema in schemas])
    return ds.FileSystemDataset(fragments, schema, parquet, s3)


def _one_a_layout(files: list[DataFile]) -> list[DataFile]:
    return list({file.layout: file for file in files}.values())


def _known(file: DataFile) -> ds.Expression:
    """What a commit says of all rows of a file: lets a filter on offsets skip it unread."""
    first, last = file.offsets
    return (pc.field("_offset") >= first) & (pc.field("_offset") <= last)


def _overlaps(file: DataFile, since: datetime | None, until: datetime | None) -> bool:
    if file.event_time is None:
        return since is None and until is None
    first, last = file.event_time
    return (since is None or last >= _micros(since)) and (until is None or first < _micros(until))


def _micros(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ConfigurationError(f"the time {moment} has no zone", "Give an aware datetime")
    return int(moment.timestamp() * 1_000_000)


def file_system(store: ObjectStore) -> fs.S3FileSystem:
    """Returns Arrow's own S3 file system with the store's address and credentials."""
    settings = store.resolved()
    endpoint = settings.endpoint_url
    options: dict[str, Any] = {
        "access_key": settings.access_key_id,
        "secret_key": settings.secret_access_key,
        "session_token": settings.session_token,
        "region": settings.region,
    }
    if endpoint:
        scheme, _, host = endpoint.partition("://")
        options |= {"scheme": scheme, "endpoint_override": host}
    return fs.S3FileSystem(**{name: value for name, value in options.items() if value})
