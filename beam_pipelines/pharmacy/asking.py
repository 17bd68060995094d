"""Asking the warehouse again and again, whatever becomes of the connection."""

from collections.abc import Callable
from typing import TypeVar

from transforms.errors import RetryableError
from transforms.redshift import Session

T = TypeVar("T")


class Asker:
    """One session, made anew when it was cut.

    Args:
        connect: Makes a session: one of its own, since loads have theirs.
    """

    def __init__(self, connect: Callable[[], Session]) -> None:
        self._connect = connect
        self._session: Session | None = None

    def ask(self, question: Callable[[Session], T]) -> T:
        """Returns the answer to a question.

        Raises:
            PipelineError: There is none now.
        """
        if self._session is not None:
            try:
                return question(self._session)
            except RetryableError:
                self.close()  # It was cut meanwhile; a new one tells whether that is over.
        self._session = self._connect()
        return question(self._session)

    def close(self) -> None:
        """Leaves the warehouse."""
        if self._session is not None:
            self._session.close()
            self._session = None
