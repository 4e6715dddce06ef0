"""Faces are found where they are, and cut upright and at one size."""

import io
from dataclasses import replace

import dlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dataset.centerface import network
from preprocess.align import Aligner, predictor_file
from preprocess.detect import Box, Detector, prominence
from preprocess.geometry import PHOTO_CHIP, Geometry
from preprocess.photo import Photo
from training.activations import Chips
from training.network import VisageNetwork


@pytest.fixture(scope="module")
def detector():
    return Detector(network())


@pytest.fixture(scope="module")
def aligner():
    return Aligner(predictor_file())


@pytest.fixture(scope="module")
def obama(samples):
    return Photo((samples / "unseen" / "Barack Obama" / "obama2.jpg").read_bytes())


@pytest.fixture(scope="module")
def friends(samples):
    return Photo((samples / "strangers" / "friends.jpg").read_bytes())


def photo_of(pixels, kind="PNG"):
    """Encode (H, W, 3) pixels, as they are or as a camera would."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, quality=95)
    return Photo(file.getvalue())


def enlarged(photo, factor):
    """Return the photo as a JPEG that is `factor` times as large."""
    size = photo.width * factor, photo.height * factor
    return photo_of(np.asarray(Image.fromarray(photo.pixels()).resize(size, Image.Resampling.BICUBIC)), "JPEG")


def assert_inside(box, photo):
    assert 0 <= box.left < box.left + box.width <= photo.width
    assert 0 <= box.top < box.top + box.height <= photo.height


def test_the_face_of_a_portrait_is_found_once(detector, obama):
    (box,) = detector.detect(obama)
    assert_inside(box, obama)
    assert box.area > obama.width * obama.height / 100


def test_six_faces_come_the_most_prominent_first(detector, friends):
    order = [prominence(box, friends.width, friends.height) for box in detector.detect(friends)]
    assert len(order) == 6
    assert order == sorted(order, reverse=True)


def test_of_two_faces_of_the_same_size_the_one_in_the_middle_is_more_prominent():
    middle, aside = Box(450, 450, 100, 100, 1), Box(0, 450, 110, 110, 1)
    assert prominence(middle, 1000, 1000) > prominence(aside, 1000, 1000)


def test_a_face_twice_as_large_is_more_prominent_even_in_a_corner():
    middle, corner = Box(450, 450, 100, 100, 1), Box(0, 0, 142, 142, 1)
    assert prominence(corner, 1000, 1000) > prominence(middle, 1000, 1000)


def test_a_blank_photo_has_no_faces(detector):
    assert detector.detect(photo_of(np.full((300, 400, 3), 255, dtype=np.uint8))) == []


@pytest.mark.parametrize("factor", [2, 4])
def test_a_face_is_found_at_the_same_place_in_a_larger_photo(detector, obama, factor):
    (box,) = detector.detect(obama)
    (larger,) = detector.detect(enlarged(obama, factor))
    places = [larger.left, larger.top, larger.width, larger.height]
    expected = [factor * place for place in (box.left, box.top, box.width, box.height)]
    np.testing.assert_allclose(places, expected, atol=0.05 * factor * box.width)


def turned_by(photo, quarters):
    """Return the photo turned clockwise, as a camera makes it that does not know how it was held."""
    return photo_of(np.rot90(photo.pixels(), -quarters), "JPEG")


def test_faces_of_an_upright_photo_need_no_turn(detector, obama, friends):
    assert {box.quarters for photo in (obama, friends) for box in detector.detect(photo)} == {0}


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_of_a_photo_that_lies_sideways_or_upside_down_is_found_where_it_is(detector, obama, quarters):
    photo = turned_by(obama, quarters)
    (box,) = detector.detect(photo)
    assert_inside(box, photo)
    (upright,) = detector.detect(obama)
    expected = upright.turned(quarters, obama.width, obama.height)
    assert box.quarters == expected.quarters == 4 - quarters
    sides, expected_sides = ((b.left, b.top, b.width, b.height) for b in (box, expected))
    np.testing.assert_allclose(sides, expected_sides, atol=0.1 * upright.width)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_all_faces_of_a_group_that_lies_sideways_are_found(detector, friends, quarters):
    boxes = detector.detect(turned_by(friends, quarters))
    assert [box.quarters for box in boxes] == 6 * [4 - quarters]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_chip_of_a_photo_that_lies_sideways_is_that_of_the_upright_photo(detector, aligner, obama, quarters):
    photo = turned_by(obama, quarters)
    ours, theirs = (aligner.align(p, detector.detect(p)[0], Geometry(112)).astype(int) for p in (photo, obama))
    assert np.abs(ours - theirs).mean() < 12


@pytest.mark.parametrize("share", [0.3, 0.2, 0.15])
def test_a_face_two_thirds_as_large_is_found_beside_a_sure_one(detector, obama, share):
    """A sure face does not end detection if another face could be too small for that pass."""
    face = detector.detect(obama)[0]
    left, top, side = face.left - face.width // 4, face.top - face.width // 3, face.width * 3 // 2
    head = Image.fromarray(obama.pixels()[max(0, top) : top + side, left : left + side])
    photo = Image.new("RGB", (1500, 1000), "white")
    near, far = round(1.5 * 1500 * share), round(1500 * share)
    photo.paste(head.resize((near, near)), (0, 0))
    photo.paste(head.resize((far, far)), (1500 - far, 0))
    faces = detector.detect(photo_of(np.asarray(photo)))
    assert sorted(box.left > 700 for box in faces) == [False, True]


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_faces_in_photos_of_any_size_can_be_aligned(detector, aligner, friends, width, height, x, y):
    left, top = int(x * (friends.width - width)), int(y * (friends.height - height))
    crop = photo_of(friends.pixels()[top : top + height, left : left + width])
    for box in detector.detect(crop):
        assert_inside(box.within(crop.width, crop.height), crop)
        assert aligner.align(crop, box, Geometry(96)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 1), (7, 3)])
def test_a_photo_too_small_for_a_face_has_none(detector, shape):
    assert detector.detect(photo_of(np.zeros((*shape, 3), dtype=np.uint8))) == []


@pytest.mark.parametrize("size", [96, 224, 600])
def test_a_chip_is_a_square_of_the_side_asked_for(detector, aligner, obama, size):
    chip = aligner.align(obama, detector.detect(obama)[0], Geometry(size))
    assert (chip.shape, chip.dtype) == ((size, size, 3), np.uint8)


@pytest.mark.parametrize("degrees", [-45, -30, 0, 15, 45])
def test_the_eyes_of_a_chip_are_level(detector, aligner, obama, degrees):
    tilted = photo_of(np.asarray(Image.fromarray(obama.pixels()).rotate(degrees, expand=True)))
    chip = aligner.align(tilted, detector.detect(tilted)[0], Geometry(300))
    (box,) = detector.detect(photo_of(chip))
    rectangle = dlib.rectangle(box.left, box.top, box.left + box.width, box.top + box.height)
    points = [(p.x, p.y) for p in aligner._predictor(chip, rectangle).parts()]
    right, left, nose = np.mean(points[:2], axis=0), np.mean(points[2:4], axis=0), points[4]
    across, down = np.abs(right - left)
    assert down < across * np.tan(np.radians(4))  # landmarks are good to a few degrees
    assert nose[1] > max(left[1], right[1])


def test_a_face_at_the_edge_of_the_photo_is_cut_with_black_around_it(detector, aligner, obama):
    box = detector.detect(obama)[0]
    cut = photo_of(obama.pixels()[box.top : box.top + box.height, box.left : box.left + box.width])
    chip = aligner.align(cut, type(box)(0, 0, box.width, box.height, 0), Geometry(224))
    assert chip.shape == (224, 224, 3)
    assert not chip[0, 0].any()


def test_a_chip_is_the_same_whether_the_photo_was_decoded_in_full_or_not(detector, aligner, obama):
    photo = enlarged(obama, 4)
    box = detector.detect(photo)[0]
    scaled = aligner.align(photo, box, Geometry(96))
    assert photo.pixels(0).shape[1] < photo.width
    photo.pixels()
    full = aligner.align(photo, box, Geometry(96))
    assert np.abs(scaled.astype(int) - full).mean() < 4


def test_training_and_serving_see_the_same_face(samples, aligned, weights, detector, aligner):
    """A stored chip, scaled as in training, has the same embedding as a chip cut for serving."""
    network = VisageNetwork(2).load_pretrained(weights.state).eval()
    kept = sorted(aligned.rglob("*.jpg.jpg"))
    photos = [Photo((samples / "people" / path.relative_to(aligned).with_suffix("")).read_bytes()) for path in kept]
    geometry = replace(PHOTO_CHIP, size=224)
    served = [aligner.align(photo, detector.detect(photo)[0], geometry) for photo in photos]
    trained = Chips(kept, geometry.size, flip=0)
    with torch.inference_mode():
        ours, _ = network(torch.stack([trained[i] for i in range(len(kept))]))
        theirs, _ = network(torch.from_numpy(np.stack(served)))
    cosines = (ours * theirs).sum(dim=1)
    assert cosines.min() >= 0.99, cosines
