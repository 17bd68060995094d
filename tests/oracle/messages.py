"""A message as a consumer sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message and its place; `headers` in their order."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
