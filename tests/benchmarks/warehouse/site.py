"""The servers of one part of the benchmark, a lake on them, and the commands that users run."""

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runners.local import Services, services
from tests.benchmarks.entrants import Place
from tests.benchmarks.jobs import Run, run
from tests.benchmarks.warehouse.server_cpu import ServerCpu, server_cpu
from tests.warehouse import login
from transforms.redshift import RedshiftSettings, Session, connect

#: Without dimensions and facts: the tables that COPY fills.
RAW_ONLY = ("--set=warehouse={}",)


@dataclass(frozen=True)
class Load:
    """One run of ``warehouse load``.

    Attributes:
        run: The command from outside.
        idle: The same command right after it, with nothing to load: what a start costs.
        servers: CPU seconds of the stand-in during the first.
        results: What the command said of each transaction.
    """

    run: Run
    idle: Run
    servers: ServerCpu
    results: Sequence[dict[str, Any]]

    @property
    def rows(self) -> int:
        """Rows that were loaded into raw tables."""
        return sum(each["loaded"] for each in self.results)

    @property
    def seconds(self) -> float:
        """What it took, without the start."""
        return self.run.wall - self.idle.wall

    @property
    def cpu(self) -> float:
        """The loader's CPU seconds, without the start."""
        return self.run.cpu - self.idle.cpu

    def rows_of(self, table: str) -> int:
        """Rows that were loaded into one raw table."""
        found = (each["tables"].get(table, {}).get("loaded", 0) for each in self.results)
        return sum(found)

    def made_anew(self, table: str) -> int:
        """Rows of a dimension or fact that were made anew."""
        return sum(each["star"].get(table, 0) for each in self.results)


class Site(Place):
    """Kafka, S3 and the stand-in for Redshift, with one lake.

    Args:
        local: The servers.
        folder: For files that don't outlive the benchmark.
    """

    def __init__(self, local: Services, folder: Path) -> None:
        super().__init__(local, folder)
        self._redshift = local.redshift
        self.env |= local.redshift.environ()
        self.lake = f"s3://{self.new_root()}"
        self._schemas = itertools.count(1)

    def cpu(self) -> ServerCpu:
        """CPU seconds of the stand-in up to now."""
        pid = self._redshift.pid
        assert pid is not None
        return server_cpu(pid)

    def session(self, schema: str) -> Session:
        """A connection of our own."""
        return connect(RedshiftSettings(**login(self._redshift, schema)))

    @contextmanager
    def schema(self, *flags: str) -> Iterator[str]:
        """Makes a schema, and drops it afterwards."""
        name = f"bench_{next(self._schemas)}"
        self.warehouse("migrate", name, *flags)
        yield name
        session = self.session(name)
        session.execute(f"DROP SCHEMA {name} CASCADE")
        session.close()

    def warehouse(self, command: str, schema: str, *flags: str) -> Run:
        """``python -m beam_pipelines.warehouse``."""
        return self._command("warehouse", command, f"--redshift_schema={schema}", *flags)

    def load(self, schema: str, *flags: str) -> Load:
        """Loads what the lake has and the schema hasn't.

        Raises:
            RuntimeError: Rows were rejected: they cost other work.
        """
        flags = (f"--lake_root={self.lake}", "--format=json", *flags)
        before = self.cpu()
        loaded = self.warehouse("load", schema, *flags)
        used = self.cpu() - before
        results = [json.loads(line) for line in loaded.said.splitlines()]
        if sum(each["rejected"] for each in results):
            raise RuntimeError("the warehouse rejected rows")
        return Load(loaded, self.warehouse("load", schema, *flags), used, results)

    def drain(self, *flags: str) -> Run:
        """The main job, to the topics' ends."""
        return self._command(
            "pharmacy",
            "--mode=drain",
            *self._kafka_and_lake(),
            "--runner=DirectRunner",
            "--progress=off",
            *flags,
        )

    def verify(self, schema: str) -> None:
        """Proves lake and warehouse.

        Raises:
            RuntimeError: The proof fails.
        """
        flags = (f"--redshift_schema={schema}", "--progress=off")
        self._command("verify", *self._kafka_and_lake(), *flags)

    def produce(self, events: int, seed: int, *flags: str) -> None:
        """The usual stream, without faults."""
        self._command(
            "produce",
            f"--kafka_bootstrap_servers={self.servers}",
            f"--events={events}",
            f"--seed={seed}",
            "--faults=none",
            *flags,
        )

    def _kafka_and_lake(self) -> tuple[str, str]:
        return (f"--kafka_bootstrap_servers={self.servers}", f"--lake_root={self.lake}")

    def _command(self, name: str, *arguments: str) -> Run:
        return run([sys.executable, "-m", f"beam_pipelines.{name}", *arguments], self.env, 0)


@contextmanager
def site() -> Iterator[Site]:
    """Starts servers of their own, with empty disks, and ends them."""
    with (
        TemporaryDirectory() as folder,
        services(Path(folder), start=("kafka", "s3", "redshift")) as local,
    ):
        yield Site(local, Path(folder))
