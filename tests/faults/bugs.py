"""Bugs to plant into a run's process before it starts (`before` of `Lake.start`)."""

from typing import Any

import transforms.avro.transform
import transforms.redshift.transaction
from transforms.avro.enforce import enforce
from transforms.redshift import sql
from transforms.redshift.fences import move_fences
from transforms.segment import Segment

#: Offsets of messages that the planted bug can't handle.
POISON = (700, 2_300)


def plant_poison() -> None:
    """Makes the decoder fail on every segment that holds one of the poisonous messages."""

    def failing(segment: Segment, **arguments: Any) -> Segment:
        if set(POISON) & set(segment.offsets.tolist()):
            raise ZeroDivisionError("this text may hold a value of the data")
        return enforce(segment, **arguments)

    setattr(transforms.avro.transform, "enforce", failing)  # noqa: B010 - for mypy, it's private


def plant_fences_apart() -> None:
    """Makes a load move its fences in a transaction of their own, after that of the rows."""

    def apart(session: Any, *arguments: Any) -> None:
        session.execute(sql.COMMIT)
        session.execute(sql.BEGIN)
        move_fences(session, *arguments)

    setattr(transforms.redshift.transaction, "move_fences", apart)  # noqa: B010 - as above
