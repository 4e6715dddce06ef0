"""Prototypes and similarities agree with their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.gallery import NEAREST, Gallery


def embeddings(seed, count, size=16):
    vectors = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_gallery_is_read_as_it_was_written(tmp_path):
    gallery = Gallery(embeddings(0, 3), np.array([0, 1, 1]))
    gallery.save(tmp_path / "gallery.npz")
    read = Gallery.load(tmp_path / "gallery.npz")
    np.testing.assert_array_equal(read.embeddings, gallery.embeddings)
    np.testing.assert_array_equal(read.people, gallery.people)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=24))
def test_similarity_is_the_mean_cosine_with_the_three_most_similar_prototypes(seed, count, owners):
    prototypes, probes = embeddings(seed, len(owners)), embeddings(seed + 1, count)
    found = Gallery(prototypes, np.array(owners)).similarities(probes, 5)
    for row, probe in enumerate(probes):
        for person in range(5):
            mine = [float(probe @ p) for p, owner in zip(prototypes, owners, strict=True) if owner == person]
            nearest = sorted(mine)[-NEAREST:] or [-1]
            assert found[row, person] == pytest.approx(sum(nearest) / len(nearest), abs=1e-5)


def test_an_enrolled_person_is_appended_to_the_gallery():
    joined = Gallery(embeddings(0, 3), np.array([0, 1, 1])).joined_by(embeddings(1, 2), 2)
    assert joined.people.tolist() == [0, 1, 1, 2, 2]
    np.testing.assert_array_equal(joined.embeddings[3:], embeddings(1, 2))


def test_removing_a_person_shifts_the_later_ones():
    rest = Gallery(embeddings(0, 4), np.array([0, 1, 1, 2])).without(1)
    assert rest.people.tolist() == [0, 1]
    np.testing.assert_array_equal(rest.embeddings, embeddings(0, 4)[[0, 3]])
