"""Prototypes, similarities and scores agree with their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.gallery import Gallery, alike_to_others
from model.prototypes import ALIKE, NEAREST
from tests.crowds import crowd, measured
from training.discriminant import fit


def test_a_gallery_is_read_as_it_was_written(tmp_path):
    cohort = measured()
    gallery = fit(crowd(3), np.array([0, 1, 1]), cohort)
    gallery.save(tmp_path / "gallery.npz")
    cohort.save(tmp_path / "cohort.npz")
    read = Gallery.load(tmp_path / "gallery.npz", tmp_path / "cohort.npz")
    for name in ("embeddings", "people", "weights", "biases", "penalties"):
        np.testing.assert_array_equal(getattr(read, name), getattr(gallery, name))
    np.testing.assert_allclose(read.compare(crowd(5, 9)).scores, gallery.compare(crowd(5, 9)).scores, atol=2e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=24))
def test_similarity_is_the_mean_cosine_with_the_three_most_similar_prototypes(seed, count, owners):
    prototypes, probes = crowd(len(owners), seed), crowd(count, seed + 1)
    found = Gallery.plain(prototypes, np.array(owners)).similarities(probes)
    for row, probe in enumerate(probes):
        for person in range(max(owners) + 1):
            mine = [float(probe @ p) for p, owner in zip(prototypes, owners, strict=True) if owner == person]
            nearest = sorted(mine)[-NEAREST:] or [-1]
            assert found[row, person] == pytest.approx(sum(nearest) / len(nearest), abs=1e-5)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 12), st.integers(0, 12))
def test_a_face_is_as_alike_to_others_as_the_nearest_of_all_but_the_person(seed, people, centres):
    random = np.random.default_rng(seed)
    similarities = random.normal(size=(3, people)).astype(np.float32)
    cosines = random.normal(size=(3, centres)).astype(np.float32)
    found = alike_to_others(similarities, cosines)
    for row in range(3):
        for person in range(people):
            others = sorted([*np.delete(similarities[row], person), *cosines[row]])[-ALIKE:]
            assert found[row, person] == pytest.approx(np.mean(others) if others else 0, abs=1e-5)


def test_the_mean_of_strangers_is_subtracted():
    cohort = measured(mean=0.3)
    gallery = fit(crowd(4), np.arange(4), cohort)
    assert gallery.similarities(crowd(4))[0, 0] == pytest.approx(1, abs=1e-5)
    moved = crowd(4, 7) - cohort.mean
    expected = moved[0] @ (crowd(4) - cohort.mean)[0] / np.linalg.norm(moved[0])
    expected /= np.linalg.norm((crowd(4) - cohort.mean)[0])
    assert gallery.similarities(crowd(4, 7))[0, 0] == pytest.approx(expected, abs=1e-5)


def test_without_a_cohort_the_score_is_the_similarity():
    compared = Gallery.plain(crowd(4), np.arange(4)).compare(crowd(6, 1))
    np.testing.assert_array_equal(compared.scores, compared.similarities)


def test_a_face_that_is_like_everybody_gets_a_lower_score_than_one_as_similar_that_is_not():
    cohort = measured()
    gallery = fit(crowd(2), np.arange(2), cohort)
    person, like_many = crowd(2)[:1], cohort.centres[:ALIKE].mean(axis=0, keepdims=True)
    like_many /= np.linalg.norm(like_many)
    plain, alike = person + crowd(1, 5), person + like_many
    scores = [gallery.compare(face / np.linalg.norm(face)) for face in (plain, alike)]
    assert scores[0].similarities[0, 0] == pytest.approx(scores[1].similarities[0, 0], abs=0.1)
    assert scores[0].normalised[0, 0] > scores[1].normalised[0, 0] + 0.1


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_scores_exist_for_any_number_of_people(count):
    gallery = fit(crowd(count), np.arange(count), measured())
    compared = gallery.compare(crowd(count))
    assert compared.scores.shape == (count, count)
    assert np.isfinite(compared.scores).all()
    assert compared.scores.argmax(axis=1).tolist() == list(range(count))
