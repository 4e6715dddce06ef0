"""Faces are found where they are, and cut upright and at one size."""

from dataclasses import replace

import dlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from model.activations import Chips
from model.network import VisageNetwork
from preprocess import PHOTO_CHIP, Aligner, Box, Detector, Geometry, decode, predictor_file
from preprocess.detect import prominence


@pytest.fixture(scope="module")
def detector():
    return Detector()


@pytest.fixture(scope="module")
def aligner():
    return Aligner(predictor_file())


@pytest.fixture(scope="module")
def obama(samples):
    return decode((samples / "unseen" / "Barack Obama" / "obama2.jpg").read_bytes())


@pytest.fixture(scope="module")
def friends(samples):
    return decode((samples / "strangers" / "friends.jpg").read_bytes())


def assert_inside(box, pixels):
    height, width = pixels.shape[:2]
    assert 0 <= box.left < box.left + box.width <= width
    assert 0 <= box.top < box.top + box.height <= height


def test_the_face_of_a_portrait_is_found_once(detector, obama):
    (box,) = detector.detect(obama)
    assert_inside(box, obama)
    assert box.area > obama.shape[0] * obama.shape[1] / 100


def test_six_faces_come_the_most_prominent_first(detector, friends):
    height, width = friends.shape[:2]
    order = [prominence(box, width, height) for box in detector.detect(friends)]
    assert len(order) == 6
    assert order == sorted(order, reverse=True)


def test_of_two_faces_alike_in_size_the_one_in_the_middle_stands_out():
    middle, aside = Box(450, 450, 100, 100, 1), Box(0, 450, 110, 110, 1)
    assert prominence(middle, 1000, 1000) > prominence(aside, 1000, 1000)


def test_a_face_twice_as_large_stands_out_from_any_corner():
    middle, corner = Box(450, 450, 100, 100, 1), Box(0, 0, 142, 142, 1)
    assert prominence(corner, 1000, 1000) > prominence(middle, 1000, 1000)


def test_a_blank_photo_has_no_faces(detector):
    assert detector.detect(np.full((300, 400, 3), 255, dtype=np.uint8)) == []


def test_a_face_is_found_at_the_same_place_in_a_larger_photo(detector, obama):
    (box,) = detector.detect(obama)
    half = Image.fromarray(obama).reduce(2)
    (smaller,) = detector.detect(np.asarray(half))
    np.testing.assert_allclose(
        [2 * smaller.left, 2 * smaller.top, 2 * smaller.width], [box.left, box.top, box.width], rtol=0.05
    )


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_boxes_lie_inside_photos_of_any_size(friends, width, height, x, y):
    left, top = int(x * (friends.shape[1] - width)), int(y * (friends.shape[0] - height))
    crop = np.ascontiguousarray(friends[top : top + height, left : left + width])
    for box in Detector(size=250).detect(crop):
        assert_inside(box, crop)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (7, 3)])
def test_a_photo_too_small_for_a_face_has_none(detector, shape):
    assert detector.detect(np.zeros((*shape, 3), dtype=np.uint8)) == []


@pytest.mark.parametrize("size", [96, 224, 600])
def test_a_chip_is_a_square_of_the_side_asked_for(detector, aligner, obama, size):
    chip = aligner.align(obama, detector.detect(obama)[0], Geometry(size))
    assert (chip.shape, chip.dtype) == ((size, size, 3), np.uint8)


@pytest.mark.parametrize("degrees", [-15, 0, 15])
def test_the_eyes_of_a_chip_are_level(detector, aligner, obama, degrees):
    tilted = np.asarray(Image.fromarray(obama).rotate(degrees))
    chip = aligner.align(tilted, detector.detect(tilted)[0], Geometry(300))
    (box,) = detector.detect(chip)
    rectangle = dlib.rectangle(box.left, box.top, box.left + box.width, box.top + box.height)
    points = [(p.x, p.y) for p in aligner._predictor(chip, rectangle).parts()]
    right, left, nose = np.mean(points[:2], axis=0), np.mean(points[2:4], axis=0), points[4]
    across, down = np.abs(right - left)
    assert down < across * np.tan(np.radians(4))  # landmarks are good to a few degrees
    assert nose[1] > max(left[1], right[1])


def test_a_face_at_the_edge_of_the_photo_is_cut_with_black_around_it(detector, aligner, obama):
    box = detector.detect(obama)[0]
    cut = np.ascontiguousarray(obama[box.top : box.top + box.height, box.left : box.left + box.width])
    chip = aligner.align(cut, type(box)(0, 0, box.width, box.height, 0), Geometry(224))
    assert chip.shape == (224, 224, 3)
    assert not chip[0, 0].any()


def test_training_and_serving_see_the_same_face(samples, aligned, weights, detector, aligner):
    """One path for pixels: a kept chip, scaled as training does, embeds as one cut for serving."""
    network = VisageNetwork(2).load_pretrained(weights.state).eval()
    kept = sorted(aligned.rglob("*.jpg.jpg"))
    photos = [decode((samples / "people" / path.relative_to(aligned).with_suffix("")).read_bytes()) for path in kept]
    geometry = replace(PHOTO_CHIP, size=224)
    served = [aligner.align(pixels, detector.detect(pixels)[0], geometry) for pixels in photos]
    trained = Chips(kept, geometry.size, flip=0)
    with torch.inference_mode():
        ours, _ = network(torch.stack([trained[i] for i in range(len(kept))]))
        theirs, _ = network(torch.from_numpy(np.stack(served)))
    cosines = (ours * theirs).sum(dim=1)
    assert cosines.min() >= 0.99, cosines
