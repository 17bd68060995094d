"""One load: the statements between BEGIN and the look at the fences after COMMIT.

The order is the proof (design, section 2; model-checked): BEGIN; LOCK, which takes no snapshot;
fences, read after it; the batch, chosen after them; rows, fences and history; COMMIT; then the
fences again, for a rollback may be silent.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from transforms.errors import (
    ConfigurationError,
    CopyDataError,
    WarehouseConflictError,
    WarehouseError,
)
from transforms.lake import (
    BatchLimits,
    LakeManifest,
    ObjectStore,
    PartitionId,
    SegmentCommit,
    Tail,
    new_commits,
)
from transforms.redshift import batch as batches
from transforms.redshift import sql
from transforms.redshift.assembly import Assembled, assemble
from transforms.redshift.batch import Group, Layouts, LoadResult, TableCounts
from transforms.redshift.client import Session
from transforms.redshift.fences import (
    Fences,
    ahead_of,
    insert_all,
    move_fences,
    moved,
    position_of,
    read_fences,
)
from transforms.redshift.layout import Column, check_room, staging_columns
from transforms.redshift.manifest import Manifests, Source, source_of
from transforms.redshift.plan import LoadPlan
from transforms.redshift.rejects import Cleaned, Reject
from transforms.redshift.restored import check_restored, fences_sha256
from transforms.redshift.schema import Catalog, read_catalog, read_definitions
from transforms.redshift.staging import append_staged, fill_staging
from transforms.redshift.star import rebuild


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a loader loads, and how.

    Attributes:
        store: The lake's objects.
        plan: What goes where.
        statements: Of the schema.
        role: By which COPY reads the lake.
        limits: Of one transaction.
        loader: The loader's name.
        layouts: Schemas of the files.
    """

    store: ObjectStore
    plan: LoadPlan
    statements: sql.Statements
    role: str
    limits: BatchLimits
    loader: str
    layouts: Layouts


class UnfitError(Exception):
    """COPY of a group failed on data; the transaction is to be begun again without the rows."""

    def __init__(self, group: Group, columns: Sequence[Column]) -> None:
        super().__init__(group, columns)
        self.group = group
        self.columns = columns


