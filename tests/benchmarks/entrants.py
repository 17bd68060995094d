"""What is measured beside each other: our job in two configurations, and two usual ways."""

import itertools
import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from beam_pipelines.pharmacy.config import load_config
from runners.local import Services
from tests.benchmarks.jobs import Run, run
from transforms.lake import StoreSettings

SPINE: Final = Path(__file__).with_name("spine.yaml")
TWO_WORKERS: Final = ("--direct_num_workers=2",)
_KEYS: Final = {"DEAD_LETTER_KEY": "00" * 32, "MASKING_KEY": "01" * 32}


class Place:
    """The servers, and where runs put what they write.

    Args:
        local: Kafka and S3.
        folder: For files that don't outlive the benchmark.
    """

    def __init__(self, local: Services, folder: Path) -> None:
        self.folder = folder
        self.servers = local.kafka.bootstrap_servers
        self.bucket = local.s3.bucket
        self.store = StoreSettings(
            endpoint_url=local.s3.endpoint_url,
            region=local.s3.region,
            access_key_id=local.s3.access_key,
            secret_access_key=local.s3.secret_key,
        )
        self.env = {
            "AWS_ENDPOINT_URL_S3": local.s3.endpoint_url,
            "AWS_ACCESS_KEY_ID": local.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": local.s3.secret_key,
            "AWS_REGION": local.s3.region,
            **_KEYS,
        }
        self._numbers = itertools.count()

    def new_root(self) -> str:
        """Returns ``bucket/prefix`` that nobody has written to."""
        return f"{self.bucket}/run-{next(self._numbers)}-{uuid.uuid4().hex[:6]}"


class Entrant(Protocol):
    """Something that can be run on a topic of dispense events.

    Attributes:
        name: The head of its column.
    """

    name: str

    def run(self, topic: str, events: int) -> Run:
        """Runs it over all that the topic holds, from the beginning."""


class Pharmacy:
    """The main job: the packaged configuration, or the spine's."""

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        spine: bool = False,
        runner: str = "DirectRunner",
        flags: Sequence[str] = (),
    ) -> None:
        self.name = name
        self._place = place
        path = str(SPINE) if spine else None
        names = [each.dataset for each in load_config(path).topics]
        self._key = f"topics.{names.index('dispense_event')}.topic"
        self._flags = [f"--runner={runner}", *flags, *([f"--config={path}"] if path else [])]
        self.last_root = ""

    def run(self, topic: str, events: int) -> Run:
        """Runs it on a new lake, which ``last_root`` names."""
        self.last_root = f"s3://{self._place.new_root()}"
        command = [
            *(sys.executable, "-m", "beam_pipelines.pharmacy", "--mode=drain"),
            f"--kafka_bootstrap_servers={self._place.servers}",
            f"--lake_root={self.last_root}",
            f"--set={self._key}={topic}",
            *self._flags,
        ]
        return run(command, self._place.env, events)


class Spark:
    """The Spark Structured Streaming job; see ``spark_streaming``."""

    name = "Spark Structured Streaming, local[2]"

    def __init__(self, place: Place, topic: str) -> None:
        # Imported here: the rest of the benchmark needs none of the extra ``bench``.
        from tests.benchmarks.spark_streaming.spec import Servers, make_spec, without

        self._place = place
        s3 = {
            "endpoint": place.store.endpoint_url or "",
            "access_key": place.env["AWS_ACCESS_KEY_ID"],
            "secret_key": place.env["AWS_SECRET_ACCESS_KEY"],
        }
        spec = make_spec(load_config(None), Servers(kafka=place.servers, s3=s3))
        self._spec = spec
        probed = self._answer(self._run(0, topic=topic, probe=True))
        self._spec = without(spec, probed["refused"])

    @property
    def share(self) -> str:
        """Which of the rules and derived columns Spark can say."""
        said = len(self._spec["rules"]) + len(self._spec["columns"])
        unsaid = self._spec["unsaid"]
        left_out = f", without {', '.join(unsaid)}" if unsaid else ""
        return f"{said} of {said + len(unsaid)} rules and derived columns{left_out}"

    def run(self, topic: str, events: int) -> Run:
        """Runs it into a new folder on S3.

        Raises:
            RuntimeError: It did not read all events.
        """
        root = self._place.new_root()
        checkpoint = self._place.folder / root.rpartition("/")[2]
        done = self._run(events, topic=topic, out=f"s3a://{root}", checkpoint=str(checkpoint))
        return _checked(done, self._answer(done))

    def _run(self, events: int, **spec: Any) -> Run:
        from tests.benchmarks.spark_streaming.spec import write_spec

        path = write_spec(self._place.folder / "spark.json", self._spec, **spec)
        command = [sys.executable, "-m", "tests.benchmarks.spark_streaming", str(path)]
        return run(command, {}, events)

    def _answer(self, done: Run) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(done.said.splitlines()[-1])
        return answer


class PerRecord:
    """The per-record Beam pipeline; see ``per_record``."""

    name = "per-record Beam Python"

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, topic: str, events: int) -> Run:
        """Runs it into a new folder on S3.

        Raises:
            RuntimeError: It did not read all events.
        """
        env = self._place.env
        command = [
            *(sys.executable, "-m", "tests.benchmarks.per_record"),
            f"--servers={self._place.servers}",
            f"--topic={topic}",
            f"--out=s3://{self._place.new_root()}/part",
            f"--s3_endpoint_url={env['AWS_ENDPOINT_URL_S3']}",
            f"--s3_access_key_id={env['AWS_ACCESS_KEY_ID']}",
            f"--s3_secret_access_key={env['AWS_SECRET_ACCESS_KEY']}",
            f"--s3_region_name={env['AWS_REGION']}",
        ]
        done = run(command, {}, events)
        return _checked(done, json.loads(done.said.splitlines()[-1]))


def _checked(done: Run, answer: dict[str, Any]) -> Run:
    if answer["rows"] != done.events:
        raise RuntimeError(f"{answer['rows']} of {done.events} events were read")
    return done
