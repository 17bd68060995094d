"""``References``: the committed versions of all references, once per process."""

import logging
import threading
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Final

import pyarrow as pa

from schemas.arrow_types import arrow_schema
from schemas.catalog import packaged_datasets
from transforms.errors import ConfigurationError
from transforms.identifiers import LinkKeys
from transforms.lake import ObjectStore, PartitionId, StoreSettings, owners
from transforms.references.held import Held, grown
from transforms.references.joins import declared_joins, needed_columns
from transforms.references.linked import has_links, link_functions
from transforms.references.refreshing import Refresher
from transforms.references.snapshot import ReferenceSnapshot, snapshot
from transforms.references.spec import ReferenceSpec
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
        refresh_s: How often a process looks for what was committed since, in seconds, as far as
            segments come; 0 for never. Then ``pinned`` only tells whose commits to read.
        topics: The topics that carry the references: where to look for partitions that are new.
        schemas: Columns of the references' datasets; the packaged ones by default.
        link_keys: Resolves the keys of links, on the worker. Needed where a reference's key is one.

    Guarantees: with a snapshot and no refresh, every process sees the same rows. In any case a
    segment sees the same rows from its first step to its last, and its commit names them.
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
        refresh_s: float = 0.0,
        topics: Container[str] = (),
    ) -> None:
        self.specs = dict(specs or {})
        self._lake_root = lake_root
        self._settings = store
        self._pinned = pinned
        self._schemas = dict(packaged_columns() if schemas is None else schemas)
        self._link_keys = link_keys
        self._refresh_s = refresh_s
        self._topics = topics
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

    def view(self, version: str = "") -> "ReferenceView":
        """Returns the references for one segment.

        Args:
            version: What an earlier step saw of them, as the segment names it; empty if none did.
        """
        return ReferenceView(self.specs, self._schemas, lambda: self._held(version))

    def _held(self, version: str) -> Held:
        loaded = self._loaded()
        return (loaded.of(version) if version else None) or loaded.newest()

    def _loaded(self) -> Refresher:
        with _LOCK:
            if self._run not in _LOADED:
                while len(_LOADED) >= _KEPT:
                    _LOADED.pop(next(iter(_LOADED)))
                _LOADED[self._run] = self._read()
            return _LOADED[self._run]

    def _read(self) -> Refresher:
        store, specs = ObjectStore(self._lake_root, self._settings), tuple(self.specs.values())
        pinned = snapshot(store, self.datasets) if self._pinned is None else self._pinned
        # What goes on begins with all there is: it may be long after its launcher's look.
        ends = dict.fromkeys(pinned.fences) if self._refresh_s else pinned.fences
        first = grown(Held(), store, specs, ends)
        for dataset in sorted({spec.dataset for spec in specs if first.of(spec).table is None}):
            _log.warning(
                "the lake has no rows of %s yet: what expressions look up there is null", dataset
            )

        def look(held: Held) -> Held:
            return grown(held, store, specs, dict.fromkeys(self._owners(store, held)))

        return Refresher(look, first, self._refresh_s)

    def _owners(self, store: ObjectStore, held: Held) -> set[PartitionId]:
        return {*held.position, *owners(store, self._topics)}


class ReferenceView:
    """The references as one segment sees them; read when the first expression names one.

    Args:
        specs: The references by name.
        schemas: Columns of the datasets.
        held: Returns what is held; called once.
    """

    def __init__(
        self,
        specs: Mapping[str, ReferenceSpec],
        schemas: Mapping[str, pa.Schema],
        held: Callable[[], Held],
    ) -> None:
        self._specs = specs
        self._schemas = schemas
        self._find = held
        self._found: Held | None = None

    def joins(self, dataset: str, expressions: Iterable[Expression]) -> list[Join]:
        """Returns the references that expressions over a dataset name, with their committed rows.

        Raises:
            ConfigurationError: The committed rows lack a column that is named.
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        needed = needed_columns(expressions)
        named = {name: spec for name, spec in self._specs.items() if name in needed}
        return [
            self._pruned(join, dataset, needed[join.name])
            for join in declared_joins(named, dataset, self._schemas)
        ]

    def version(self) -> str:
        """Returns a short hash of the files that hold the references: same hash, same rows.

        Raises:
            StoreUnavailableError: S3 was away for longer than the store's patience.
        """
        return self._held().version if self._specs else ""

    def _pruned(self, declared: Join, dataset: str, needed: set[str]) -> Join:
        spec = self._specs[declared.name]
        rows = self._held().of(spec)
        return declared if rows.table is None else rows.join(declared.name, dataset, spec, needed)

    def _held(self) -> Held:
        if self._found is None:
            self._found = self._find()
        return self._found


#: By run, the oldest first.
_LOADED: Final[dict[str, Refresher]] = {}
_LOCK: Final = threading.Lock()
