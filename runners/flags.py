"""Read a user's Beam flags, and name those that a preset adds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Flags", "Mode", "Setting"]

#: ``drain`` reads to an end and stops; ``stream`` goes on.
Mode = Literal["drain", "stream"]


class Flags:
    """The flags of a command line, by name: ``--name=value``, ``--name value`` or ``--name``.

    As with argparse, the last value of a repeated flag counts.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = tuple(argv)
        self._last = {name: value for name, value, _ in self._scan()}

    def get(self, name: str) -> str | None:
        """Returns the value, empty for a bare switch; None if the flag isn't there."""
        return self._last.get(name)

    def all(self, name: str) -> list[str]:
        """Returns the values of a flag that may be repeated, in order."""
        return [value for found, value, _ in self._scan() if found == name]

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def without(self, *names: str) -> list[str]:
        """Returns the arguments without those flags and their values."""
        dropped = {index for name, _, indexes in self._scan() if name in names for index in indexes}
        return [word for index, word in enumerate(self._argv) if index not in dropped]

    def _scan(self) -> list[tuple[str, str, tuple[int, ...]]]:
        """Returns name, value and positions of each flag."""
        found: list[tuple[str, str, tuple[int, ...]]] = []
        for index, word in enumerate(self._argv):
            if not word.startswith("--"):
                continue
            name, equals, value = word[2:].partition("=")
            follower = self._argv[index + 1] if index + 1 < len(self._argv) else "--"
            if equals or follower.startswith("--"):
                found.append((name, value, (index,)))
            else:
                found.append((name, follower, (index, index + 1)))
        return found


@dataclass(frozen=True)
class Setting:
    """A flag that a preset adds.

    Attributes:
        flag: its name, without dashes.
        value: its value, empty for a switch.
    """

    flag: str
    value: str = ""

    def __str__(self) -> str:
        return f"--{self.flag}={self.value}" if self.value else f"--{self.flag}"
