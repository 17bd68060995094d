"""S3, and only S3: the one module of the lake that knows boto3.

Every exactly-once decision is one conditional PutObject on a small new key (``create``). botocore's
own retries are off: it would send a PUT again whose first try took effect, and report the 412 that
the second meets, so that the caller could not tell a win from a loss.
"""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

import boto3
import botocore.config
import botocore.exceptions
import urllib3.exceptions

from transforms.errors import (
    ConfigurationError,
    ObjectConflictError,
    ObjectExistsError,
    ObjectMissingError,
    OutcomeUnknownError,
    PipelineError,
    RefusedError,
    StoreUnavailableError,
)
from transforms.lake.patience import patiently
from transforms.lake.settings import StoreSettings, split_root

T = TypeVar("T")

#: How S3 answers, by its error code or HTTP status; anything else is a 4xx that won't change.
ERRORS: Final[Mapping[str, type[PipelineError]]] = {
    "PreconditionFailed": ObjectExistsError,
    "412": ObjectExistsError,
    "ConditionalRequestConflict": ObjectConflictError,
    "409": ObjectConflictError,
    "NoSuchKey": ObjectMissingError,
    "NotFound": ObjectMissingError,
    "404": ObjectMissingError,
    "SlowDown": StoreUnavailableError,
    # 400s of a request that was damaged or broke off on its way: the next one may come through.
    "BadDigest": StoreUnavailableError,
    "IncompleteBody": StoreUnavailableError,
    "RequestTimeout": StoreUnavailableError,
    "XAmzContentSHA256Mismatch": StoreUnavailableError,
    "NoSuchBucket": ConfigurationError,
    "InvalidBucketName": ConfigurationError,
    "AccessDenied": ConfigurationError,
    "InvalidAccessKeyId": ConfigurationError,
    "SignatureDoesNotMatch": ConfigurationError,
    "AuthorizationHeaderMalformed": ConfigurationError,
    "403": ConfigurationError,
    "301": ConfigurationError,
    "400": ConfigurationError,
}

#: What a call may raise. botocore lets urllib3's own errors through where the reply's body breaks
#: off, unless the body is a stream.
FAILURES: Final = (
    botocore.exceptions.ClientError,
    botocore.exceptions.BotoCoreError,
    urllib3.exceptions.HTTPError,
)


@dataclass(frozen=True)
class ObjectInfo:
    """A key below the lake's root, and its size in bytes."""

    key: str
    size: int