class Transaction:
    """One try of one load.

    Args:
        task: What to load.
        lake: Its manifest.
        session: Where; nothing may be under way in it.
        manifests: The loader's.
        cleaned: By key the files that COPY refuses, and what to load in their place.
        ends: Numbers of the last commits to load, by partition; None for all there are.

    Attributes:
        ends: As given.
        chosen: Numbers of the last commits that were taken, by partition.
        sent: What COMMIT was sent for; with an error after that its outcome is unknown.
    """

    def __init__(
        self,
        task: Task,
        lake: LakeManifest,
        session: Session,
        manifests: Manifests,
        cleaned: Mapping[str, Cleaned],
        ends: Mapping[PartitionId, int] | None = None,
    ) -> None:
        self._task = task
        self._lake = lake
        self._session = session
        self._manifests = manifests
        self._cleaned = cleaned
        self.ends = ends
        self._statements = task.statements
        self._started = _now(), time.monotonic()
        self.chosen: Mapping[PartitionId, int] = {}
        self.sent: LoadResult | None = None

    def begin(self) -> None:
        """Takes the lock; from here on it sees what others have committed before it got it."""
        self._session.execute(sql.BEGIN)
        self._session.execute(self._statements.lock())

    def is_loaded(self, result: LoadResult) -> bool:
        """Tells whether a load of this loader is committed."""
        key = [result.load_id, self._task.loader]
        return bool(self._session.query(self._statements.is_loaded(), key)[0][0])

    def load(self) -> LoadResult | None:
        """Loads one batch and commits it; None, and nothing done, if nothing is new.

        Raises:
            UnfitError: COPY refuses rows.
            LakeMismatchError: The lake isn't the future of what was loaded.
        """
        fences = read_fences(self._session, self._statements, self._lake.lake_id)
        tails = self._chosen(fences)
        if not tails:
            self._session.execute(sql.ROLLBACK)
            return None
        after = moved(fences, tails, self._task.plan)
        catalog = read_catalog(self._session, self._statements)
        self._check_definitions(catalog)
        result = self._counted(tails, fences)
        self._manifests.sweep()
        for number, group in enumerate(batches.groups(tails, fences, self._task.plan)):
            self._load_group(group, f"{result.load_id}-{number}", catalog, result)
        for assembled in self._assembled(tails, fences, catalog, result):
            self._load_partials(assembled, result)
        self._rebuild(result)
        move_fences(self._session, self._statements, self._lake.lake_id, fences, after)
        result.seconds = time.monotonic() - self._started[1]
        self._record(result, {**fences, **after})
        self._commit(result, after)
        return result

    def _chosen(self, fences: Fences) -> list[Tail]:
        task = self._task
        ahead = ahead_of(fences, task.plan)
        reached = {owner: mark.seq for owner, mark in ahead.items()}
        # Yields none: it is for the check that the chains go on from there.
        list(new_commits(task.store, self._lake, ahead, ends=reached))
        position = position_of(fences, task.plan)
        found = new_commits(
            *(task.store, self._lake, position),
            limits=task.limits,
            topics=task.plan.topics,
            ends=self.ends,
        )
        tails = list(found)
        self.chosen = {tail.commit.owner: tail.commit.seq for tail in tails}
        return tails

    def _counted(self, tails: Sequence[Tail], fences: Fences) -> LoadResult:
        last = int(self._session.query(self._statements.last_load())[0][0])
        result = batches.counted(tails, fences, self._task.plan, last + 1)
        star = [each.table for each in self._task.plan.star]
        tables = (*result.tables, *result.partials, *star)
        check_restored(self._session, self._statements, fences, tables)
        return result

    def _load_group(self, group: Group, name: str, catalog: Catalog, result: LoadResult) -> None:
        counts = result.tables[group.table]
        schema = self._task.layouts.schema(group.layout, group.files[0][1])
        columns = self._columns(group.table, schema, catalog)
        rejects = [
            (commit, file.key, each)
            for commit, file in group.files
            for each in self._rejects(file.key)
        ]
        counts.rejected += self._reject(group.table, rejects, result.load_id)
        sources = self._sources(group)
        if not sources:
            return
        self._copy(group, columns, self._manifests.write(name, sources))
        rows = sum(file.rows for _, file in group.files) - len(rejects)
        counts.loaded += self._append(group.table, columns, rows, result.load_id)

    def _assembled(
        self, tails: Sequence[Tail], fences: Fences, catalog: Catalog, result: LoadResult
    ) -> list[Assembled]:
        """Puts partials into files that COPY can read."""
        task = self._task
        columns = {
            each.table: self._columns(each.table, each.file_schema, catalog)
            for each in task.plan.partials
            if each.table in result.partials
        }
        found = batches.sidecars(tails, fences, task.plan)
        return assemble(task.store, self._manifests, found, columns)

    def _load_partials(self, found: Assembled, result: LoadResult) -> None:
        table = found.table.table
        counts = result.partials[table]
        rejects = [(each.commit, each.file.key, reject) for each, reject in found.rejects]
        counts.rejected += self._reject(table, rejects, result.load_id)
        counts.files += len(found.sources)
        counts.bytes += sum(source.bytes for source in found.sources)
        if not found.sources:
            return
        address = self._manifests.write(f"{result.load_id}-{table}", found.sources)
        try:
            fill_staging(self._session, found.columns, address, self._task.role)
        except CopyDataError as error:
            # Each row was held against the columns, so there is none to be left out.
            raise WarehouseError(
                f"{error.what}, the partials for {table}",
                "See what SYS_LOAD_ERROR_DETAIL says of it",
            ) from None
        counts.loaded += self._append(table, found.columns, found.rows, result.load_id)

    def _check_definitions(self, catalog: Catalog) -> None:
        """Refuses dimensions and facts that aren't there, or mean something else."""
        known = read_definitions(self._session, self._statements, catalog)
        for each in self._task.plan.star:
            if known.get(each.table) != each.definition():
                raise ConfigurationError(
                    f"the table {self._statements.schema}.{each.table} isn't there, or was filled "
                    "by another definition",
                    "Run python -m beam_pipelines.warehouse migrate with this configuration",
                )

    def _rebuild(self, result: LoadResult) -> None:
        """Brings dimensions and facts up to date with the rows that were added."""
        loaded = {table: counts.loaded for table, counts in result.tables.items()}
        star = self._task.plan.star
        result.star = rebuild(self._session, self._statements, star, loaded, result.load_id)

    def _columns(self, table: str, schema: pa.Schema, catalog: Catalog) -> tuple[Column, ...]:
        if table not in catalog:
            raise ConfigurationError(
                f"there is no table {self._statements.schema}.{table}",
                "Run python -m beam_pipelines.warehouse migrate",
            )
        wanted = next(each.columns for each in self._task.plan.loaded if each.table == table)
        check_room(wanted, catalog[table], table)
        return staging_columns(schema, catalog[table], table)

    def _sources(self, group: Group) -> list[Source]:
        found = (
            self._cleaned[file.key].source if file.key in self._cleaned else source_of(file)
            for _, file in group.files
        )
        return [source for source in found if source is not None]

    def _copy(self, group: Group, columns: Sequence[Column], address: str) -> None:
        try:
            fill_staging(self._session, columns, address, self._task.role)
        except CopyDataError as error:
            if all(file.key in self._cleaned for _, file in group.files):
                raise  # Nothing is left to be taken out.
            raise UnfitError(group, columns) from error

    def _append(self, table: str, columns: Sequence[Column], rows: int, load_id: int) -> int:
        return append_staged(
            self._session, self._statements, table, columns, rows=rows, load_id=load_id
        )

    def _rejects(self, key: str) -> tuple[Reject, ...]:
        return self._cleaned[key].rejects if key in self._cleaned else ()

    def _reject(
        self, table: str, found: Sequence[tuple[SegmentCommit, str, Reject]], load_id: int
    ) -> int:
        """Records the rows that were taken out, each with its file; returns how many."""
        lake_id = self._lake.lake_id
        rows: list[tuple[Any, ...]] = [
            (
                *(load_id, lake_id, table, commit.topic, commit.topic_id, commit.partition),
                *(each.offset, each.row, each.reason, key, _now()),
            )
            for commit, key, each in found
        ]
        rejects = self._statements.table("load_rejects")
        insert_all(self._session, rejects, sql.REJECT_COLUMNS, rows)
        return len(rows)

    def _record(self, result: LoadResult, fences: Fences) -> None:
        oldest, newest = result.broker_time or (None, None)
        rows: list[tuple[Any, ...]] = [
            (
                *(result.load_id, self._lake.lake_id, table, self._task.loader),
                *(c.commits, c.files, c.bytes, c.accepted, c.loaded, c.rejected),
                *(batches.moment(oldest), batches.moment(newest), self._started[0], _now()),
                fences_sha256(fences, table),
            )
            for table, c in _counts(result)
        ]
        table = self._statements.table("load_history")
        insert_all(self._session, table, sql.HISTORY_COLUMNS, rows)

    def _commit(self, result: LoadResult, after: Fences) -> None:
        self.sent = result
        self._session.execute(sql.COMMIT)
        # COMMIT of an aborted transaction is a rollback that no error tells of.
        found = read_fences(self._session, self._statements, self._lake.lake_id)
        if any(place not in found or found[place].seq < after[place].seq for place in after):
            raise WarehouseConflictError(
                f"COMMIT of load {result.load_id} was answered, and its fences didn't move",
                "It is tried again",
            )


def _counts(result: LoadResult) -> Iterator[tuple[str, TableCounts]]:
    """Yields what the history says of each table."""
    yield from result.tables.items()
    yield from result.partials.items()
    for table, rows in result.star.items():
        yield table, TableCounts(accepted=rows, loaded=rows)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
