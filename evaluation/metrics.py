"""Statistics: shares with confidence intervals, gaps between them, the calibration error and the ROC."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest  # type: ignore[import-untyped]
from sklearn.metrics import roc_curve

from training.calibration import ENOUGH_FACES
from training.reliability import DoubleArray, Reliability

CONFIDENCE: Final = 0.95

_RESAMPLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Share:
    """A share: `hits` of `trials`."""

    hits: int
    trials: int

    @classmethod
    def of(cls, outcomes: Iterable[bool]) -> Self:
        """Return the share of outcomes that are true."""
        found = list(outcomes)
        return cls(sum(found), len(found))

    @property
    def value(self) -> float | None:
        """The share, 0 to 1; None without trials."""
        return self.hits / self.trials if self.trials else None

    @property
    def interval(self) -> list[float] | None:
        """The Wilson score interval at 95 % confidence, lower and upper end; None without trials."""
        return [*self.wilson()] if self.trials else None

    def wilson(self) -> tuple[float, float]:
        """Return the Wilson score interval (Wilson 1927) at 95 % confidence; there must be trials."""
        interval = binomtest(self.hits, self.trials).proportion_ci(CONFIDENCE, method="wilson")
        return float(interval.low), float(interval.high)


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest difference between the shares of two groups: from the group `low` to the group `high`.

    `interval` is at 95 % confidence, lower and upper end. Where it holds 0, the difference may be chance. Of many
    groups the two that differ most are picked, so that more of the difference is chance than the interval says.
    """

    low: str
    high: str
    difference: float
    interval: list[float]

    @classmethod
    def of(cls, shares: Mapping[str, Share]) -> Self | None:
        """Return the gap among groups with enough trials; None where fewer than two have them.

        The interval is the hybrid score interval of a difference (R. G. Newcombe, "Interval estimation for the
        difference between independent proportions", Statistics in Medicine 17, 1998, method 10).
        """
        values = {group: share.hits / share.trials for group, share in shares.items() if share.trials >= ENOUGH_FACES}
        if len(values) < 2:
            return None
        low, *_, high = sorted(values, key=values.__getitem__)
        low_from, low_to = shares[low].wilson()
        high_from, high_to = shares[high].wilson()
        difference = values[high] - values[low]
        below = hypot(values[high] - high_from, low_to - values[low])
        above = hypot(high_to - values[high], values[low] - low_from)
        return cls(low, high, difference, [difference - below, difference + above])


def calibration_error_interval(probabilities: DoubleArray, right: npt.NDArray[np.bool_]) -> list[float] | None:
    """Return the percentile bootstrap interval of the expected calibration error; None for fewer than two answers.

    Wilson's interval does not apply, because the error is not a share. The interval tends to be too high, because
    resampling adds noise to the bins.
    """
    if len(probabilities) < 2:
        return None
    samples = np.random.default_rng(0).integers(len(probabilities), size=(_RESAMPLES, len(probabilities)))
    errors = [Reliability.of(probabilities[sample], right[sample]).error for sample in samples]
    low, high = np.quantile(errors, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return [float(low), float(high)]


@dataclass(frozen=True)
class Roc:
    """A receiver operating characteristic: (N,) false and true accept rates, 0 to 1.

    `chosen` is the (false accept rate, true accept rate) of the threshold in use.
    """

    false_accepts: DoubleArray
    true_accepts: DoubleArray
    chosen: tuple[float, float]

    @classmethod
    def of(cls, genuine: Sequence[float], impostors: Sequence[float], threshold: float) -> Self:
        """Return the curve of the similarities of genuine faces and of impostors; neither may be empty.

        A face is accepted if its similarity is at least `threshold`.
        """
        truth = np.repeat([True, False], [len(genuine), len(impostors)])
        false_accepts, true_accepts, _ = roc_curve(truth, [*genuine, *impostors])
        accepted = (float(np.mean(np.array(scores) >= threshold)) for scores in (impostors, genuine))
        return cls(false_accepts, true_accepts, (next(accepted), next(accepted)))
