"""The loader: the lake's new commits into the warehouse, exactly once, whatever happens.

Nothing is remembered from one transaction to the next but which files need a copy without the rows
that COPY refuses, and whether the outcome of a COMMIT is still to be asked for.
"""

import logging
import os
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

from transforms.errors import (
    ConfigurationError,
    PipelineError,
    WarehouseConflictError,
    WarehouseUnavailableError,
)
from transforms.lake import BatchLimits, Mark, ObjectStore, PartitionId, require_lake
from transforms.metrics import RETRIES, tell
from transforms.redshift import sql
from transforms.redshift.batch import Layouts, LoadResult
from transforms.redshift.client import Session, connect
from transforms.redshift.fences import position_of, read_fences
from transforms.redshift.figures import tell_failure, tell_load
from transforms.redshift.layout import Column
from transforms.redshift.manifest import Manifests, Source
from transforms.redshift.plan import LoadPlan
from transforms.redshift.rejects import Cleaned, isolate, takes_of
from transforms.redshift.settings import RedshiftSettings
from transforms.redshift.staging import fill_staging
from transforms.redshift.transaction import Task, Transaction, UnfitError

_log = logging.getLogger(__name__)
T = TypeVar("T")

#: Conflicts in a row until the load gives up: somebody writes these tables without our lock.
MAX_CONFLICTS: Final = 20
FIRST_PAUSE_S: Final = 0.1
LAST_PAUSE_S: Final = 5.0


def forget(session: Session, statements: sql.Statements, table: str) -> None:
    """Empties a table under the lock, so that the next load brings it anew from the lake.

    Args:
        session: Where; a load that runs is waited for.
        statements: Of the schema.
        table: One of the plan's tables.
    """
    with session.transaction():
        session.execute(statements.lock())
        for statement in statements.forget(table):
            session.execute(statement)


def loader_of(
    store: ObjectStore,
    plan: LoadPlan,
    settings: RedshiftSettings,
    limits: BatchLimits | None = None,
) -> "Loader":
    """Returns the loader of a warehouse: its schema, role and patience are as the settings say.

    Args:
        store: The lake's objects.
        plan: What goes where.
        settings: The warehouse.
        limits: Of one transaction.
    """
    return Loader(
        store,
        plan,
        partial(connect, settings),
        sql.Statements(settings.schema),
        role=settings.copy_role,
        limits=limits,
        patience_s=settings.patience_s,
    )


