"""CenterFace finds real faces, and where their eyes, nose and mouth are."""

import numpy as np
import pytest

from dataset.centerface import network
from preprocess.centerface import CenterFace, overlaps
from preprocess.photo import Photo


@pytest.fixture(scope="module")
def centerface():
    return CenterFace(network())


@pytest.fixture(scope="module")
def obama(samples):
    return Photo((samples / "people" / "Barack Obama" / "obama.jpg").read_bytes()).pixels()


def test_a_face_is_found_once_with_its_landmarks_where_they_belong(centerface, obama):
    boxes, scores, landmarks = centerface.find(obama, 320, 0.2)
    assert boxes.shape == (1, 4)
    assert scores[0] > 0.8
    (left, top, width, height), (right_eye, left_eye, nose, right_mouth, left_mouth) = boxes[0], landmarks[0]
    assert left < right_eye[0] < nose[0] < left_eye[0] < left + width
    assert top < right_eye[1] < nose[1] < right_mouth[1] < top + height
    assert abs(right_eye[1] - left_eye[1]) < 0.1 * height
    assert right_mouth[0] < nose[0] < left_mouth[0]


@pytest.mark.parametrize(("size", "padding"), [(256, 0.1), (320, 0.35), (480, 0)])
def test_a_face_is_found_at_the_same_place_in_every_look(centerface, obama, size, padding):
    reference = centerface.find(obama, 320, 0.2).boxes[0]
    assert overlaps(reference, centerface.find(obama, size, padding).boxes)[0] > 0.8


def test_a_face_that_fills_the_picture_is_found_with_a_margin_around_it(centerface, obama):
    left, top, width, height = np.round(centerface.find(obama, 320, 0.2).boxes[0]).astype(int)
    inner = obama[top : top + height, left : left + width]
    assert len(centerface.find(inner, 320, 0.35).boxes) == 1


def test_nothing_is_found_in_a_blank_picture(centerface):
    boxes, scores, landmarks = centerface.find(np.full((300, 400, 3), 255, np.uint8), 320)
    assert (boxes.shape, scores.shape, landmarks.shape) == ((0, 4), (0,), (0, 5, 2))
