"""What a client is told instead of success, as Redshift would say it."""

from collections.abc import Mapping

__all__ = ["SqlError", "refused"]


class SqlError(Exception):
    """An error with its SQLSTATE.

    Args:
        code: five characters.
        message: one line.
        detail: further lines.
        record: what goes to ``stl_load_errors`` besides the message, by column.
    """

    def __init__(
        self, code: str, message: str, detail: str = "", record: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(code, message, detail, record)
        self.code = code
        self.message = message
        self.detail = detail
        self.record = record

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


def refused(what: str, code: str = "0A000") -> SqlError:
    """Returns the error for what the stand-in can't do, or Redshift doesn't have."""
    return SqlError(code, f"stand-in: {what}")
