"""Faults that can befall a request, the rules that choose the request, and the record of it."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """Answers with an S3 error; the server gets nothing."""

    status: int
    code: str | None = None


@dataclass(frozen=True)
class Reset:
    """Resets the connection, before the server gets the request or after it has answered it."""

    after_effect: bool = False


@dataclass(frozen=True)
class Hang:
    """Says nothing for ``seconds``, then closes; before the effect or after it."""

    seconds: float
    after_effect: bool = False


@dataclass(frozen=True)
class Delay:
    """Forwards the request ``seconds`` later, and the answer as usual."""

    seconds: float


@dataclass(frozen=True)
class Late:
    """Resets the connection at once; the request takes effect ``seconds`` later.

    None: when the test calls `S3Proxy.land`.
    """

    seconds: float | None


@dataclass(frozen=True)
class Cut:
    """Sends the server this share of the body, then resets both connections."""

    share: float = 0.5


@dataclass(frozen=True)
class CutReply:
    """Forwards the request and this share of the answer's body, then resets the connection."""

    share: float = 0.5


@dataclass(frozen=True)
class Slow:
    """Sends the server the body at this rate, in bytes per second."""

    rate: float


Action = Status | Reset | Hang | Delay | Late | Cut | CutReply | Slow


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request whose outcome is settled.

    Attributes:
        method: as in ``PUT``.
        bucket: first part of the path.
        key: the rest, decoded.
        query: raw query string.
        status: status that the client was sent, None if it was sent none.
        server_status: status that the server gave, None if it gave none.
        action: fault applied, if any.
    """

    method: str
    bucket: str
    key: str
    query: str
    status: int | None = None
    server_status: int | None = None
    action: Action | None = None


@dataclass(kw_only=True)
class Rule:
    """A fault and the requests it befalls: from the nth match on, ``count`` times."""

    action: Action
    method: str
    key: re.Pattern[str]
    query: re.Pattern[str]
    nth: int
    count: float
    matched: int = 0
    applied: int = 0

    def takes(self, method: str, key: str, query: str) -> bool:
        """Counts the request if it matches; tells whether the fault befalls it."""
        fits = self.method in ("*", method) and self.key.search(key) and self.query.search(query)
        if not fits:
            return False
        self.matched += 1
        due = self.nth <= self.matched < self.nth + self.count
        self.applied += due
        return due