class ObjectStore:
    """The objects below one ``s3://bucket/prefix``; keys are relative to it.

    Guarantees: ``create`` is atomic and create-only. Every other call may be repeated.
    """

    def __init__(
        self,
        root: str,
        settings: StoreSettings | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root.rstrip("/")
        self.settings = settings or StoreSettings()
        self._bucket, self._prefix = split_root(self.root)
        self._sleep = sleep
        self._monotonic = monotonic
        self._client_made: Any = None
        self._client_pid = 0

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket

    def resolved(self) -> StoreSettings:
        """Returns the settings with what the AWS environment adds, for other S3 clients."""
        session = _session(self.settings)
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found else None
        return replace(
            self.settings,
            endpoint_url=self._client.meta.endpoint_url if self._has_own_endpoint() else None,
            region=session.region_name,
            access_key_id=frozen.access_key if frozen else None,
            secret_access_key=frozen.secret_key if frozen else None,
            session_token=frozen.token if frozen else None,
        )

    def _has_own_endpoint(self) -> bool:
        return not str(self._client.meta.endpoint_url).endswith(".amazonaws.com")

    def path(self, key: str) -> str:
        """Returns ``bucket/key`` as Arrow's file systems write it."""
        return f"{self._bucket}/{self._prefix}{key}"

    def put(self, key: str, body: bytes) -> None:
        """Stores an object whose name comes from its content; repeated until it is durable.

        The body's SHA-256 travels along, so the server refuses a body damaged on the way.

        Raises:
            RetryableError: The outage outlasted ``patience_s``.
        """
        self.patiently(lambda: self._put(key, body))

    def create(self, key: str, body: bytes) -> None:
        """Stores an object only if the key is free, in one attempt.

        Raises:
            ObjectExistsError: The key is taken (412), perhaps by an earlier attempt of one's own.
            ObjectConflictError: Another conditional request is under way (409).
            OutcomeUnknownError: No usable answer: the PUT may land, even later.
        """
        self._put(key, body, IfNoneMatch="*")

    def get(self, key: str) -> bytes:
        """Returns an object's bytes.

        Raises:
            ObjectMissingError: There is none.
        """
        return self.patiently(lambda: self._get(key))

    def find(self, key: str) -> bytes | None:
        """Returns an object's bytes, or None if there is none."""
        try:
            return self.get(key)
        except ObjectMissingError:
            return None

    def size(self, key: str) -> int | None:
        """Returns an object's size in bytes, or None if there is none."""
        try:
            head = self.patiently(lambda: self._call("head_object", Key=self._prefix + key))
        except ObjectMissingError:
            return None
        return int(head["ContentLength"])

    def walk(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yields all objects below a prefix; their order means nothing."""
        for item in self._items(prefix):
            yield ObjectInfo(item["Key"][len(self._prefix) :], int(item["Size"]))

    def stored(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Yields the key of each object below a prefix and when it was stored, by S3's clock."""
        for item in self._items(prefix):
            yield item["Key"][len(self._prefix) :], item["LastModified"]

    def _items(self, prefix: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._page(prefix, token)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def folders(self, prefix: str) -> list[str]:
        """Returns the names directly below a prefix that have keys below them."""
        names: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self._page(prefix, token, Delimiter="/")
            for item in page.get("CommonPrefixes", ()):
                names.append(item["Prefix"][len(self._prefix) + len(prefix) : -1])
            if not page.get("IsTruncated"):
                return sorted(names)
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects; those already gone are no error."""
        for at in range(0, len(keys), 1000):  # S3's limit per request
            listed = [{"Key": self._prefix + key} for key in keys[at : at + 1000]]
            request = {"Objects": listed, "Quiet": True}
            answer = self.patiently(partial(self._call, "delete_objects", Delete=request))
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise StoreUnavailableError(
                    f"{len(answer['Errors'])} objects were not deleted ({first.get('Code')})",
                    "Check the permission s3:DeleteObject and run again",
                )

    def unfinished_uploads(self, prefix: str) -> list[tuple[str, str]]:
        """Returns ``(key, upload id)`` of the multipart uploads that nobody completed."""
        found: list[tuple[str, str]] = []
        marks: dict[str, str] = {}
        while True:
            list_page = partial(
                self._call, "list_multipart_uploads", Prefix=self._prefix + prefix, **marks
            )
            page = self.patiently(list_page)
            found.extend(
                (item["Key"][len(self._prefix) :], item["UploadId"])
                for item in page.get("Uploads", ())
            )
            if not page.get("IsTruncated"):
                return found
            names = ("KeyMarker", "UploadIdMarker")
            marks = {name: page[f"Next{name}"] for name in names if page.get(f"Next{name}")}

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Frees the parts of an unfinished multipart upload."""
        self.patiently(
            lambda: self._call("abort_multipart_upload", Key=self._prefix + key, UploadId=upload_id)
        )

    def check_reachable(self) -> None:
        """Checks address, credentials and bucket with one short try.

        Raises:
            RefusedError: Says which of them is wrong.
        """
        try:
            self._call("list_objects_v2", Prefix=self._prefix, MaxKeys=1)
        except ConfigurationError:
            raise
        except PipelineError as error:
            raise RefusedError(
                f"the object store of {self.root} can't be reached ({error.what})",
                "Check --s3_endpoint_url or AWS_ENDPOINT_URL_S3, and that the server is up",
            ) from error

    def patiently(self, call: Callable[[], T]) -> T:
        """Repeats a call that may safely be repeated; see ``transforms.lake.patience``."""
        return patiently(call, self.settings.patience_s, self._sleep, self._monotonic)

    def _page(self, prefix: str, token: Mapping[str, str], **extra: str) -> dict[str, Any]:
        return self.patiently(
            lambda: self._call("list_objects_v2", Prefix=self._prefix + prefix, **token, **extra)
        )

    def _put(self, key: str, body: bytes, **condition: str) -> None:
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        sse = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.settings.kms_key_id}
            if self.settings.kms_key_id
            else {}
        )
        self._call(
            "put_object",
            Key=self._prefix + key,
            Body=body,
            ChecksumSHA256=checksum,
            **sse,
            **condition,
        )

    def _get(self, key: str) -> bytes:
        answer = self._call("get_object", Key=self._prefix + key)
        try:
            body: bytes = answer["Body"].read()
        except FAILURES as error:
            raise StoreUnavailableError(f"the read of {key} broke off") from error
        return body

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(
                Bucket=self._bucket, **arguments
            )
        except FAILURES as error:
            raise translated(error, operation, self._bucket) from error
        return answer

    @property
    def _client(self) -> Any:
        # A client's sockets must not be shared over a fork.
        if self._client_made is None or self._client_pid != os.getpid():
            self._client_made, self._client_pid = _shared_client(self.settings), os.getpid()
        return self._client_made

    def __getstate__(self) -> dict[str, Any]:
        """Clients stay behind: each worker makes its own."""
        return {"root": self.root, "settings": self.settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"], state["settings"])  # type: ignore[misc]


def translated(error: Exception, operation: str, bucket: str) -> PipelineError:
    """Maps an error of the SDK to one of ours.

    A PUT without an answer has an unknown outcome; so has a 5xx, whatever its text says.
    """
    if isinstance(error, botocore.exceptions.NoCredentialsError):
        return ConfigurationError("there are no AWS credentials", "Set AWS_ACCESS_KEY_ID or a role")
    if isinstance(error, botocore.exceptions.NoRegionError):
        return ConfigurationError("no AWS region is set", "Set AWS_REGION or --s3_region_name")
    code, status = _code_and_status(error)
    what = f"S3 {operation} on bucket {bucket}: {code}"
    kind = ERRORS.get(code) or (ERRORS.get(str(status)) if status < 500 else None)
    if kind is ConfigurationError:
        return ConfigurationError(what, "Check the bucket's name, credentials and permissions")
    if kind is not None and kind is not StoreUnavailableError:
        return kind(what)
    if operation == "put_object":
        return OutcomeUnknownError(what)
    return StoreUnavailableError(what)


def _code_and_status(error: Exception) -> tuple[str, int]:
    if not isinstance(error, botocore.exceptions.ClientError):
        return type(error).__name__, 599
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 599))
    return str(error.response.get("Error", {}).get("Code") or status), status


_clients: dict[tuple[Any, ...], Any] = {}
_clients_lock = threading.Lock()


def _shared_client(settings: StoreSettings) -> Any:
    """Returns this process's client of these settings; clients may be used by many threads.

    Making one takes 0.1 s of CPU, most of it for botocore's models, and a run has five stores.
    """
    aws = sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
    key = (os.getpid(), settings, *aws)
    with _clients_lock:
        if key not in _clients:
            _clients[key] = _new_client(settings)
        return _clients[key]


def _new_client(settings: StoreSettings) -> Any:
    config = botocore.config.Config(
        retries={"total_max_attempts": 1},
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        max_pool_connections=16,
        # Each PUT carries the SHA-256 that we have computed anyway.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return _session(settings).client(
        "s3", endpoint_url=settings.endpoint_url, verify=settings.verify, config=config
    )


def _session(settings: StoreSettings) -> Any:
    return boto3.session.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=settings.secret_access_key,
        aws_session_token=settings.session_token,
        # boto3 itself reads AWS_DEFAULT_REGION only; every other AWS tool takes AWS_REGION too.
        region_name=settings.region or os.environ.get("AWS_REGION"),
    )
