"""A bounded memory of what was computed for a text: ids come back in later segments."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar, cast

Computed = TypeVar("Computed")

#: Texts a generation, about 14 MB with the digests. Memory of a worker holds at most two of them
#: per class of field.
GENERATION: Final = 1 << 16


class Remembered(Generic[Computed]):
    """A function of texts, with the latest results at hand. Never pickled with them.

    Two generations instead of an ordered list: a full young one becomes the old one, and a hit
    moves nothing. What was used within the last ``generation`` new texts is always remembered.

    Args:
        function: Distinct texts -> their results, in order; none is None. Of many at once: one by
            one, calling would cost as much as an HMAC.
        generation: Texts a generation.
    """

    def __init__(
        self,
        function: Callable[[Sequence[str]], Sequence[Computed]],
        generation: int = GENERATION,
    ) -> None:
        self._function = function
        self._generation = generation
        self._young: dict[str, Computed] = {}
        self._old: dict[str, Computed] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def of(self, texts: Sequence[str]) -> list[Computed]:
        """Returns the function's result for each text."""
        found = list(map(self._young.get, texts))
        missed = [text for text, result in zip(texts, found, strict=True) if result is None]
        if not missed:
            return cast(list[Computed], found)
        results = self._older_or_new(missed)
        for text, result in results.items():
            self._keep(text, result)
        return [
            results[text] if result is None else result
            for text, result in zip(texts, found, strict=True)
        ]

    def _older_or_new(self, texts: Sequence[str]) -> dict[str, Computed]:
        older = zip(texts, map(self._old.get, texts), strict=True)
        results = {text: result for text, result in older if result is not None}
        new = list(dict.fromkeys(text for text in texts if text not in results))
        results.update(zip(new, self._function(new), strict=True))
        return results

    def _keep(self, text: str, result: Computed) -> None:
        if len(self._young) >= self._generation:
            self._young, self._old = {}, self._young
        self._young[text] = result
