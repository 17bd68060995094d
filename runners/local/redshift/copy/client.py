"""The S3 server as COPY sees it; the only place that knows boto3."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
        try:
            return int(self._call("head_object", url)["ContentLength"])
        except FileNotFoundError:
            return None

    def read(self, url: str) -> bytes:
        """Returns a small object.

        Raises:
            FileNotFoundError: there is none.
        """
        body: bytes = self._call("get_object", url)["Body"].read()
        return body

    @contextmanager
    def spooled(self, url: str) -> Iterator[Path]:
        """Gives an object as a file that is gone afterwards.

        Raises:
            FileNotFoundError: there is no such object.
        """
        with tempfile.NamedTemporaryFile(prefix="redshift-copy-") as file:
            body = self._call("get_object", url)["Body"]
            try:
                for chunk in body.iter_chunks(_CHUNK):
                    file.write(chunk)
            except BotoCoreError as failure:
                raise _failed(failure) from None
            file.flush()
            yield Path(file.name)

    def _call(self, method: str, url: str) -> Any:
        bucket, key = _parts(url)
        try:
            return getattr(self._client, method)(Bucket=bucket, Key=key)
        except ClientError as failure:
            if failure.response["Error"]["Code"] in ("404", "NoSuchKey", "NoSuchBucket"):
                raise FileNotFoundError(url) from None
            raise _failed(failure) from None
        except BotoCoreError as failure:
            raise _failed(failure) from None


def _parts(url: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise SqlError("XX000", f"The specified S3 address {url!r} is not valid")
    return match.group(1), match.group(2)


def _failed(failure: Exception) -> SqlError:
    reason = type(failure).__name__
    if isinstance(failure, ClientError):
        reason = str(failure.response["Error"]["Code"])
    return SqlError("XX000", f"S3ServiceException: {reason}")
