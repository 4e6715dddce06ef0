"""Detectors are compared on the same photos, and what they found is kept."""

import io

import numpy as np
import pytest
from PIL import Image

from evaluation import blazeface, detection, detectors
from evaluation.detection import Change, measure
from evaluation.detectors import Candidate
from evaluation.pictures import complete
from evaluation.rectangles import Rectangle, same_face
from preprocess.photo import Photo

SIDE = 100


def saved(path, size=(SIDE, SIDE), color="white"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, color).save(path)
    return path


def middle(photo):
    """Return a face in the middle of the photo, half as wide."""
    return [Rectangle(photo.width / 4, photo.height / 4, photo.width / 2, photo.height / 2, 1)]


class Bright:
    """A detector that takes the middle of a white photo for a face, and counts the photos that it has seen."""

    def __init__(self):
        self.seen = 0

    def __call__(self, photo):
        self.seen += 1
        return middle(photo) if photo.pixels().max() > 200 else []


@pytest.fixture
def bright(monkeypatch):
    monkeypatch.setattr(detection, "_witness", lambda: middle)
    return Bright()


@pytest.fixture
def compare(tmp_path, bright):
    """Compare one detector on a white and a black photo and a white and a black picture."""
    photos = [saved(tmp_path / "photos" / name, color=name[:5]) for name in ("white.png", "black.png")]
    pictures = [saved(tmp_path / "pictures" / name, (90, 90), name[:5]) for name in ("white.png", "black.png")]

    def compare(*changes, steps=lambda *_: None):
        loaders = {Candidate("bright", 7): lambda: bright}
        return measure({"photos": photos}, pictures, loaders, changes or [Change()], tmp_path / "output", steps)

    return compare


def test_faces_are_counted_by_folder_and_false_ones_in_pictures(compare):
    result = compare()
    (row,) = result.rows
    assert (result.photos, result.pictures, result.unreadable) == ({"photos": 2}, 2, 0)
    assert (row["detector"], row["size"], row["with_a_face"]) == ("bright", 7, {"photos": 1})
    assert row["pictures_with_a_face"] == 1
    assert row["ms"]["photos"]["median"] <= row["ms"]["photos"]["p95"] <= row["ms"]["photos"]["max"]


def test_boxes_are_compared_with_those_of_a_witness(compare):
    (row,) = compare().rows
    assert (row["witnessed"], row["witnessed_found"], row["median_overlap"]) == (2, 1, 1)


def test_a_later_call_looks_only_at_what_is_new(compare, bright):
    compare()
    seen = bright.seen
    steps = []
    compare(steps=lambda *step: steps.append(step))
    assert bright.seen == seen
    compare(Change(), Change(padding=0.5))
    assert bright.seen == 2 * seen
    assert steps[-1] == ("Detecting faces, photos", 4, 4)


def test_a_torn_line_of_the_journal_is_looked_at_again(compare, bright, tmp_path):
    whole = compare()
    seen = bright.seen
    (journal,) = (tmp_path / "output").glob("*.jsonl")
    journal.write_bytes(journal.read_bytes()[:-9])
    assert compare().rows[0]["with_a_face"] == whole.rows[0]["with_a_face"]
    assert bright.seen == seen + 2  # the photo, and the first one of a detector that was loaded again


def test_a_damaged_photo_counts_nowhere(compare, tmp_path):
    (tmp_path / "photos" / "black.png").write_bytes(b"no photo")
    result = compare()
    assert (result.photos, result.unreadable) == ({"photos": 1}, 1)


@pytest.mark.parametrize(("turn", "size"), [(90, (40, 80)), (180, (80, 40)), (30, (90, 75))])
def test_a_photo_is_turned_clockwise(tmp_path, turn, size):
    path = saved(tmp_path / "photo.png", (80, 40), "black")
    with Image.open(path) as photo:
        photo.paste("white", (0, 0, 10, 10))
        photo.save(path)
    data, margin = Change(turn=turn)(path.read_bytes())
    turned = Photo(data)
    assert margin == 0
    assert np.abs(np.subtract((turned.width, turned.height), size)).max() <= 1
    y, x = (places.mean() for places in np.nonzero(turned.pixels()[:, :, 0] > 200))
    assert (x > turned.width / 2) == (turn in {90, 180})
    assert (y > turned.height / 2) == (turn == 180)


def test_faces_of_a_padded_photo_are_those_of_the_photo(compare, tmp_path):
    data, margin = Change(padding=0.35)((tmp_path / "photos" / "white.png").read_bytes())
    with Image.open(io.BytesIO(data)) as padded:
        assert (margin, padded.size) == (35, (170, 170))
    (row,) = compare(Change(padding=0.35)).rows
    assert row["witnessed_found"] == 1


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Rectangle(20, 20, 100, 100, 1), True),
        (Rectangle(60, 60, 20, 20, 1), False),
        (Rectangle(30, 30, 50, 50, 1), True),
        (Rectangle(200, 0, 100, 100, 1), False),
    ],
)
def test_rectangles_of_one_face_overlap_or_hold_each_others_centre(other, same):
    assert same_face(Rectangle(0, 0, 100, 100, 1), other) is same


def test_a_detector_whose_packages_are_missing_is_left_out(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "blazeface" not in {candidate.detector for candidate in detectors.candidates()}
    with pytest.raises(ModuleNotFoundError, match="make bench"):
        blazeface.BlazeFace(128)


@pytest.mark.parametrize(("size", "anchors"), [(128, 896), (192, 2304), (256, 896)])
def test_blazeface_has_the_anchors_of_its_outputs(size, anchors):
    places = blazeface._anchors(size, blazeface.VARIANTS[size])
    assert places.shape == (anchors, 2)
    assert 0 < places.min() < places.max() < 1


def test_blazeface_sees_what_its_network_says_in_pixels_of_the_photo(tmp_path):
    detector = object.__new__(blazeface.BlazeFace)
    detector._size, detector._anchors = 128, blazeface._anchors(128, blazeface.VARIANTS[128])
    detector._network, detector._input, detector._outputs = FakeNetwork(), 0, ["boxes", "scores"]
    (face,) = detector(Photo(saved(tmp_path / "wide.png", (256, 128)).read_bytes()))
    assert (face.left, face.top, face.width, face.height) == pytest.approx((108, 44, 40, 40))
    assert detector._network.given.shape == (1, 128, 128, 3)


class FakeNetwork:
    """A network of 128 pixels that sees one face, 20 pixels wide, in its middle, by two anchors."""

    def set_tensor(self, _, values):
        self.given = values

    def invoke(self):
        pass

    def get_tensor(self, name):
        places = blazeface._anchors(128, blazeface.VARIANTS[128])
        rows = np.zeros((1, len(places), 16), np.float32)
        rows[0, :, :2] = 64 - places * 128
        rows[0, :, 2:4] = 20
        scores = np.full((1, len(places), 1), -100, np.float32)
        scores[0, [0, 500], 0] = 3, 2
        return rows if name == "boxes" else scores


def test_pictures_without_people_are_made_once_and_alike(tmp_path, monkeypatch):
    monkeypatch.setattr("evaluation.pictures.SCIKIT_IMAGE", ())
    first, second = complete(tmp_path), complete(tmp_path)
    contents = [path.read_bytes() for path in first]
    assert first == second
    assert len(first) == len(set(contents)) >= 40
    other = tmp_path / "other"
    other.mkdir()
    assert [path.read_bytes() for path in complete(other)] == contents
