"""A photo is looked at again only where that may show more, and no look discards a face that another one found."""

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from preprocess import detect
from preprocess.centerface import SAME_FACE, Faces, coverage, overlaps, suppressed
from preprocess.detect import COVERED, FAINT, FIRST, LARGE, PADDED, SURE, TYPICAL, Box, Detector, frame, turned
from preprocess.photo import Photo

SIDE = 400
"""Of the photo, in pixels; its upper edge is dark."""

NAMES = {FIRST.size: "first", PADDED.size: "padded", LARGE.size: "large"}


@pytest.fixture(scope="module")
def photo():
    pixels = np.full((SIDE, SIDE), 255, np.uint8)
    pixels[:40] = 0
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Photo(file.getvalue())


class Network:
    """A fake network with given faces for each look: left edge, side, score and tilt, in pixels of the photo.

    A look is "first", "padded" or "large", with the quarters by which the photo is turned.
    """

    def __init__(self, **looks):
        self.given, self.looks = looks, []

    def find(self, pixels, size, _padding, least_score):
        edges = (pixels[0], pixels[:, -1], pixels[-1], pixels[:, 0])
        self.looks.append(f"{NAMES[size]}{int(np.argmin([edge.mean() for edge in edges])) or ''}")
        faces = [face for face in self.given.get(self.looks[-1], ()) if face[2] >= least_score]
        scale = len(pixels) / SIDE
        boxes = [(scale * left, 0, scale * side, scale * side) for left, side, *_ in faces]
        landmarks = [tilted_points(box, face) for box, face in zip(boxes, faces, strict=True)]
        return Faces(
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array([face[2] for face in faces], np.float32),
            np.array(landmarks, np.float32).reshape(-1, 5, 2),
        )


def tilted_points(box, face):
    """Return the usual landmarks of a box, turned clockwise around its centre by the face's tilt, by default 0."""
    left, top, width, height = box
    angle = math.radians(face[3] if len(face) > 3 else 0)
    centre = np.array([left + width / 2, top + height / 2])
    away = (np.array(TYPICAL) - 0.5) * (width, height)
    return centre + away @ np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


@pytest.fixture
def found(photo):
    """Detect with given faces for each look; return faces from left to right, and the looks."""

    def found(**looks):
        detector = Detector.__new__(Detector)
        detector._network = Network(**looks)
        boxes = sorted(detector.detect(photo), key=lambda box: box.left)
        return boxes, detector._network.looks

    return found


FACE, SMALL = (0, 120, 0.9), (200, 40, 0.9)


def test_a_large_convincing_face_needs_one_look(found):
    boxes, looks = found(first=[FACE])
    assert [(box.left, box.width, round(box.score, 1)) for box in boxes] == [(0, 120, 0.9)]
    assert looks == ["first"]


def test_a_photo_without_any_face_is_looked_at_with_a_margin_turned_and_large(found):
    boxes, looks = found()
    assert boxes == []
    assert looks == ["first", "padded", "first1", "first3", "first2", "large"]


@pytest.mark.parametrize("look", ["first", "padded", "large"])
def test_a_face_of_any_look_is_returned(found, look):
    assert [box.left for box in found(**{look: [FACE]})[0]] == [0]


def test_beside_a_small_face_even_smaller_ones_are_looked_for(found):
    boxes, looks = found(first=[SMALL], large=[(300, 15, 0.8)])
    assert [box.left for box in boxes] == [200, 300]
    assert looks == ["first", "large"]


def test_a_sure_face_is_kept_when_a_later_look_does_not_find_it(found):
    boxes, _ = found(first=[FACE, SMALL], large=[(200, 40, 0.8)])
    assert [box.left for box in boxes] == [0, 200]


def test_of_two_boxes_of_one_face_the_likelier_is_returned(found):
    boxes, _ = found(first=[SMALL], large=[(202, 40, 0.95)])
    assert [box.left for box in boxes] == [202]


def test_a_part_of_a_large_face_is_no_face(found):
    boxes, _ = found(first=[FACE, SMALL], large=[(40, 30, 0.7)])
    assert [box.left for box in boxes] == [0, 200]


def test_every_face_of_a_crowd_that_two_looks_see_is_returned_once(found):
    crowd = [(left, 9, 0.9) for left in range(0, 390, 10)]
    boxes, _ = found(first=crowd, large=[(left + 1, 9, 0.8) for left, *_ in crowd])
    assert [box.left for box in boxes] == [left for left, *_ in crowd]


RECTANGLES = st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2), max_size=20)


