"""Statistics of an evaluation: shares with confidence intervals, calibration and the ROC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest  # type: ignore[import-untyped]
from sklearn.metrics import roc_curve

from training.reliability import Reliability

CONFIDENCE: Final = 0.95

_RESAMPLES: Final = 1000

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many."""

    hits: int
    trials: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Self:
        """Count what is true."""
        found = list(outcomes)
        return cls(sum(found), len(found))

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None of nothing."""
        return self.hits / self.trials if self.trials else None

    @property
    def interval(self) -> list[float] | None:
        """The Wilson score interval (Wilson 1927) at 95 % confidence, lower and upper end; None of nothing."""
        if not self.trials:
            return None
        interval = binomtest(self.hits, self.trials).proportion_ci(CONFIDENCE, method="wilson")
        return [float(interval.low), float(interval.high)]


def calibration_error_interval(probabilities: FloatArray, right: npt.NDArray[np.bool_]) -> list[float] | None:
    """Return the percentile bootstrap interval of the expected calibration error; None of fewer than two answers.

    The error is no share, so Wilson's interval does not apply. Resampling can only add noise to the bins, so that the
    interval leans upwards; read it as a careful one.
    """
    if len(probabilities) < 2:
        return None
    samples = np.random.default_rng(0).integers(len(probabilities), size=(_RESAMPLES, len(probabilities)))
    errors = [Reliability.of(probabilities[sample], right[sample]).error for sample in samples]
    low, high = np.quantile(errors, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return [float(low), float(high)]


@dataclass(frozen=True)
class Roc:
    """A receiver operating characteristic: (N,) shares of impostors and of genuine faces accepted, 0 to 1.

    `chosen` is where the threshold in use lies: (false accept rate, true accept rate).
    """

    false_accepts: FloatArray
    true_accepts: FloatArray
    chosen: tuple[float, float]

    @classmethod
    def of(cls, genuine: Sequence[float], impostors: Sequence[float], threshold: float) -> Self:
        """Compute the curve of similarities; a face counts as accepted from the threshold on. Neither may be empty."""
        truth = np.repeat([True, False], [len(genuine), len(impostors)])
        false_accepts, true_accepts, _ = roc_curve(truth, [*genuine, *impostors])
        accepted = (float(np.mean(np.array(scores) >= threshold)) for scores in (impostors, genuine))
        return cls(false_accepts, true_accepts, (next(accepted), next(accepted)))
