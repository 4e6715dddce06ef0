"""The recognizer without HTTP: from a bundle and the bytes of a photo to a Recognition."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from model.errors import BundleError
from model.recognizer import Recognizer
from model.settings import Settings
from preprocess.errors import NoFaceError, UnsupportedFormatError


@pytest.fixture(scope="module")
def recognizer(bundle):
    return Recognizer.load(str(bundle), Settings.read())


@pytest.fixture(scope="module")
def portrait(samples):
    return (samples / "unseen" / "Barack Obama" / "obama2.jpg").read_bytes()


@pytest.fixture(scope="module")
def friends(samples):
    return (samples / "strangers" / "friends.jpg").read_bytes()


def test_a_known_person_is_named_on_a_new_photo(recognizer, portrait):
    (face,) = recognizer.recognize(portrait).faces
    assert (face.label, face.known) == ("Barack Obama", True)


def test_predictions_are_everybody_the_likeliest_first(recognizer, portrait):
    (face,) = recognizer.recognize(portrait).faces
    probabilities = [prediction.probability for prediction in face.predictions]
    assert {prediction.label for prediction in face.predictions} == set(recognizer.people)
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)


def test_strangers_are_unknown_and_still_have_a_likeliest_name(recognizer, friends):
    found = recognizer.recognize(friends).faces
    assert len(found) == 6
    assert {(face.known, face.label) for face in found} == {(False, None)}
    assert all(face.predictions[0].label in recognizer.people for face in found)


def test_an_aligned_face_is_what_the_network_sees(recognizer, portrait):
    assert recognizer.align(portrait).shape == (1, 224, 224, 3)


@pytest.mark.parametrize("step", ["recognize", "align"])
def test_a_photo_without_people_has_no_face(recognizer, step):
    file = io.BytesIO()
    Image.new("RGB", (320, 240), "white").save(file, "PNG")
    with pytest.raises(NoFaceError):
        getattr(recognizer, step)(file.getvalue())


def test_bytes_that_are_no_photo_are_a_photo_error(recognizer):
    with pytest.raises(UnsupportedFormatError):
        recognizer.recognize(b"Dear Sir or Madam")


def test_threads_that_share_a_recognizer_get_the_same_answers(recognizer, portrait, friends):
    photos = [portrait, friends] * 3
    alone = [recognizer.recognize(photo).faces for photo in photos[:2]]
    with ThreadPoolExecutor(3) as threads:
        together = [recognition.faces for recognition in threads.map(recognizer.recognize, photos)]
    for found, expected in zip(together, alone * 3, strict=True):
        assert [face.box for face in found] == [face.box for face in expected]
        assert [f.similarity for f in found] == pytest.approx([f.similarity for f in expected], abs=1e-4)


def test_no_bundle_is_a_bundle_error(tmp_path):
    with pytest.raises(BundleError, match="No bundle"):
        Recognizer.load(str(tmp_path), Settings.read())


def test_two_photos_of_one_person_are_verified_and_of_two_people_are_not(recognizer, portrait, samples):
    def compare(photo):
        found = recognizer.verify(*(recognizer.embed(recognizer.find(data), 1) for data in (portrait, photo)))
        return found.same, found.false_accept_rate

    people = samples / "people"
    assert compare((people / "Barack Obama" / "obama.jpg").read_bytes()) == (True, pytest.approx(0.001))
    assert compare((people / "Joe Biden" / "biden.jpg").read_bytes()) == (False, pytest.approx(0.001))


def test_every_face_has_an_embedding_of_its_own_and_one_can_be_chosen(recognizer, friends):
    found = recognizer.embed(recognizer.find(friends))
    assert found.embeddings.shape == (6, 512)
    assert len(found.detection.boxes) == len(found.detection.appearances) == 6
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=1), 1, rtol=1e-5)
    third = recognizer.embed(recognizer.find(friends), 3)
    assert third.detection.boxes == (found.detection.boxes[2],)
    np.testing.assert_allclose(third.embeddings[0], found.embeddings[2], atol=1e-4)
