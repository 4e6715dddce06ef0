"""Crops are compared by how well the network separates people with them."""

import numpy as np

from evaluation import geometry as benchmark
from evaluation.geometry import Crop
from preprocess.geometry import Geometry

CROP = Crop(Geometry(), 160)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_embeddings_that_separate_everybody_have_a_true_accept_rate_of_one():
    row = benchmark._crop_row(CROP, unit(np.repeat(np.eye(4, 512), 3, axis=0) + 0.001), np.repeat(np.arange(4), 3))
    assert row["tar_at_far"] == {"0.01": 1.0, "0.001": 1.0}
    assert (row["input_size"], row["padding"], row["stretch"]) == (160, 0.4, 1.2)


def test_random_embeddings_have_a_true_accept_rate_near_zero():
    embeddings = unit(np.random.default_rng(0).normal(size=(60, 512)))
    row = benchmark._crop_row(CROP, embeddings, np.repeat(np.arange(6), 10))
    assert row["tar_at_far"]["0.01"] < 0.1
    assert abs(row["d_prime"]) < 0.3


def test_the_geometry_in_use_is_among_those_compared():
    assert CROP in benchmark.crops()
