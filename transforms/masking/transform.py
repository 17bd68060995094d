"""``MaskFields``: from typed rows to rows that the lake may hold."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection

from transforms.guard import guarded
from transforms.masking.config import MaskConfig
from transforms.masking.mask import MaskPlan, mask
from transforms.segment import Segment


class MaskFields(beam.PTransform[PCollection[Segment], PCollection[Segment]]):  # type: ignore[misc]
    """Applies the lake's masking policy to the rows of every segment.

    Links are made of the clear values and added as further columns; no rotation of the key changes
    them.

    Guarantees: the masked row is a pure function of the row, the policy and the pinned keys. A
    column or dataset without a class stops its partition before anything of it is written. Keys are
    resolved on the worker; the graph and its display data hold their references only.
    """

    def __init__(self, config: MaskConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, segments: PCollection[Segment]) -> PCollection[Segment]:
        """Adds one step to the graph."""
        masked: PCollection[Segment] = segments | "MaskRows" >> beam.ParDo(_MaskFn(self._config))
        return masked

    def display_data(self) -> dict[str, Any]:
        """Shows the policy and the key's version; where the key is kept is nobody's business."""
        version = self._config.key_version
        return {"policy": self._config.policy, "key_version": f"v{version}" if version else ""}


class _MaskFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: MaskConfig) -> None:
        self._config = config

    def setup(self) -> None:
        self._plan = MaskPlan.resolved(self._config)

    def process(self, segment: Segment) -> Iterator[Segment]:
        yield guarded(partial(mask, plan=self._plan), segment)

    def __getstate__(self) -> dict[str, Any]:
        """The plan, which holds keys, is never pickled."""
        return {"_config": self._config}
