"""Prototypes, similarities and the threshold against what they mean."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.gallery import DEFAULT_THRESHOLD, Gallery


def embeddings(seed, count, size=16):
    vectors = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_prototype_is_the_direction_of_a_persons_mean():
    gallery = Gallery.of_means(np.float32([[1, 0], [0, 1], [0.6, 0.8]]), np.array([2, 2, 0]))
    np.testing.assert_array_equal(gallery.people, [0, 2])
    np.testing.assert_allclose(gallery.embeddings, [[0.6, 0.8], [0.5**0.5, 0.5**0.5]], rtol=1e-6)


def test_a_gallery_is_read_as_it_was_written(tmp_path):
    gallery = Gallery(embeddings(0, 3), np.array([0, 1, 1]))
    gallery.save(tmp_path / "gallery.npz")
    read = Gallery.load(tmp_path / "gallery.npz")
    np.testing.assert_array_equal(read.embeddings, gallery.embeddings)
    np.testing.assert_array_equal(read.people, gallery.people)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_similarity_is_the_cosine_with_the_nearest_prototype(seed, count, owners):
    prototypes, probes = embeddings(seed, len(owners)), embeddings(seed + 1, count)
    found = Gallery(prototypes, np.array(owners)).similarities(probes, 5)
    for row, probe in enumerate(probes):
        for person in range(5):
            mine = [float(probe @ p) for p, owner in zip(prototypes, owners, strict=True) if owner == person]
            assert found[row, person] == pytest.approx(max(mine, default=-1), abs=1e-5)


def test_under_twenty_faces_the_threshold_is_the_default():
    faces, people = embeddings(0, 19), np.arange(19) % 2
    assert Gallery.of_means(faces, people).threshold(faces, people, 0.05) == DEFAULT_THRESHOLD


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(20, 200), st.sampled_from([0, 0.01, 0.05, 0.5]))
def test_no_more_of_the_known_than_asked_fall_under_the_threshold(seed, count, rate):
    faces, people = embeddings(seed, count), np.arange(count) % 3
    gallery = Gallery.of_means(faces, people)
    threshold = gallery.threshold(faces, people, rate)
    own = gallery.similarities(faces, 3)[np.arange(count), people]
    assert (own < threshold - 1e-6).sum() <= np.ceil(rate * count)


def test_somebody_without_a_held_out_face_does_not_hinder_the_threshold():
    gallery = Gallery.of_means(embeddings(0, 3), np.arange(3))
    assert gallery.threshold(embeddings(1, 20), np.arange(20) % 2, 0.05) < 1
