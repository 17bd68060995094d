"""How far behind a stream its warehouse is: the last load, and how old what it brought is."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from beam_pipelines.pharmacy.asking import Asker
from beam_pipelines.pharmacy.load_pipeline import LoadJob
from beam_pipelines.warehouse.status import Recency, read_recency
from transforms.errors import PipelineError
from transforms.redshift import Session, Statements

#: A load comes every half minute or so; asking more often would tell nothing new.
_EVERY_S: Final = 5.0


class LoadFreshness(threading.Thread):
    """Asks the warehouse every few seconds what the last load was, whoever makes them.

    In a thread of its own: a warehouse that is away lets whoever asks wait.

    Args:
        job: What is loaded.
        connect: Makes a session.
        now: The time.
    """

    def __init__(
        self,
        job: LoadJob,
        connect: Callable[[], Session],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(name="load-freshness", daemon=True)
        self._asker = Asker(connect)
        self._statements = Statements(job.redshift.schema)
        self._tables = [each.table for each in job.plan.tables]
        self._now = now
        self._stopped = threading.Event()
        self._rows_before: int | None = None
        self._found: Recency | None = None
        self._silent_since: datetime | None = None

    def run(self) -> None:
        """Asks until it is stopped."""
        while not self._stopped.wait(_EVERY_S):
            self.look()
        self._asker.close()

    def stop(self) -> None:
        """Ends the asking; an answer that is still out is not waited for."""
        self._stopped.set()

    def look(self) -> None:
        """Asks once; that there is no answer is remembered, and no error."""
        try:
            self._found = self._asker.ask(
                lambda session: read_recency(session, self._statements, self._tables)
            )
        except PipelineError:
            self._silent_since = self._silent_since or self._now()
            return
        self._silent_since = None
        if self._rows_before is None:
            self._rows_before = self._found.rows

    def line(self) -> str:
        """Returns what is known, in few words."""
        if self._silent_since is not None:
            return f"no answer from the warehouse for {self._age(self._silent_since)}"
        if self._found is None or self._found.loaded_at is None:
            return "nothing loaded yet"
        rows = self._found.rows - (self._rows_before or 0)
        text = f"loaded {self._age(self._found.loaded_at)} ago, {rows:,} rows"
        if self._found.newest_message is not None:
            text += f", newest {self._age(self._found.newest_message)} old"
        return text

    def _age(self, moment: datetime) -> str:
        return f"{max(0.0, (self._now() - moment).total_seconds()):,.0f} s"
