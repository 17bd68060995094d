"""When things happen: a pharmacy's day in local time, with peaks at 11 and 17 o'clock."""

import numpy as np
import numpy.typing as npt

HOUR = 3_600_000_000
"""Microseconds."""

# Relative load at each full hour, 0 to 24 h local; linear in between.
_LOAD = np.array(
    [1, 1, 1, 1, 1, 2, 6, 18, 42, 66, 88, 100, 82, 64, 60, 70, 90, 98, 72, 46, 28, 14, 5, 2, 1]
)
_MINUTES = np.arange(24 * 60 + 1)
_CDF = np.concatenate([[0.0], np.cumsum(np.interp(_MINUTES / 60, np.arange(25), _LOAD)[1:])])


def local_micros(quantiles: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Microseconds after local midnight by which the share `quantiles` of the day has come."""
    minutes = np.interp(np.asarray(quantiles) * _CDF[-1], _CDF, _MINUTES)
    micros: npt.NDArray[np.int64] = (minutes * 60_000_000).astype(np.int64)
    return micros
