"""Planted faults: what real producers get wrong, at known places."""

from beam_pipelines.produce.faults.malformed import MALFORMED
from beam_pipelines.produce.faults.planter import plant

__all__ = ["MALFORMED", "plant"]
