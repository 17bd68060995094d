"""Which parts of a benchmark are asked for."""

import argparse
from collections.abc import Collection, Sequence


def parts_of(
    parser: argparse.ArgumentParser, parts: Sequence[str], note: str = ""
) -> tuple[argparse.Namespace, Collection[str]]:
    """Parses the command line; returns it, and the parts that it names, all by default.

    Args:
        parser: With all other flags.
        parts: Those that there are.
        note: What the help says of them besides.
    """
    text = f"of {', '.join(parts)}; all by default{note}"
    parser.add_argument("parts", nargs="*", metavar="PART", help=text)
    given = parser.parse_args()
    if unknown := set(given.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return given, given.parts or parts
