"""Which segment a process was about to write when it died.

A message that kills its process (a fault in a library, more memory than there is) leaves nothing
behind that could be caught: the next run reads the same range and dies too. So before the first
segment after the fence goes on its way, the partition's note says where it begins. A later process
that finds a note at its own fence knows that another came no further, and did not live to say why.

A note is a hint, never a verdict: a run may be killed from outside any number of times. It only
makes the reader rehearse the segment in a process of its own first.
"""

from typing import Final

import orjson

from transforms.errors import ObjectMissingError, PipelineError
from transforms.lake.client import ObjectStore
from transforms.lake.names import ATTEMPTS, PartitionId

#: So many processes may have died of bad luck at one segment before it is suspected.
SUSPICIOUS_DEATHS: Final = 2


class Attempts:
    """The note of one partition, for one run.

    Args:
        store: The lake's objects.
        owner: The partition.
        fence: Where the run begins.

    Guarantees: one GET when made, one PUT for the first segment, and one more for a run that ends
    in order without progress. What it says of a note that is lost or overwritten by another writer
    errs on the side of no suspicion.
    """

    def __init__(self, store: ObjectStore, owner: PartitionId, fence: int) -> None:
        self._store = store
        self._key = f"{ATTEMPTS}{owner.topic}/{owner.topic_id}/{owner.partition}.json"
        self._fence = fence
        self._began = False
        self.deaths = self._found()

    @property
    def suspicious(self) -> bool:
        """Whether the segment at the fence may be what the processes died of."""
        return self.deaths >= SUSPICIOUS_DEATHS

    def begin(self) -> None:
        """Notes that the segment at the fence is on its way; only the first call writes."""
        if not self._began:
            self._began = True
            self._write(self.deaths, ended=False)

    def end(self, fence: int) -> None:
        """Notes that the run ends in order; needs no note if the fence has moved."""
        if self._began and fence == self._fence:
            self._write(self.deaths, ended=True)

    def _found(self) -> int:
        try:
            note = orjson.loads(self._store.get(self._key))
            if note["fence"] != self._fence:
                return 0
            return int(note["deaths"]) + (not note["ended"])
        except (ObjectMissingError, ValueError, KeyError, TypeError):
            return 0

    def _write(self, deaths: int, *, ended: bool) -> None:
        note = {"fence": self._fence, "deaths": deaths, "ended": ended}
        self._store.put(self._key, orjson.dumps(note, option=orjson.OPT_SORT_KEYS))


def end_quietly(attempts: Attempts, fence: int) -> None:
    """Ends the attempts of a run that may have failed because the store is away."""
    try:
        attempts.end(fence)
    except PipelineError:
        return  # A death too many is noted: at worst a segment is rehearsed for nothing.
