"""Faults that a test arms: the moments that a claim of "exactly once" is about."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from runners.local.redshift.errors import SqlError

__all__ = ["Action", "Fault", "Faults"]

Action = Literal["error", "drop_before", "drop_after", "delay", "freeze"]


@dataclass(kw_only=True)
class Fault:
    """What happens to the next statements that look like this.

    Attributes:
        match: a regular expression, searched in the statement as the client wrote it, regardless
            of case; ``^copy`` or ``^commit``, for instance.
        action: ``error`` answers with an error and aborts the transaction; ``drop_before`` closes
            the connection and the statement has no effect; ``drop_after`` closes it when the
            statement has taken effect, without an answer; ``delay`` waits ``seconds`` first;
            ``freeze`` waits until the faults are cleared.
        times: how often; then it is over.
        code: SQLSTATE of ``error``.
        message: text of ``error``.
        detail: further text of ``error``.
        seconds: length of ``delay``.
    """

    match: str
    action: Action
    times: int = 1
    code: str = "XX000"
    message: str = "1023"
    detail: str = "Serializable isolation violation on table - 0, transactions forming the cycle"
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.action not in get_args(Action):
            raise ValueError(f"field action must be one of {get_args(Action)}")
        re.compile(self.match)  # A bad one fails here, not in a client's session.

    def error(self) -> SqlError:
        """Returns the error of action ``error``."""
        return SqlError(self.code, self.message, self.detail)


class Faults:
    """The armed faults, and whether connections are refused.

    Args:
        drop_all: closes all connections.
    """

    def __init__(self, drop_all: Callable[[], None]) -> None:
        self._armed: list[Fault] = []
        self._cleared = asyncio.Event()
        self._drop_all = drop_all
        self.refusing = False
        self.fired = 0

    def next(self, sql: str) -> Fault | None:
        """Returns the fault that a statement runs into, and counts it."""
        for fault in self._armed:
            if re.search(fault.match, sql, re.IGNORECASE):
                fault.times -= 1
                self.fired += 1
                self._armed = [each for each in self._armed if each.times > 0]
                return fault
        return None

    async def pause(self, fault: Fault) -> None:
        """Waits as ``delay`` and ``freeze`` say."""
        if fault.action == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.action == "freeze":
            await self._cleared.wait()

    def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a control connection asks for.

        Requests: ``{"do": "arm", ...fields of Fault}``, ``{"do": "clear"}``,
        ``{"do": "refuse", "on": true}``, ``{"do": "drop"}``, ``{"do": "state"}``.
        """
        do = request.pop("do")
        if do == "arm":
            self._armed.append(Fault(**request))
            self._cleared = asyncio.Event()
        elif do == "clear":
            self._armed.clear()
            self.refusing = False
            self._cleared.set()
        elif do == "refuse":
            self.refusing = bool(request["on"])
        elif do == "drop":
            self._drop_all()
        return {"armed": len(self._armed), "fired": self.fired, "refusing": self.refusing}