@given(RECTANGLES)
def test_no_two_boxes_that_are_left_show_the_same_face_and_every_other_box_shows_one_of_theirs(rectangles):
    boxes = np.array(rectangles, np.float32).reshape(-1, 4)
    kept = suppressed(boxes, COVERED)

    def same(one, others):
        return (overlaps(one, others) >= SAME_FACE) | (coverage(one, others) >= COVERED)

    for at, box in enumerate(boxes):
        likelier = [index for index in kept if index < at]
        assert same(box, boxes[likelier]).any() == (at not in kept)


def test_without_a_sure_face_the_likeliest_faint_one_is_returned_alone(found):
    boxes, _ = found(first=[(0, 80, 0.42)], padded=[(200, 80, 0.45)], large=[(100, 80, 0.41)])
    assert [box.left for box in boxes] == [200]


def test_a_box_below_the_lowest_accepted_score_is_no_face(found):
    assert found(first=[(0, 80, FAINT - 0.01)])[0] == []


@pytest.mark.parametrize(
    ("scores", "quarters"),
    [
        ((0.9, 0.95, 0.95, 0.95), 0),
        ((0, 0, 0, 0), None),
        ((0, 0.6, 0, 0), 1),
        ((0, 0, 0.6, 0), 2),
        ((0, 0, 0, 0.6), 3),
        ((0, 0.7, 0.9, 0.75), 2),
        ((0, 0.59, 0, 0), None),
        ((0.7, 0.75, 0, 0), 0),
        ((0.7, 0.85, 0, 0), 1),
    ],
)
def test_a_photo_is_turned_only_for_a_face_that_convinces_more(found, scores, quarters):
    boxes, _ = found(**{f"first{turn or ''}": [(0, 120, score)] for turn, score in enumerate(scores)})
    assert {box.quarters for box in boxes} == (set() if quarters is None else {quarters})


@pytest.mark.parametrize(("tilt", "quarters"), [(0, 0), (45, 0), (-45, 0), (80, 3), (-80, 1), (170, 2), (-170, 2)])
def test_a_face_that_lies_as_its_landmarks_say_is_turned(found, tilt, quarters):
    """The turned photo shows it upright, with the same score."""
    looks = {f"first{turn or ''}": [(0, 120, 0.85, tilt + 90 * turn)] for turn in range(4)}
    boxes, _ = found(**looks)
    assert [box.quarters for box in boxes] == [quarters]


def test_a_sure_box_is_one_from_the_threshold_on():
    assert [Box(0, 0, 1, 1, score).is_sure for score in (SURE - 0.01, SURE, 1)] == [False, True, True]


@pytest.mark.parametrize("degrees", [-170, -90, -45, 0, 30, 120])
def test_the_frame_of_landmarks_has_their_tilt_and_size(degrees):
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    points = 2 * (detect.TEMPLATE - detect.TEMPLATE.mean(axis=0)) @ turn + (300, 200)
    found = frame(tuple(map(tuple, points)))
    np.testing.assert_allclose(found, (300, 200, 2, angle), atol=1e-9)


@pytest.mark.parametrize(
    ("box", "inside"),
    [((-5, -5, 20, 20), (0, 0, 15, 15)), ((90, 40, 20, 20), (90, 40, 10, 10)), ((200, 200, 9, 9), (99, 49, 1, 1))],
)
def test_the_part_inside_a_photo_is_what_is_shown(box, inside):
    shown = Box(*box, score=1).within(100, 50)
    assert (shown.left, shown.top, shown.width, shown.height) == inside


@given(
    st.tuples(st.integers(1, 99), st.integers(1, 99)),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    st.integers(-4, 4),
)
def test_a_box_turns_as_the_pixels_do_and_back(size, shares, quarters):
    width, height = size
    left, top = int(shares[0] * (width - 1)), int(shares[1] * (height - 1))
    box = Box(left, top, 1 + int(shares[2] * (width - left - 1)), 1 + int(shares[3] * (height - top - 1)), 0.5)
    pixels = np.zeros((height, width), np.uint8)
    pixels[box.top : box.top + box.height, box.left : box.left + box.width] = 1
    there = box.turned(quarters, width, height)
    turned_pixels = turned(pixels, quarters)
    assert turned_pixels.sum() == there.area
    assert turned_pixels[there.top : there.top + there.height, there.left : there.left + there.width].all()
    assert there.quarters == -quarters % 4
    back = there.turned(-quarters, *turned_pixels.shape[::-1])
    assert (back.left, back.top, back.width, back.height) == (left, top, box.width, box.height)
    np.testing.assert_allclose(back.landmarks, box.landmarks, atol=1e-9)
