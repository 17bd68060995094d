"""An S3 in memory, with faults, behind the real ``ObjectStore``.

Only the one method that calls boto3 is replaced, so a test runs the store's own paging, batching,
translation and patience. Time is the store's own: sleeping costs nothing.

    bucket = FakeBucket()
    store = bucket.store()                 # one per process that a test plays
    store.fail(Fault.LOST_REPLY, "put_object", key="_commits/")
"""

# ruff: noqa: N803 - boto3's own argument names

import base64
import contextlib
import hashlib
import io
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Final

from transforms.errors import (
    ConfigurationError,
    ObjectConflictError,
    ObjectExistsError,
    ObjectMissingError,
    OutcomeUnknownError,
    PipelineError,
    StoreUnavailableError,
)
from transforms.lake import ObjectStore, StoreSettings

#: Small, so that every test of more than a few keys pages.
PAGE = 7
#: When the bucket's first object is stored; each later one is stored a second after the one before.
BIRTH: Final = datetime(2026, 2, 1, tzinfo=UTC)


class Fault(Enum):
    """What goes wrong with a call."""

    EXISTS = auto()  # 412 and no effect: as if the key were taken
    EXISTS_AFTER_EFFECT = auto()  # 412 to an SDK's own retry of a PUT that had taken effect
    CONFLICT = auto()  # 409 and no effect
    LOST_REQUEST = auto()  # no answer, no effect
    LOST_REPLY = auto()  # no answer, but the effect took place
    LATE_EFFECT = auto()  # no answer; the effect takes place at ``FakeBucket.deliver``
    DENIED = auto()  # 403
    CRASH_BEFORE = auto()  # the process ends before the call leaves it
    CRASH_AFTER = auto()  # the process ends before it sees the answer


class CrashError(BaseException):
    """The end of a process: no ``except Exception`` sees it."""


