"""What a client is told instead of success, as Redshift would say it."""

__all__ = ["SqlError", "refused"]


class SqlError(Exception):
    """An error with its SQLSTATE.

    Args:
        code: five characters.
        message: one line.
        detail: further lines.
    """

    def __init__(self, code: str, message: str, detail: str = "") -> None:
        super().__init__(code, message, detail)
        self.code = code
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code} {self.message}"


def refused(what: str, code: str = "0A000") -> SqlError:
    """Returns the error for what the stand-in can't do, or Redshift doesn't have."""
    return SqlError(code, f"stand-in: {what}")
