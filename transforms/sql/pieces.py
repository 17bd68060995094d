"""Pieces of SQL that are put around names and checked expressions."""


def quoted(name: str) -> str:
    """Returns a name as an identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def bracketed(sql: str) -> str:
    """Returns an expression in brackets."""
    # The line feed ends a comment that the expression may end with.
    return f"({sql}\n)"


def tried(sql: str) -> str:
    """Returns an expression that is null where the given one fails."""
    return f"TRY({bracketed(sql)})"


def failed(sql: str) -> str:
    """Returns an expression that is true where the given one fails, and false elsewhere."""
    # IS NULL is never null itself: a null can only come of a failure.
    return f"(TRY({bracketed(sql)} IS NULL) IS NULL)"
