"""Made-up embeddings of people, and cohorts of them."""

import numpy as np

from model.cohort import Cohort


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def crowd(count, seed=0, size=512):
    """Unit-length embeddings of as many people."""
    return unit(np.random.default_rng(seed).normal(size=(count, size)))


def faces_of(people, each, spread=0.6, seed=1):
    """`each` faces of every person, cosines of about 0.7 between two of one person; and whose they are."""
    owners = np.repeat(np.arange(len(people)), each)
    return unit(people[owners] + spread * crowd(len(owners), seed)), owners


def measured(mean=0.0, centres=40, factor=1.0, source="LFW"):
    """A cohort of isotropic strangers around centres, without photos; `factor` corrects the drawn ones."""
    return Cohort(
        mean * crowd(1, 99)[0],
        crowd(centres, 98),
        np.full(centres, 1 / centres, np.float32),
        np.eye(512, dtype=np.float32) / 512,
        np.array([[3, factor, factor, factor], [200, factor, factor, factor]], np.float32),
        np.array([[3, factor, factor, factor], [400, factor, factor, factor]], np.float32),
        np.array([0.001, 0.07, 0.02], np.float32),
        source,
    )
