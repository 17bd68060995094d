"""Partials of a load in files of their own, for COPY.

In the lake a commit's partials ride in one column of its sidecar file, which COPY can't read. So
the loader puts those of all commits of a load together, beside the load's manifests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from transforms.errors import PipelineError
from transforms.lake import ObjectStore, read_small_tables
from transforms.redshift.batch import Sidecar
from transforms.redshift.layout import Column
from transforms.redshift.manifest import Manifests, Source
from transforms.redshift.partials import PartialsTable
from transforms.redshift.rejects import Reject, unfit

#: Sidecars in flight: nearly all of a GET is waiting.
_READERS: Final = 8
#: Bytes of the sidecars that are held at a time, but for a single one: dead letters ride in them,
#: too, and partials are some ten times as large when they are unpacked.
_ROUND_BYTES: Final = 8 * 1024 * 1024
#: Bytes in memory from which on a table's partials are written to a file, about a tenth as large.
_FILE_BYTES: Final = 16 * 1024 * 1024


@dataclass
class Assembled:
    """The partials of one aggregate in a load.

    Attributes:
        table: Where they go.
        columns: Of its staging table.
        sources: The files.
        rows: Rows in them.
        rejects: Rows that the table can't take, with their commits' sidecars: as its offset the
            commit's number, as its row the place among the commit's partials.
    """

    table: PartialsTable
    columns: Sequence[Column]
    sources: list[Source] = field(default_factory=list)
    rows: int = 0
    rejects: list[tuple[Sidecar, Reject]] = field(default_factory=list)


def assemble(
    store: ObjectStore,
    manifests: Manifests,
    sidecars: Iterable[Sidecar],
    columns: Mapping[str, Sequence[Column]],
) -> list[Assembled]:
    """Puts the partials of commits into files, table by table, in bounded memory.

    Args:
        store: The lake's objects.
        manifests: Where the files are stored.
        sidecars: What to read, each once.
        columns: Table -> the columns of its staging table.

    Raises:
        ConfigurationError: Partials don't fit the present definition.
        PipelineError: A sidecar isn't what its commit says.
    """
    made: dict[str, _Assembler] = {}
    with ThreadPoolExecutor(_READERS) as pool:
        for some in _rounds(sidecars):
            found = pool.map(lambda each: read_small_tables(store, each.commit), some)
            for sidecar, tables in zip(some, found, strict=True):
                for table in sidecar.tables:
                    if table.table not in made:
                        staged = columns[table.table]
                        made[table.table] = _Assembler(table, staged, manifests)
                    made[table.table].add(sidecar, tables)
    return [each.finish() for each in made.values()]


class _Assembler:
    """The files of one table."""

    def __init__(
        self, table: PartialsTable, columns: Sequence[Column], manifests: Manifests
    ) -> None:
        self._made = Assembled(table, columns)
        self._manifests = manifests
        self._held: list[pa.Table] = []
        self._bytes = 0

    def add(self, sidecar: Sidecar, tables: Mapping[str, pa.Table]) -> None:
        """Takes a commit's partials."""
        source = self._made.table.source
        partials, wanted = tables.get(source), sidecar.file.tables[source]
        if partials is None or partials.num_rows != wanted:
            raise PipelineError(
                f"the file {sidecar.file.key} hasn't got the {wanted} rows of {source} that its "
                "commit names",
                "Prove the lake: python -m beam_pipelines.verify",
            )
        fitting = self._fitting(sidecar, self._made.table.rows_of(sidecar.commit, partials))
        self._held.append(fitting)
        self._bytes += fitting.nbytes
        if self._bytes >= _FILE_BYTES:
            self._write()

    def finish(self) -> Assembled:
        """Writes the rest; returns what was made."""
        self._write()
        return self._made

    def _fitting(self, sidecar: Sidecar, rows: pa.Table) -> pa.Table:
        reasons = unfit(rows, self._made.columns)
        self._made.rejects += [
            (sidecar, Reject(sidecar.commit.seq, at, reasons[at])) for at in sorted(reasons)
        ]
        return rows.take(np.setdiff1d(np.arange(rows.num_rows), list(reasons))) if reasons else rows

    def _write(self) -> None:
        rows = pa.concat_tables(self._held) if self._held else pa.table({})
        self._held, self._bytes = [], 0
        if not rows.num_rows:
            return
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd", compression_level=1)
        name = f"{self._made.table.table}-{len(self._made.sources)}"
        self._made.sources.append(self._manifests.put_rows(name, bytes(sink.getvalue())))
        self._made.rows += rows.num_rows


def _rounds(sidecars: Iterable[Sidecar]) -> Iterator[list[Sidecar]]:
    some: list[Sidecar] = []
    size = 0
    for each in sidecars:
        if some and size + each.file.bytes > _ROUND_BYTES:
            yield some
            some, size = [], 0
        some.append(each)
        size += each.file.bytes
    if some:
        yield some
