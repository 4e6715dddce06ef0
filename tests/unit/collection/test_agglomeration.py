"""Groups are those of average linkage, whichever the order in which they are joined; held groups stay apart."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.metrics import adjusted_rand_score

from collection.agglomeration import linked


@pytest.fixture
def faces():
    """Return 300 vectors around twenty directions, more or less far from them."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((20, 64))
    vectors = centres[random.integers(20, size=300)] + random.uniform(0.2, 1.5, (300, 1)) * random.standard_normal(
        (300, 64)
    )
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("cut", [0.05, 0.2, 0.4, 0.6, 0.9])
def test_the_groups_are_those_of_scipys_average_linkage(faces, cut):
    distances = np.maximum(1 - faces @ faces.T, 0)
    np.fill_diagonal(distances, 0)
    expected = fcluster(linkage(squareform(distances, checks=False), "average"), 1 - cut, "distance")
    assert adjusted_rand_score(expected, linked(faces, cut)) == 1


def test_groups_that_are_held_apart_are_never_joined_and_keep_their_numbers(faces):
    same = np.repeat(faces[:1], 6, axis=0)
    begun = np.array([0, 0, 1, 2, 3, 4])
    assert linked(same, 0.5, begun, apart=2).tolist() in ([0, 0, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1])
    assert set(linked(same, 0.5, begun).tolist()) == {0}


def test_a_number_without_a_face_stays_free():
    vectors = np.eye(3, dtype=np.float32)
    assert linked(vectors, 0.5, np.array([1, 2, 3]), apart=2).tolist() == [1, 2, 3]
    assert linked(vectors, 0.5, np.array([2, 3, 4]), apart=2).tolist() == [2, 3, 4]


def test_many_equal_faces_are_one_group():
    assert set(linked(np.ones((2000, 2), np.float32) / np.float32(2**0.5), 0.99).tolist()) == {0}


def test_no_faces_are_no_groups():
    assert len(linked(np.zeros((0, 512), np.float32), 0.5)) == 0
