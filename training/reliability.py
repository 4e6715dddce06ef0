"""How far probabilities can be trusted: reliability in bins, and the expected calibration error."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

BINS: Final = 15
"""Bins of the expected calibration error, as in Guo et al. 2017."""

DoubleArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Reliability of probabilities in equal-width bins: three (B,) arrays, zeros where a bin is empty.

    `counts` are answers, `confidence` is their mean probability, `accuracy` the share of them that is right.
    """

    counts: DoubleArray
    confidence: DoubleArray
    accuracy: DoubleArray

    @classmethod
    def of(cls, probabilities: DoubleArray, right: npt.NDArray[np.bool_], bins: int = BINS) -> Self:
        """Bin (N,) probabilities, 0 to 1, and whether each answer is right. A bin holds its upper edge."""
        number = np.digitize(probabilities, np.linspace(0, 1, bins + 1)[1:-1], right=True)
        counts = np.bincount(number, minlength=bins).astype(np.float64)
        filled = np.maximum(counts, 1)
        confidence = np.bincount(number, probabilities, minlength=bins) / filled
        return cls(counts, confidence, np.bincount(number, right, minlength=bins) / filled)

    @property
    def error(self) -> float:
        """The expected calibration error, 0 to 1: the mean gap between confidence and accuracy, weighted by counts.

        Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return float(np.sum(self.counts * gaps) / max(self.counts.sum(), 1))
