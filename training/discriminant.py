"""Fits what a gallery's scores need: the linear function, and the penalties of the prototypes."""

import warnings
from dataclasses import replace
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression

from model.cohort import Cohort, FloatArray
from model.gallery import Gallery, alike_to_others
from model.prototypes import IntArray

_SCALE: Final = np.float32(20**0.5)
_INVERSE_REGULARIZATION: Final = 0.03
"""The logistic regression gets embeddings of this length. Both were chosen on LFW, with one photo of each person, and
on 50 people in photos of 64 pixels: a weaker regularization is worse for the former, a stronger one for the latter."""


def fit(embeddings: FloatArray, people: IntArray, cohort: Cohort) -> Gallery:
    """Return the gallery of (P, 512) unit-length prototypes of (P,) people, and of a cohort."""
    plain = Gallery.plain(embeddings, people, cohort)
    if not cohort.is_measured:
        return plain
    faces = cohort.centred(embeddings)
    similarities = plain.similarities(embeddings)
    alike = alike_to_others(similarities, faces @ cohort.centres.T)
    weights, biases = _linear(faces, people, plain.count)
    penalties: FloatArray = np.take_along_axis(alike, people[:, None], axis=1)[:, 0] * np.float32(0.5)
    return replace(plain, weights=weights, biases=biases, penalties=penalties)


def _linear(faces: FloatArray, people: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return weights (C, 512) and biases (C,) of a logistic regression of (P, 512) faces."""
    if count < 2:
        return np.zeros((count, faces.shape[1]), np.float32), np.zeros(count, np.float32)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes", category=UserWarning)
        fitted = LogisticRegression(C=_INVERSE_REGULARIZATION, max_iter=500).fit(_SCALE * faces, people)
    weights, biases = fitted.coef_, fitted.intercept_
    if count == 2:  # scikit-learn returns the second class against the first
        weights, biases = np.vstack([-weights, weights]) / 2, np.hstack([-biases, biases]) / 2
    return (_SCALE * weights).astype(np.float32), biases.astype(np.float32)
