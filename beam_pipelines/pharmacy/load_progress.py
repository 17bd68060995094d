"""How far the loads have come, read off the warehouse: the same on every runner."""

import time
from collections.abc import Callable

from rich import box
from rich.table import Table

from beam_pipelines.pharmacy.asking import Asker
from beam_pipelines.pharmacy.load_pipeline import LoadJob
from beam_pipelines.warehouse.status import commits_behind, loaded_since
from transforms.lake import ObjectStore, require_lake
from transforms.lake.new_commits import chain_ends
from transforms.redshift import Session, Statements, read_fences


class LoadProgress:
    """Follows fences and history from where they stand now to the lake's ends as of now.

    It counts what whoever loads; a load is seen when it is committed.

    Args:
        job: What is to be loaded.
        store: The lake's objects.
        connect: Makes a session: one of its own, since loads have theirs.

    Raises:
        PipelineError: It can't be told where they stand.
    """

    def __init__(self, job: LoadJob, store: ObjectStore, connect: Callable[[], Session]) -> None:
        self._asker = Asker(connect)
        self._plan = job.plan
        self._statements = Statements(job.redshift.schema)
        lake = require_lake(store)
        self._lake_id = lake.lake_id
        self._ends = chain_ends(store, lake, job.plan.topics)
        self._started = time.monotonic()
        self._first = self._asker.ask(self._last_load)
        #: Rows and rejects by table, and commits that a table hasn't got.
        self.loaded: dict[str, tuple[int, int]] = {}
        self.behind: dict[str, int] = {}
        self.look()

    def look(self) -> None:
        """Asks the warehouse."""
        self._asker.ask(self._look)

    def close(self) -> None:
        """Leaves the warehouse."""
        self._asker.close()

    @property
    def rows(self) -> int:
        """Rows that came into raw tables since it began."""
        return sum(self.loaded.get(each.table, (0, 0))[0] for each in self._plan.tables)

    def lag(self) -> int:
        """Returns how many commits are not loaded, summed over the tables that they feed."""
        return sum(self.behind.values())

    def line(self) -> str:
        """Returns the state in one line."""
        seconds = max(time.monotonic() - self._started, 1e-9)
        return (
            f"{seconds:5.1f} s  {self.rows:,} rows loaded  {self.rows / seconds:,.0f}/s  "
            f"lag {self.lag():,} commits"
        )

    def table(self) -> Table:
        """Returns the state by table of the warehouse."""
        shown = Table(title=self.line(), title_justify="left", box=box.SIMPLE, pad_edge=False)
        for column in ("table", "loaded", "rejected", "lag"):
            shown.add_column(column, justify="left" if column == "table" else "right")
        for name in [*self.behind, *sorted(self.loaded.keys() - self.behind.keys())]:
            rows, rejects = self.loaded.get(name, (0, 0))
            lag = f"{self.behind[name]:,}" if name in self.behind else ""
            shown.add_row(name, f"{rows:,}", f"{rejects:,}", lag)
        return shown

    def _last_load(self, session: Session) -> int:
        return int(session.query(self._statements.last_load())[0][0])

    def _look(self, session: Session) -> None:
        fences = read_fences(session, self._statements, self._lake_id)
        self.loaded = loaded_since(session, self._statements, self._first)
        self.behind = {
            each.table: commits_behind(fences, self._ends, each) for each in self._plan.loaded
        }
