"""Popularity by rank: a few stores and drugs make up most of the stream."""

import numpy as np
import numpy.typing as npt


def zipf_cdf(items: int, exponent: float, shift: float) -> npt.NDArray[np.float64]:
    """Cumulative shares of `items` ranks by the Zipf-Mandelbrot law, (rank + shift)^-exponent."""
    weights = (np.arange(items) + 1 + shift) ** -exponent
    shares: npt.NDArray[np.float64] = np.cumsum(weights) / weights.sum()
    return shares


def ranks(
    cdf: npt.NDArray[np.float64], rng: np.random.Generator, rows: int
) -> npt.NDArray[np.int64]:
    """Draws `rows` ranks (0 is the most popular) with the shares of `cdf`."""
    drawn = np.searchsorted(cdf, rng.random(rows), side="right")
    return np.minimum(drawn, len(cdf) - 1)