@dataclass
class FakeBucket:
    """What the processes of a test share: the objects, by full key, and when they were stored."""

    objects: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    uploads: list[tuple[str, str]] = field(default_factory=list)
    late: list[Callable[[], object]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def store(self, root: str = "s3://bucket/lake", patience_s: float = 120.0) -> "FakeObjectStore":
        """Returns a store on this bucket, as one process has it."""
        return FakeObjectStore(self, root, patience_s)

    def deliver(self) -> int:
        """Lets the late PUTs take effect, in the order in which they were sent."""
        with self.lock:
            sent, self.late[:] = list(self.late), []
            for effect in sent:
                with contextlib.suppress(ObjectExistsError):  # Nobody waits for its answer.
                    effect()
            return len(sent)


@dataclass
class _Planned:
    fault: Fault | None
    action: Callable[[], object] | None
    operation: str
    key: str
    skip: int
    times: int

    def meets(self, operation: str, key: str) -> bool:
        """Counts a call that fits; True if this one is to fail."""
        if self.times <= 0 or operation != self.operation or self.key not in key:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class FakeObjectStore(ObjectStore):
    """``ObjectStore`` over a ``FakeBucket``.

    Attributes:
        shared: The bucket.
        calls: Number of calls by operation, boto3's names.
        keys: Each call as ``(operation, key)``, in order.
        now: The store's clock in seconds; only its own pauses move it.
    """

    def __init__(self, shared: FakeBucket, root: str, patience_s: float) -> None:
        self.now = 0.0
        super().__init__(
            root,
            StoreSettings(patience_s=patience_s),
            sleep=self._slept,
            monotonic=lambda: self.now,
        )
        self.shared = shared
        self.calls: Counter[str] = Counter()
        self.keys: list[tuple[str, str]] = []
        self._planned: list[_Planned] = []

    def fail(
        self, fault: Fault, operation: str, *, key: str = "", skip: int = 0, times: int = 1
    ) -> None:
        """Plans a fault.

        Args:
            fault: What goes wrong.
            operation: boto3's name, such as ``put_object``.
            key: Part of the key (or prefix) of the calls meant.
            skip: How many such calls go well first.
            times: How many fail then.
        """
        self._planned.append(_Planned(fault, None, operation, key, skip, times))

    def before(
        self, action: Callable[[], object], operation: str, *, key: str = "", skip: int = 0
    ) -> None:
        """Runs something (another process's step) just before a call; see ``fail``."""
        self._planned.append(_Planned(None, action, operation, key, skip, 1))

    @property
    def content(self) -> dict[str, bytes]:
        """The objects below the root, by key relative to it: a copy."""
        at = len(self._prefix)
        found = self.shared.objects.items()
        return {key[at:]: body for key, body in found if key.startswith(self._prefix)}

    def plant(self, key: str, body: bytes | None) -> None:
        """Sets or (None) removes an object behind the store's back."""
        if body is None:
            del self.shared.objects[self._prefix + key]
        else:
            self.shared.objects[self._prefix + key] = body

    def start_upload(self, key: str, upload_id: str = "upload-1") -> None:
        """Leaves an unfinished multipart upload behind."""
        self.shared.uploads.append((self._prefix + key, upload_id))

    def _slept(self, seconds: float) -> None:
        self.now += seconds

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        key = _key_of(arguments).removeprefix(self._prefix)
        fault = self._next_fault(operation, key)
        if fault is Fault.CRASH_BEFORE:
            raise CrashError(operation)
        if fault in (Fault.EXISTS_AFTER_EFFECT, Fault.LOST_REPLY, Fault.CRASH_AFTER):
            self._take_effect(operation, arguments)
        if fault is Fault.LATE_EFFECT:
            self.shared.late.append(lambda: self._take_effect(operation, arguments))
        if fault is not None:
            raise _raised(fault, operation)
        return self._take_effect(operation, arguments)

    def _next_fault(self, operation: str, key: str) -> Fault | None:
        with self.shared.lock:
            self.calls[operation] += 1
            self.keys.append((operation, key))
            met = [each for each in self._planned if each.meets(operation, key)]
        for each in met:
            if each.action is not None:
                each.action()
        return next((each.fault for each in met if each.fault is not None), None)

    def _take_effect(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        with self.shared.lock:
            answer: dict[str, Any] = getattr(self, f"_{operation}")(**arguments)
            return answer

    def _put_object(
        self, Key: str, Body: bytes, ChecksumSHA256: str, IfNoneMatch: str = "", **_sse: str
    ) -> dict[str, Any]:
        assert base64.b64encode(hashlib.sha256(Body).digest()).decode() == ChecksumSHA256
        if IfNoneMatch and Key in self.shared.objects:
            raise ObjectExistsError(f"S3 put_object on bucket {self.bucket}: PreconditionFailed")
        self.shared.objects[Key] = bytes(Body)
        self.shared.times[Key] = BIRTH + timedelta(seconds=len(self.shared.times))
        return {}

    def _get_object(self, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(self._found(Key))}

    def _head_object(self, Key: str) -> dict[str, Any]:
        return {"ContentLength": len(self._found(Key))}

    def _found(self, key: str) -> bytes:
        if key not in self.shared.objects:
            raise ObjectMissingError(f"S3 get_object on bucket {self.bucket}: NoSuchKey")
        return self.shared.objects[key]

    def _list_objects_v2(
        self,
        Prefix: str,
        Delimiter: str = "",
        ContinuationToken: str = "",
        MaxKeys: int = PAGE,
    ) -> dict[str, Any]:
        below = sorted(key for key in self.shared.objects if key.startswith(Prefix))
        cut = [_folder(key, Prefix, Delimiter) for key in below]
        # A page holds keys and folders in one order; its token is the last of them.
        items = sorted({folder or key for key, folder in zip(below, cut, strict=True)})
        rest = [item for item in items if item > ContinuationToken]
        page, more = rest[:MaxKeys], len(rest) > MaxKeys
        folders = {folder for folder in cut if folder}
        sizes = {key: len(self.shared.objects[key]) for key in page if key not in folders}
        return {
            "Contents": [
                {
                    "Key": key,
                    "Size": size,
                    "LastModified": self.shared.times.get(key, BIRTH),
                }
                for key, size in sizes.items()
            ],
            "CommonPrefixes": [{"Prefix": item} for item in page if item in folders],
            "IsTruncated": more,
            **({"NextContinuationToken": page[-1]} if more else {}),
        }

    def _delete_objects(self, Delete: dict[str, Any]) -> dict[str, Any]:
        assert len(Delete["Objects"]) <= 1000
        for each in Delete["Objects"]:
            self.shared.objects.pop(each["Key"], None)
        return {}

    def _list_multipart_uploads(
        self, Prefix: str, KeyMarker: str = "", UploadIdMarker: str = ""
    ) -> dict[str, Any]:
        found = sorted(each for each in self.shared.uploads if each[0].startswith(Prefix))
        rest = [each for each in found if each > (KeyMarker, UploadIdMarker)]
        page, more = rest[:PAGE], len(rest) > PAGE
        return {
            "Uploads": [{"Key": key, "UploadId": upload} for key, upload in page],
            "IsTruncated": more,
            **({"NextKeyMarker": page[-1][0], "NextUploadIdMarker": page[-1][1]} if more else {}),
        }

    def _abort_multipart_upload(self, Key: str, UploadId: str) -> dict[str, Any]:
        if (Key, UploadId) not in self.shared.uploads:
            raise ObjectMissingError(f"S3 abort_multipart_upload on bucket {self.bucket}: 404")
        self.shared.uploads.remove((Key, UploadId))
        return {}


def _key_of(arguments: dict[str, Any]) -> str:
    named = arguments.get("Key") or arguments.get("Prefix")
    return str(named or arguments["Delete"]["Objects"][0]["Key"])


def _folder(key: str, prefix: str, delimiter: str) -> str:
    name, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
    return f"{prefix}{name}{found}" if found else ""


def _raised(fault: Fault, operation: str) -> BaseException:
    what = f"S3 {operation}: planned {fault.name}"
    if fault is Fault.CRASH_AFTER:
        return CrashError(operation)
    if fault in (Fault.EXISTS, Fault.EXISTS_AFTER_EFFECT):
        return ObjectExistsError(what)
    if fault is Fault.CONFLICT:
        return ObjectConflictError(what)
    if fault is Fault.DENIED:
        return ConfigurationError(what, "Check the permissions")
    # As in transforms.lake.client: only a PUT without an answer has an unknown outcome.
    lost: type[PipelineError] = (
        OutcomeUnknownError if operation == "put_object" else StoreUnavailableError
    )
    return lost(what)
