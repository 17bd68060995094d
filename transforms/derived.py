"""Tables that the sink derives from a segment after trimming it to the fence.

Dead letters, window partials and data profiles are pure functions of what a segment holds. Carried
along by the segment they would have to be cut with it; computed by the sink, they can't disagree.
"""

from typing import Protocol

import pyarrow as pa

from transforms.segment import Segment


class DerivedTable(Protocol):
    """A small table that is committed with each segment, in its sidecar file.

    Attributes:
        name: The table's name, such as ``dead_letters``.
    """

    name: str

    def setup(self) -> None:
        """Resolves secrets and loads what is needed, once per worker."""

    def derive(self, segment: Segment) -> pa.Table:
        """Returns the table; the same segment gives the same table. Empty means: leave it out."""
