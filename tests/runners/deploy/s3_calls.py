"""What a command really asks S3 for, taken down between it and the server."""

import re
import socket
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

from tests.faults.http_wire import Message
from tests.faults.s3_proxy import S3Proxy
from tests.runners.deploy.iam import VALUES, Call

#: Methods and the query's keys that matter -> the action; from S3's API reference, "Permissions".
_ON_OBJECTS: Final = {
    ("GET", ""): "s3:GetObject",
    ("HEAD", ""): "s3:GetObject",
    ("PUT", ""): "s3:PutObject",
    ("DELETE", ""): "s3:DeleteObject",
    ("DELETE", "uploadId"): "s3:AbortMultipartUpload",
}
_ON_BUCKETS: Final = {
    ("GET", "list-type"): "s3:ListBucket",
    ("HEAD", ""): "s3:ListBucket",
    ("GET", "uploads"): "s3:ListBucketMultipartUploads",
}
_TELLING: Final = ("uploadId", "uploads", "list-type", "delete")


class Recorder(S3Proxy):
    """A proxy that writes down each request as the calls that IAM judges.

    Args:
        port: Of the S3 server on the loopback address.
        root: The lake's address, which becomes that of the policies' templates.

    Attributes:
        calls: What was asked for.
        unknown: Requests for which we know no action.
        written: What was put, by ARN.
    """

    def __init__(self, port: int, root: str) -> None:
        super().__init__(port)
        bucket, _, prefix = root.removeprefix("s3://").partition("/")
        self._lake = f"{bucket}/{prefix}/"
        self.calls: set[Call] = set()
        self.unknown: set[str] = set()
        self.written: dict[str, bytes] = {}

    def _handle(self, client: socket.socket, request: Message) -> None:
        found = list(self._calls_of(request))
        self.calls.update(found)
        self.written.update((c.resource, request.body) for c in found if c.action == "s3:PutObject")
        if not found:
            self.unknown.add(request.start)
        super()._handle(client, request)

    def _calls_of(self, request: Message) -> Iterator[Call]:
        method, target, _ = request.start.split(" ", 2)
        path, _, query = target.partition("?")
        bucket, _, key = unquote(path).lstrip("/").partition("/")
        asked = parse_qs(query, keep_blank_values=True)
        telling = next((name for name in _TELLING if name in asked), "")
        if (method, telling) == ("POST", "delete"):
            for each in _deleted(request.body):
                yield self._call("s3:DeleteObject", f"{bucket}/{each}", {})
        elif key and (action := _ON_OBJECTS.get((method, telling))):
            yield self._call(action, f"{bucket}/{key}", _context(request.headers))
        elif not key and (action := _ON_BUCKETS.get((method, telling))):
            below = self._moved(f"{bucket}/{asked.get('prefix', [''])[0]}").partition("/")[2]
            context = {"s3:prefix": below} if below and action == "s3:ListBucket" else {}
            yield Call(action, f"arn:aws:s3:::{VALUES['LAKE_BUCKET']}", context)

    def _call(self, action: str, place: str, context: Mapping[str, str]) -> Call:
        return Call(action, f"arn:aws:s3:::{self._moved(place)}", context)

    def _moved(self, place: str) -> str:
        """Returns a place of the lake as one of the templates' lake; another one as it is."""
        if not place.startswith(self._lake):
            return place
        return f"{VALUES['LAKE_BUCKET']}/{VALUES['LAKE_PREFIX']}/{place[len(self._lake) :]}"


def _context(headers: Mapping[str, str]) -> dict[str, str]:
    return {"s3:if-none-match": headers["if-none-match"]} if "if-none-match" in headers else {}


def _deleted(body: bytes) -> list[str]:
    """Returns the keys of a request of many deletions, whose body may come in chunks."""
    text = re.search(rb"<(?:\?xml|Delete).*</Delete>", body, re.DOTALL)
    assert text is not None, body[:200]
    return [str(found.text) for found in ElementTree.fromstring(text[0]).iter() if _is_key(found)]


def _is_key(found: ElementTree.Element) -> bool:
    return found.tag.rpartition("}")[2] == "Key"
