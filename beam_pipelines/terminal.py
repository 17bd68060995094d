"""Where the commands show things."""

from rich.console import Console

#: Wide enough for every table; rich assumes 80 columns where there is no terminal to ask.
_WIDTH = 140


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Returns a console on standard output or error, wide enough for tables in a file too."""
    made = Console(stderr=stderr, quiet=quiet, highlight=False)
    return (
        made
        if made.is_terminal
        else Console(stderr=stderr, quiet=quiet, highlight=False, width=_WIDTH)
    )
