"""A bounded memory of what was computed for a text: ids come back in later segments."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Computed = TypeVar("Computed")

#: Texts a generation, about 14 MB with the digests. Memory of a worker holds at most two of them
#: per class of field.
GENERATION: Final = 1 << 16


class Remembered(Generic[Computed]):
    """A function of a text, with the latest results at hand. Never pickled with them.

    Two generations instead of an ordered list: a full young one becomes the old one, and a hit
    moves nothing. What was used within the last ``generation`` new texts is always remembered.
    """

    def __init__(self, function: Callable[[str], Computed], generation: int = GENERATION) -> None:
        self._function = function
        self._generation = generation
        self._young: dict[str, Computed] = {}
        self._old: dict[str, Computed] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, texts: Sequence[str]) -> list[Computed]:
        """Returns the function's result for each text."""
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Computed:
        found = self._young.get(text)
        if found is not None:
            return found
        found = self._old.get(text)
        if found is None:
            found = self._function(text)
        if len(self._young) >= self._generation:
            self._young, self._old = {}, self._young
        self._young[text] = found
        return found
