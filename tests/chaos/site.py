"""The servers of one run, its lake and its warehouse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from runners.local import FlinkSettings, Services, services
from runners.local._service import Service
from tests.chaos.armed_pool import ArmedPool
from tests.chaos.brokers import Brokers, brokers
from tests.chaos.plan import BROKER, S3, WAREHOUSE
from tests.faults.lakes import Lake
from tests.faults.s3_proxy import S3Proxy
from tests.launcher import DEAD_LETTER_KEY, MASKING_KEY, Launcher, launching
from tests.warehouse import login, login_flags

SCHEMA: Final = "chaos"
#: Tasks of a stream on Flink.
PARALLELISM: Final = 2
#: Messages of a segment: so few that a run has several segments of a partition.
_SEGMENT: Final = 150
#: A stream's segments are due so soon, however few messages there are.
_STREAM: Final[Mapping[str, Any]] = {"max_age_s": 1.0, "idle_after_s": 5.0}
#: A stream's live figures: each cell as soon as it changes, however late, however small.
KPI_TOPIC: Final = "pharmacy.kpi"
_KPI: Final[Mapping[str, Any]] = {
    "topic": KPI_TOPIC,
    "early_s": 1,
    "allowed_lateness_s": 100 * 365 * 86_400,
    "suppress_below": 0,
}
#: A loader that is frozen must not hold the lock for longer than others can wait. Amazon Redshift
#: has SESSION TIMEOUT for that; the sessions of a busy machine stay well below it.
_IDLE_S: Final = 20

#: One TaskManager more than there are tasks, so that work goes on while one is frozen.
_FLINK: Final = FlinkSettings(task_managers=PARALLELISM + 1)

_WAREHOUSE_COMMAND: Final = "beam_pipelines.warehouse.cli:main"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a run takes place.

    Attributes:
        folder: Data and logs of all of it.
        brokers: The brokers.
        servers: The S3 server, the stand-in and the cluster.
        proxy: The job's way to the S3 server.
        launcher: Runs the commands.
        lake: The lake, with the job's way to it through the proxy.
    """

    folder: Path
    brokers: Brokers
    servers: Services
    proxy: S3Proxy
    launcher: Launcher
    lake: Lake

    @property
    def redshift_flags(self) -> list[str]:
        """How the commands reach the warehouse."""
        return login_flags(self.servers.redshift, SCHEMA)

    @property
    def redshift_login(self) -> dict[str, Any]:
        """The same for the loader's settings."""
        return login(self.servers.redshift, SCHEMA)

    def kill(self, victim: str, draw: int) -> None:
        """Kills a server (SIGKILL); of several brokers one that isn't lost."""
        if victim == BROKER:
            self.brokers.pick(draw).kill()
        else:
            self._service(victim).kill()

    def start_again(self, victim: str) -> None:
        """Starts what was killed, on its port and data, and waits until it answers."""
        if victim == BROKER:
            self.brokers.start_again()
        else:
            self._service(victim).restart()

    def _service(self, victim: str) -> Service:
        return {S3: self.servers.s3, WAREHOUSE: self.servers.redshift}[victim]

    def migrate(self) -> None:
        """Makes the warehouse's tables."""
        argv = ["migrate", f"--config={self.lake.config}", *self.redshift_flags]
        ended = self.launcher.launch(argv, main=_WAREHOUSE_COMMAND).wait()
        assert ended.code == 0, ended


@contextmanager
def site(folder: Path, *, cluster: bool = False, count: int = 1) -> Iterator[Site]:
    """Starts the servers for as long as the body runs; all of them end with it.

    Args:
        folder: For data and logs.
        cluster: Whether there is a Flink cluster, too.
        count: How many brokers there are.
    """
    _write_keys(folder / "servers")
    start = ("s3", "redshift")
    with (
        launching(_made(folder / "runs")) as launcher,
        brokers(folder / "brokers", count) as kafka,
        services(folder / "servers", flink=_FLINK, start=start) as servers,
        S3Proxy(servers.s3.port) as proxy,
    ):
        servers.redshift.limit_idling(_IDLE_S)
        servers.flink.workers = ArmedPool(servers.flink)
        if cluster:
            servers.up(["flink"])
        lake = Lake(
            launcher=launcher,
            kafka=kafka,
            s3=servers.s3,
            config=str(_config(folder, cluster=cluster)),
            root=f"s3://{servers.s3.bucket}/chaos",
        )
        yield Site(
            folder=folder,
            brokers=kafka,
            servers=servers,
            proxy=proxy,
            launcher=launcher,
            lake=lake.behind(proxy),
        )


def _config(folder: Path, *, cluster: bool) -> Path:
    """Writes the packaged configuration with small segments; on a cluster, with live figures."""
    packaged = files("beam_pipelines.pharmacy").joinpath("pharmacy.yaml").read_text()
    own = {"stream": _STREAM, "kpi": _KPI} if cluster else {"segment": {"messages": _SEGMENT}}
    content = {**yaml.safe_load(packaged), **own}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def _write_keys(folder: Path) -> None:
    """Gives the cluster's workers the keys that the clients have, and the proof."""
    _made(folder)
    (folder / "dead_letter.key").write_text(DEAD_LETTER_KEY)
    (folder / "masking.key").write_text(MASKING_KEY)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
