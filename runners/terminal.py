"""What this package's commands have in common: their answers, and one line for what is wrong."""

import argparse
import sys
from typing import Any, NoReturn

__all__ = ["Parser", "complain", "say"]


class Parser(argparse.ArgumentParser):
    """Reports bad input on one line, and exits with 2; flags must be given in full.

    Args:
        options: argparse's own; ``prog`` is ``python -m MODULE``.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Exits, after a line on what is wrong."""
        module = self.prog.removeprefix("python -m ").partition(" ")[0]
        complain(module, f"{message} (see --help)")
        sys.exit(2)


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201


def complain(module: str, text: str) -> None:
    """Prints what is wrong on standard error, after the name of the command."""
    print(f"{module}: {text}", file=sys.stderr, flush=True)  # noqa: T201
