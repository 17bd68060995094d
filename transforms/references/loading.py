"""``References``: the committed versions of all references, once per process."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_datasets
from transforms.errors import ConfigurationError
from transforms.identifiers import LinkKeys
from transforms.lake import DataFile, ObjectStore, StoreSettings
from transforms.references.joins import declared_joins, needed_columns, pruned_join, rows_of
from transforms.references.linked import has_links, link_functions
from transforms.references.snapshot import ReferenceSnapshot, files, snapshot, version
from transforms.references.spec import ReferenceSpec
from transforms.references.versions import versions
from transforms.sql import Engine, Expression, Function, Join
from transforms.sql.functions import FUNCTIONS

_log = logging.getLogger(__name__)

#: Runs whose references a process keeps. One is under way; tests run several after one another.
_KEPT: Final = 2


def packaged_columns() -> dict[str, pa.Schema]:
    """Returns the columns of all packaged datasets."""
    return {dataset.name: arrow_schema(dataset.reader) for dataset in packaged_datasets()}


class References:
    """What expressions may look up, read from the committed lake.

    Pickles as its settings; the rows are read by each process at the first segment that needs them.

    Args:
        specs: The references by name; none by default.
        lake_root: The lake that holds them.
        store: Its address and credentials.
        pinned: Which commits count. Without it, whatever is committed when a process looks: workers
            may then see different references, so a run that must give the same rows pins them.
        schemas: Columns of the references' datasets; the packaged ones by default.
        link_keys: Resolves the keys of links, on the worker. Needed where a reference's key is one.

    Guarantees: with a snapshot, every process sees the same rows.
    """

    def __init__(
        self,
        specs: Mapping[str, ReferenceSpec] | None = None,
        *,
        lake_root: str = "",
        store: StoreSettings | None = None,
        pinned: ReferenceSnapshot | None = None,
        schemas: Mapping[str, pa.Schema] | None = None,
        link_keys: Callable[[], LinkKeys] | None = None,
    ) -> None:
        self.specs = dict(specs or {})
        self._lake_root = lake_root
        self._settings = store
        self._pinned = pinned
        self._schemas = dict(packaged_columns() if schemas is None else schemas)
        self._link_keys = link_keys
        self._run = uuid.uuid4().hex

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that hold references."""
        return tuple(sorted({spec.dataset for spec in self.specs.values()}))

    def engine(self) -> Engine:
        """Returns an engine with all functions that expressions and lookups call.

        It holds keys of links, so it is made on the worker.

        Raises:
            ConfigurationError: A reference's key is a link, and there are no ``link_keys``.
            SecretError: The reference to the link root names nothing.
        """
        return Engine((*FUNCTIONS, *self.functions()))

    def functions(self) -> tuple[Function, ...]:
        """Returns the functions that lookups call. They hold keys: never pickled.

        Raises:
            ConfigurationError: A reference's key is a link, and there are no ``link_keys``.
            SecretError: The reference to the link root names nothing.
        """
        if not has_links(self.specs):
            return ()
        if self._link_keys is None:
            raise ConfigurationError(
                "a reference is looked up by a link, and there are no keys of links",
                "Give References the link_keys of the masks",
            )
        return link_functions(self.specs, self._link_keys())

    def declared(self, dataset: str) -> list[Join]:
        """Returns the references that a dataset may look up, without rows; see ``declared_joins``.

        Raises:
            ConfigurationError: A reference doesn't fit its dataset.
        """
        return declared_joins(self.specs, dataset, self._schemas)

    def joins(self, dataset: str, expressions: Iterable[Expression]) -> list[Join]:
        """Returns the references that expressions over a dataset name, with their committed rows.

        Raises:
            ConfigurationError: The committed rows lack a column that is named.
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        needed = needed_columns(expressions)
        named = {name: spec for name, spec in self.specs.items() if name in needed}
        return [
            self._pruned(join, dataset, needed[join.name])
            for join in declared_joins(named, dataset, self._schemas)
        ]

    def version(self) -> str:
        """Returns a short hash of the files that hold the references: same hash, same rows.

        Raises:
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        return self._loaded().version if self.specs else ""

    def _pruned(self, declared: Join, dataset: str, needed: set[str]) -> Join:
        spec = self.specs[declared.name]
        rows = self._loaded().versions(spec)
        if rows is None:
            return declared
        return pruned_join(declared.name, spec, dataset, rows, needed)

    def _loaded(self) -> "_Loaded":
        with _LOCK:
            if self._run not in _LOADED:
                while len(_LOADED) >= _KEPT:
                    _LOADED.pop(next(iter(_LOADED)))
                store = ObjectStore(self._lake_root, self._settings)
                pinned = snapshot(store, self.datasets) if self._pinned is None else self._pinned
                _LOADED[self._run] = _Loaded(store, pinned, self.datasets)
            return _LOADED[self._run]


class _Loaded:
    """The references of one run in this process."""

    def __init__(
        self, store: ObjectStore, pinned: ReferenceSnapshot, datasets: Iterable[str]
    ) -> None:
        wanted = frozenset(datasets)
        self._store = store
        self._files = [file for file in files(store, pinned) if file.dataset in wanted]
        self._lock = threading.Lock()
        self._engine = Engine(FUNCTIONS)
        self._versions: dict[tuple[str, str, str, str], pa.Table | None] = {}
        self.version = version(self._files)

    def versions(self, spec: ReferenceSpec) -> pa.Table | None:
        """Returns the versions of a reference's keys; None if nothing is committed yet."""
        name = (spec.dataset, spec.where or "", spec.key, spec.effective)
        with self._lock:
            if name not in self._versions:
                self._versions[name] = self._read(spec)
            return self._versions[name]

    def _read(self, spec: ReferenceSpec) -> pa.Table | None:
        # File by file: of a large dataset only the rows that count are held.
        tables = [
            rows_of(self._engine, spec, _rows(self._store, file))
            for file in self._files
            if file.dataset == spec.dataset
        ]
        if spec.link is not None:
            # Older rows may have no link yet, and no policy takes one away.
            tables = [each for each in tables if spec.key in each.column_names]
        if not tables:
            _log.warning(
                "the lake has no rows of %s yet: what expressions look up there is null",
                spec.dataset,
            )
            return None
        rows = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
        for column in (spec.key, spec.effective):
            if column not in rows.column_names:
                raise ConfigurationError(
                    f"the lake's dataset {spec.dataset} has no column {column}, by which it is "
                    "looked up",
                    "A masking policy that drops it rules out the reference: keep the column, or "
                    "take the reference out",
                )
        return versions(rows, spec)


def _rows(store: ObjectStore, file: DataFile) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.get(file.key))).replace_schema_metadata()


#: By run, the oldest first.
_LOADED: Final[dict[str, _Loaded]] = {}
_LOCK: Final = threading.Lock()
