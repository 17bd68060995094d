"""Searches buffers for canaries, and counts what it searched."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from beam_pipelines.canary.keeping import Keeping
from beam_pipelines.canary.manifest import Canary
from beam_pipelines.canary.patterns import Needles
from beam_pipelines.canary.places import Buffers, Place


@dataclass(frozen=True, order=True)
class Finding:
    """A canary where a scan met it.

    Attributes:
        place: Where.
        number: The canary's number.
        encoding: How it stands there.
        field: The field that it was planted in, as ``dataset.field``.
    """

    place: Place
    number: int
    encoding: str
    field: str


@dataclass
class Searched:
    """How much of one kind was searched."""

    names: set[str] = field(default_factory=set)
    buffers: int = 0
    bytes: int = 0


@dataclass
class ScanResult:
    """What a scan searched and found.

    Attributes:
        searched: By kind of place.
        leaks: Canaries where none may be.
        kept: Canaries in the columns of fields that the policy keeps: numbers by field.
    """

    searched: dict[str, Searched] = field(default_factory=lambda: defaultdict(Searched))
    leaks: set[Finding] = field(default_factory=set)
    kept: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


class Scan:
    """Searches for canaries.

    Args:
        canaries: What to look for.
        keeping: What may be where.
    """

    def __init__(self, canaries: Sequence[Canary], keeping: Keeping) -> None:
        self._needles = Needles(canaries)
        self._by_number: Mapping[int, Canary] = {each.number: each for each in canaries}
        self._keeping = keeping
        self.result = ScanResult()

    def search(self, buffers: Buffers) -> None:
        """Searches all buffers; each may be forgotten when the next one comes."""
        for buffer in buffers:
            done = self.result.searched[buffer.place.kind]
            done.names.add(buffer.place.name)
            done.buffers += 1
            done.bytes += len(buffer.data)
            for sighting in self._needles.search(buffer.data):
                self._found(buffer.place, sighting.number, sighting.encoding)

    def shows(self, text: str) -> bool:
        """Whether a text that is to be shown holds a canary itself."""
        return bool(self._needles.search(text.encode()))

    def _found(self, place: Place, number: int, encoding: str) -> None:
        canary = self._by_number[number]
        name = f"{canary.dataset}.{canary.field}"
        if encoding == "text" and self._keeping.allows(canary, place):
            self.result.kept[name].add(number)
        else:
            self.result.leaks.add(Finding(place, number, encoding, name))