class Loader:
    """Loads a lake into one schema; any number of them may run at once, one at a time gets on.

    Args:
        store: The lake's objects.
        plan: What goes where.
        connect: Makes a session.
        statements: Of the schema.
        role: By which COPY reads the lake.
        limits: Of one transaction.
        patience_s: For how long an outage of the warehouse is waited out.
        sleep: Pauses; by default until ``stop`` at most.
        monotonic: A clock that only goes forward, in seconds.

    Guarantees: whatever ends a load, at whatever moment, each accepted row of the lake below a
    fence is in its table or in ``load_rejects``, once; and no row above.
    """

    def __init__(
        self,
        store: ObjectStore,
        plan: LoadPlan,
        connect: Callable[[], Session],
        statements: sql.Statements,
        *,
        role: str = "default",
        limits: BatchLimits | None = None,
        patience_s: float = 120.0,
        sleep: Callable[[float], object] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._patience_s = patience_s
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._monotonic = monotonic
        self._token = uuid.uuid4().hex[:12]
        self._task = Task(
            store=store,
            plan=plan,
            statements=statements,
            role=role,
            limits=limits or BatchLimits(),
            loader=f"{socket.gethostname()[:200]}:{os.getpid()}:{self._token}",
            layouts=Layouts(store),
        )
        self._session: Session | None = None
        self._manifests: Manifests | None = None
        self._cleaned: dict[str, Cleaned] = {}
        self._ends: Mapping[PartitionId, int] | None = None
        self._sent: LoadResult | None = None

    def load(self) -> Iterator[LoadResult]:
        """Loads what is new, in as many transactions as it takes, and yields each.

        Raises:
            LakeMismatchError: The lake isn't the one that was loaded so far, or not its future.
            WarehouseUnavailableError: The outage outlasted the patience.
            WarehouseError: A statement was refused.
        """
        try:
            while (result := self._patiently(self._once)) is not None:
                tell_load(result)
                yield result
        except PipelineError as error:
            # One that was stopped came to nothing since nobody wanted it any more.
            if not self._stopped.is_set():
                tell_failure(error)
            raise
        finally:
            self.close()
            # Only a load that is begun again may take copies for granted: others may sweep them.
            self._forget_rejects()

    def position(self) -> Mapping[PartitionId, Mark]:
        """Returns what is loaded: where a reader of commits goes on.

        Raises:
            LakeMismatchError: The schema was loaded from another lake.
            WarehouseUnavailableError: The outage outlasted the patience.
        """
        try:
            return self._patiently(self._position)
        finally:
            self.close()

    def stop(self) -> None:
        """Ends what another thread does here, for good; the warehouse rolls back what is open."""
        self._stopped.set()
        session = self._session
        if session is not None:
            session.cut()

    def close(self) -> None:
        """Leaves the warehouse."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _patiently(self, call: Callable[[], T]) -> T:
        """Makes one call, begun again after conflicts and outages."""
        conflicts, pause = 0, FIRST_PAUSE_S
        deadline: float | None = None
        while True:
            try:
                return call()
            except WarehouseConflictError:
                conflicts += 1
                if conflicts >= MAX_CONFLICTS:
                    raise
            except WarehouseUnavailableError as error:
                self.close()
                now = self._monotonic()
                # From the first error on: a long load must not have used the patience up by then.
                deadline = now + self._patience_s if deadline is None else deadline
                if self._stopped.is_set() or now >= deadline:
                    raise
                _log.warning("the load is begun again: %s", error.what)
            tell(RETRIES, 1, system="redshift")
            # Jitter: two that met once must not meet again.
            self._sleep(random.uniform(0.1, 1.0) * pause)
            pause = min(pause * 2, LAST_PAUSE_S)

    def _connected(self) -> Session:
        session = self._session = self._session or self._connect()
        # Whoever stops either sees this session and cuts it, or is seen here.
        if self._stopped.is_set():
            raise WarehouseUnavailableError("the load was stopped", "The next one goes on")
        return session

    def _position(self) -> Mapping[PartitionId, Mark]:
        lake = require_lake(self._task.store)
        fences = read_fences(self._connected(), self._task.statements, lake.lake_id)
        return position_of(fences, self._task.plan)

    def _once(self) -> LoadResult | None:
        session = self._connected()
        manifests = self._manifests = self._manifests or self._found_manifests(session)
        lake = require_lake(self._task.store)
        while True:
            tried = Transaction(self._task, lake, session, manifests, self._cleaned, self._ends)
            try:
                result = self._loaded(tried, session, manifests)
                if result is not None or tried.ends is None:
                    return result
                # Another loader was quicker with these commits; there may be more of them.
            except UnfitError as error:
                session.abandon()
                # The next try takes no more commits: else bad rows that come all the time, each
                # looked for while others come, would keep it from ever getting through.
                self._ends = tried.chosen
                self._isolate(session, manifests, error)
            except BaseException:
                session.abandon()
                raise
            finally:
                self._sent = tried.sent or self._sent

    def _loaded(
        self, tried: Transaction, session: Session, manifests: Manifests
    ) -> LoadResult | None:
        tried.begin()
        result: LoadResult | None
        # A COMMIT whose answer was lost: under the lock its outcome can't change any more.
        if self._sent is not None and tried.is_loaded(self._sent):
            session.execute(sql.ROLLBACK)
            result = self._sent
        else:
            self._sent = None
            result = tried.load()
        self._sent = tried.sent = None
        self._forget_rejects()
        manifests.sweep_own()
        return result

    def _forget_rejects(self) -> None:
        self._cleaned.clear()
        self._ends = None

    def _found_manifests(self, session: Session) -> Manifests:
        found = session.query(self._task.statements.warehouse_id())
        if len(found) != 1:
            raise ConfigurationError(
                f"the schema {self._task.statements.schema} isn't complete",
                "Run python -m beam_pipelines.warehouse migrate",
            )
        return Manifests(self._task.store, str(found[0][0]), self._token)

    def _isolate(self, session: Session, manifests: Manifests, unfit: UnfitError) -> None:
        """Finds the rows that COPY refuses, in transactions that are rolled back."""
        takes = takes_of(lambda sources: self._try(session, manifests, unfit.columns, sources))
        files = [file for _, file in unfit.group.files if file.key not in self._cleaned]
        found = isolate(self._task.store, manifests, files, unfit.columns, takes)
        if not found:
            raise PipelineError(
                f"COPY refused the files of {unfit.group.table} together, and takes each alone",
                "Run the load again",
            )
        self._cleaned.update(found)
        rejected = sum(len(each.rejects) for each in found.values())
        _log.warning("COPY refuses %d rows of %s", rejected, unfit.group.table)

    def _try(
        self,
        session: Session,
        manifests: Manifests,
        columns: Sequence[Column],
        sources: Sequence[Source],
    ) -> None:
        address = manifests.write_try(sources)
        session.execute(sql.BEGIN)
        try:
            fill_staging(session, columns, address, self._task.role)
        finally:
            session.abandon()
