"""A topic, its lake, and a schema of the stand-in, as the main job fills them."""

import itertools
from dataclasses import dataclass
from typing import Any

import orjson

from beam_pipelines.warehouse import cli
from runners.local import Kafka
from tests.faults.lakes import Lake
from tests.integration.small import DATASET, confluent, send
from tests.launcher import Ended, Run
from tests.warehouse import Warehouse, login_flags
from transforms.lake.names import RUNS

WAREHOUSE = "beam_pipelines.warehouse.cli:main"
TABLE = f"raw_{DATASET}"
#: Messages of a segment here.
SEGMENT = 40

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Job:
    """A topic, a lake of it, and a schema that the lake is loaded into."""

    kafka: Kafka
    lake: Lake
    topic: str
    warehouse: Warehouse
    schema: str

    @property
    def flags(self) -> list[str]:
        return [*login_flags(self.warehouse.redshift, self.schema), "--redshift_patience_s=60"]

    def send(self, count: int, partition: int = 0) -> None:
        send(self.kafka, self.topic, confluent(range(count)), partition)

    def migrate(self) -> None:
        """In this process: a fork costs more than the migration."""
        assert cli.main(["migrate", f"--config={self.lake.config}", *self.flags]) == 0

    def start(self, *flags: str) -> Run:
        return self.lake.start(*self.flags, *flags)

    def run(self, *flags: str) -> Ended:
        return self.start(*flags).wait()

    def load(self) -> Ended:
        """The command for schedulers."""
        return self.lake.command(WAREHOUSE, "load", f"--config={self.lake.config}", *self.flags)

    def rows(self) -> int:
        return self.warehouse.count(f"{self.schema}.{TABLE}")

    def assert_proven(self, rows: int) -> None:
        """All is loaded, once: by ``verify``, and by the number of rows that were sent."""
        flags = [f"--config={self.lake.config}", *self.flags]
        proven = self.lake.verify("--format=json", "--progress=off", *flags)
        assert proven.code == 0, proven
        told = f"{TABLE}: {rows:,} rows accepted, {rows:,} loaded, 0 rejected"
        assert told in orjson.loads(proven.out)["notes"]

    def report(self) -> dict[str, Any]:
        """The newest run's report."""
        store = self.lake.store
        newest = max(item.key for item in store.walk(RUNS))
        found: dict[str, Any] = orjson.loads(store.get(newest))
        return found
