"""What sessions send to the warehouse: looked at, or changed on its way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from transforms.redshift import Session

#: ``change(run, sql, *more)`` stands for ``run(sql, *more)``.
Change = Callable[..., Any]
Connect = Callable[[], Session]


@contextmanager
def recorded() -> Iterator[list[str]]:
    """All statements that sessions send within the block, from their logins on."""
    sent: list[str] = []
    run = Session._run

    def recording(self: Session, sql: str, *more: Any) -> Any:
        sent.append(sql)
        return run(self, sql, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_run", recording)
        yield sent


def changed(session: Session, change: Change) -> Session:
    """A session all of whose statements are changed."""
    run = session._run
    session._run = lambda sql, *more: change(run, sql, *more)  # type: ignore[method-assign]
    return session


def hooked(session: Session, hook: Callable[[str], object]) -> Session:
    """A session that calls a hook before each statement."""
    return changed(session, _calling(hook))


def first_changed(connect: Connect, change: Change) -> Connect:
    """Connects; the first session is changed, and no later one."""
    made: list[Session] = []

    def connected() -> Session:
        made.append(connect())
        return changed(made[0], change) if len(made) == 1 else made[-1]

    return connected


def first_hooked(connect: Connect, hook: Callable[[str], object]) -> Connect:
    """Connects; the first session calls a hook before each statement."""
    return first_changed(connect, _calling(hook))


def _calling(hook: Callable[[str], object]) -> Change:
    def change(run: Callable[..., Any], sql: str, *more: Any) -> Any:
        hook(sql)
        return run(sql, *more)

    return change
