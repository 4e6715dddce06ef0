"""A later detection pass does not discard a face that an earlier one has found."""

import io

import dlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from preprocess.detect import FAINT, Box, Detector, Pass
from preprocess.photo import Photo

PASSES = (Pass(100, 9), Pass(200, 9), Pass(400, 9))
"""No face is large enough for these passes, so that all of them run."""


@pytest.fixture(scope="module")
def photo():
    file = io.BytesIO()
    Image.new("L", (400, 400)).save(file, "PNG")
    return Photo(file.getvalue())


class Scanner:
    """A fake detector with given faces for each pass: left edge, side and score, in pixels of a 400-pixel photo."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def run(self, pixels, _upsampling, threshold):
        scale = len(pixels) / 400
        faces = [face for face in next(self.passes) if face[2] >= threshold]
        rectangles = [
            dlib.rectangle(round(left * scale), 0, round((left + side) * scale) - 1, round(side * scale) - 1)
            for left, side, _ in faces
        ]
        return rectangles, [score for *_, score in faces], [0] * len(faces)


@pytest.fixture(scope="module")
def found(photo):
    """Detect with given faces for each pass; return left edges and scores from left to right."""
    detector = Detector(PASSES)

    def found(*passes):
        detector._scanner = Scanner(*passes)
        return sorted((box.left, box.score) for box in detector.detect(photo))

    return found


SURE, FAINTER = (0, 80, 0.2), (200, 80, -0.1)


@pytest.mark.parametrize("later", [(), (FAINTER,), ((0, 80, -0.1),), ((0, 80, -0.1), FAINTER)])
def test_a_sure_face_is_kept_when_a_later_pass_finds_only_faint_ones_or_none(found, later):
    assert found([SURE], later, later) == [(0, 0.2)]
    assert found(later, [SURE], later) == [(0, 0.2)]
    assert found(later, later, [SURE]) == [(0, 0.2)]


def test_a_sure_face_is_kept_when_a_later_pass_finds_another_sure_one(found):
    other = (200, 80, 0.3)
    assert found([SURE], [other], []) == [(0, 0.2), (200, 0.3)]
    assert found([SURE, other], [other], [SURE]) == [(0, 0.2), (200, 0.3)]


def test_a_face_found_by_several_passes_is_returned_once_with_the_last_box(found):
    assert found([(0, 80, 0.5)], [(4, 76, 0.2)], [(8, 80, 0.1)]) == [(8, 0.1)]


def test_without_a_sure_face_the_best_faint_one_of_all_passes_is_returned(found):
    assert found([(0, 80, -0.1)], [(200, 80, -0.2)], [(100, 80, -0.3)]) == [(0, -0.1)]


def test_a_box_below_the_lowest_accepted_score_is_no_face(found):
    assert found(*[[(0, 80, FAINT - 0.01)]] * 3) == []


FACES = st.lists(st.tuples(st.sampled_from([0, 100, 200, 300]), st.just(80), st.floats(-0.5, 2)), max_size=4)


@settings(deadline=None)
@given(st.tuples(FACES, FACES, FACES))
def test_every_position_where_a_pass_was_sure_has_a_face(found, passes):
    lefts = {left for faces in passes for left, _, score in faces if score >= 0}
    assert {left for left, _ in found(*passes)} >= lefts


@pytest.mark.parametrize(("score", "is_sure"), [(-0.1, False), (0, True), (0.5, True)])
def test_a_box_is_sure_from_zero_on(score, is_sure):
    assert Box(0, 0, 1, 1, score).is_sure is is_sure
