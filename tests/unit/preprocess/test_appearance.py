"""How a head is turned, how good its picture is, and why a name may be wrong, told from five points."""

import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from preprocess.appearance import _HEAD, _PLACES, appearance, pose, upright
from preprocess.photo import Photo

SKIN, MASK = (200, 150, 120), (90, 140, 210)
SIDE = 224
POINTS = _PLACES * 2
"""The points of a face that is twice as large as the upright one, in a photo of 224 pixels."""


def photo(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return Photo(file.getvalue())


@pytest.fixture
def face():
    """A picture of skin with many details."""
    noise = np.random.default_rng(1).normal(0, 25, (SIDE, SIDE, 1))
    return Image.fromarray((np.array(SKIN) + noise).clip(0, 255).astype(np.uint8))


def head(yaw=0.0, pitch=0.0, roll=0.0):
    """Return the points of the average head, turned by so many degrees, in a picture."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in map(math.radians, (yaw, pitch, roll)))
    around_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    around_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return 30 * (_HEAD @ (around_z @ around_y @ around_x).T)[:, :2] + (400, 300)


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (40, 0, 0), (-60, 10, 5), (0, -25, 0), (20, 15, -40), (0, 0, 90), (10, 0, 179)]
)
def test_an_average_heads_pose_is_found_whatever_the_scale(angles):
    found = pose(head(*angles))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx(angles, abs=0.01)
    assert pose(7 * head(*angles)).yaw == pytest.approx(found.yaw)


def test_a_mirrored_head_looks_to_the_other_side():
    points = head(30, 10, 20)
    mirrored = (points * (-1, 1))[[1, 0, 2, 4, 3]]
    found = pose(mirrored)
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((-30, 10, -20), abs=0.01)


def test_points_in_one_place_are_the_poorest_face(face):
    said = appearance(photo(face), 1, 1, np.full((5, 2), 7.0))
    assert np.isfinite(said.pose.yaw)
    assert said.quality.score == 0


@pytest.mark.parametrize("quarters", range(4))
def test_a_face_is_put_upright_however_the_photo_lies(quarters):
    picture = Image.new("RGB", (SIDE, SIDE), "grey")
    for (x, y), colour in zip(POINTS, ("red", "lime", "blue", "yellow", "cyan"), strict=True):
        ImageDraw.Draw(picture).ellipse((x - 6, y - 6, x + 6, y + 6), colour)
    points = POINTS
    for _ in range(quarters):  # clockwise
        picture = picture.transpose(Image.Transpose.ROTATE_270)
        points = np.column_stack([SIDE - points[:, 1], points[:, 0]])
    face = upright(photo(picture), points)
    colours = [tuple(face[round(y), round(x)] > 128) for x, y in _PLACES]
    assert colours == [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1)]


@pytest.mark.parametrize("moved", [(-150, 0), (0, 150), (400, 400), (-9000, 5)])
def test_a_face_at_the_edge_is_black_where_there_is_no_photo(face, moved):
    cut = upright(photo(face), POINTS + moved)
    assert cut.shape == (112, 112, 3)
    assert (cut == 0).all(axis=2).mean() > 0.4


def test_a_good_picture_gets_no_advice(face):
    said = appearance(photo(face), 180, 180, POINTS)
    assert said.advice == ()
    assert said.quality.score > 0.9
    assert (said.quality.size, said.quality.share) == (180, pytest.approx(180**2 / SIDE**2))


def darker(image):
    return image.point(lambda value: value * 0.05)


def blurred(image):
    return image.filter(ImageFilter.GaussianBlur(9))


def masked(image):
    covered = image.copy()
    covered.paste(MASK, (0, 115, SIDE, SIDE))
    return covered


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [(darker, "too_dark"), (blurred, "blurred"), (masked, "covered")],
    ids=["dark", "blurred", "masked"],
)
def test_what_spoils_a_picture_is_said_and_lowers_its_quality(face, spoil, advice):
    good = appearance(photo(face), 180, 180, POINTS)
    poor = appearance(photo(spoil(face)), 180, 180, POINTS)
    assert poor.advice == (advice,)
    assert poor.quality.score < good.quality.score - 0.3


def test_a_small_face_is_too_small_and_not_called_blurred(face):
    small = face.resize((20, 20))
    said = appearance(photo(small), 16, 16, POINTS * 20 / SIDE)
    assert said.advice == ("too_small",)
    assert said.quality.score < 0.5


def test_a_head_that_looks_away_is_turned_away(face):
    points = (head(50) - (400, 300)) * 0.4 + SIDE / 2
    assert "turned_away" in appearance(photo(face), 180, 180, points).advice


def test_a_grey_photo_is_not_called_covered(face):
    assert appearance(photo(masked(face).convert("L")), 180, 180, POINTS).advice == ()


def test_skin_of_any_colour_in_any_light_is_not_called_covered(face):
    for colours in ((0.3, 0.3, 0.3), (0.5, 0.35, 0.25), (1.2, 1.2, 1.0), (0.7, 0.8, 1.1)):
        tinted = Image.fromarray((np.asarray(face) * np.array(colours)).clip(0, 255).astype(np.uint8))
        assert "covered" not in appearance(photo(tinted), 180, 180, POINTS).advice
