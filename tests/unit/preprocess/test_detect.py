"""No pass discards a face that an earlier one has found; a photo is turned only where that shows a better face."""

import io

import dlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from preprocess.detect import FAINT, Box, Detector, Pass, turned
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
    detector = Detector(PASSES, turned_passes=())

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


@given(
    st.tuples(st.integers(1, 99), st.integers(1, 99)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.integers(0, 3),
    st.integers(-4, 4),
)
def test_a_box_turns_as_the_pixels_do_and_back(size, shares, needed, quarters):
    width, height = size
    left, top = int(shares[0] * (width - 1)), int(shares[1] * (height - 1))
    box = Box(left, top, 1 + int(shares[2] * (width - left - 1)), 1 + int(shares[3] * (height - top - 1)), 0.5, needed)
    pixels = np.zeros((height, width), np.uint8)
    pixels[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    there = box.turned(quarters, width, height)
    turned_pixels = turned(pixels, quarters)
    assert turned_pixels.sum() == there.area
    assert turned_pixels[there.top : there.top + there.height, there.left : there.left + there.width].all()
    assert there.quarters == (needed - quarters) % 4
    assert there.turned(-quarters, *turned_pixels.shape[::-1]) == box


class Turning:
    """A fake detector that gives a score for each quarter by which the photo was turned: its dark edge is found."""

    def __init__(self, *scores):
        self.scores, self.scans = scores, 0

    def run(self, pixels, _upsampling, threshold):
        self.scans += 1
        edges = (pixels[0], pixels[:, -1], pixels[-1], pixels[:, 0])
        score = self.scores[int(np.argmin([edge.mean() for edge in edges]))]
        return ([dlib.rectangle(20, 20, 139, 139)], [score], [0]) if score >= threshold else ([], [], [])


@pytest.fixture(scope="module")
def edged():
    """A photo of one colour with a dark upper edge."""
    pixels = np.full((400, 400), 255, np.uint8)
    pixels[:40] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Photo(file.getvalue())


NONE = -1


@pytest.mark.parametrize(
    ("scores", "quarters"),
    [
        ((1, 2, 2, 2), 0),
        ((NONE, NONE, NONE, NONE), None),
        ((NONE, 0.1, NONE, NONE), 1),
        ((NONE, NONE, 0.1, NONE), 2),
        ((NONE, NONE, NONE, 0.1), 3),
        ((NONE, 0.2, 0.9, 0.3), 2),
        ((NONE, 0.09, NONE, NONE), None),
        ((-0.1, 0.1, NONE, NONE), 0),
        ((-0.1, 0.3, NONE, NONE), 1),
        ((0.1, 2, NONE, 2), 0),
    ],
)
def test_a_photo_is_turned_only_for_a_face_that_convinces_more(edged, scores, quarters):
    detector = Detector()
    detector._scanner = Turning(*scores)
    assert {box.quarters for box in detector.detect(edged)} == (set() if quarters is None else {quarters})


def test_a_photo_with_a_convincing_face_is_scanned_no_more_often_than_without_turned_passes(edged):
    scans = []
    for detector in (Detector(), Detector(turned_passes=())):
        detector._scanner = Turning(0.5, 2, 2, 2)
        detector.detect(edged)
        scans.append(detector._scanner.scans)
    assert scans[0] == scans[1]
