"""The S3 server as COPY sees it; the only place that knows boto3."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from runners.local.redshift.errors import SqlError

__all__ = ["Store"]

_ADDRESS = re.compile(r"s3://([^/]+)/(.*)", re.DOTALL)
_CHUNK = 1 << 20


class Store:
    """Objects of an S3 server by their ``s3://`` addresses.

    Args:
        settings: arguments of a boto3 client: ``endpoint_url`` and the credentials.

    Every method raises `SqlError` if the server doesn't answer or refuses.
    """

    def __init__(self, settings: dict[str, str]) -> None:
        config = Config(retries={"total_max_attempts": 3}, connect_timeout=3, read_timeout=30)
        self._client = boto3.session.Session().client("s3", config=config, **settings)

    def size(self, url: str) -> int | None:
        """Returns an object's bytes, None if there is no such object."""
        with suppress(FileNotFoundError), _told(url):
            return int(self._call("head_object", url)["ContentLength"])
        return None

    def read(self, url: str) -> bytes:
        """Returns a small object.

        Raises:
            FileNotFoundError: there is none.
        """
        with _told(url):
            body: bytes = self._call("get_object", url)["Body"].read()
            return body

    @contextmanager
    def spooled(self, url: str) -> Iterator[Path]:
        """Gives an object as a file that is gone afterwards.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with tempfile.NamedTemporaryFile(prefix="redshift-copy-") as file:
            with _told(url):
                for chunk in self._call("get_object", url)["Body"].iter_chunks(_CHUNK):
                    file.write(chunk)
            file.flush()
            yield Path(file.name)

    def _call(self, method: str, url: str) -> Any:
        match = _ADDRESS.fullmatch(url)
        if match is None:
            raise SqlError("XX000", f"The specified S3 address {url!r} is not valid")
        return getattr(self._client, method)(Bucket=match.group(1), Key=match.group(2))


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turns what boto3 raises into the errors of `Store`."""
    try:
        yield
    except (BotoCoreError, ClientError) as failure:
        reason = type(failure).__name__
        if isinstance(failure, ClientError):
            reason = str(failure.response["Error"]["Code"])
        if reason in ("404", "NoSuchKey", "NoSuchBucket"):
            raise FileNotFoundError(url) from None
        raise SqlError("XX000", f"S3ServiceException: {reason}") from None
