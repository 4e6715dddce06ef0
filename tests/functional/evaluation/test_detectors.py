"""Every detector that is compared finds the face of a sample photo where it is, and nothing in a grey one."""

import io

import pytest
from PIL import Image

from evaluation.detectors import candidates, full_size_hog
from evaluation.rectangles import Rectangle, overlap
from preprocess.photo import Photo

LOADERS = {candidate.name: load for candidate, load in candidates().items()} | {"all pixels": full_size_hog}
FACE = Rectangle(180, 60, 90, 115, 1)
"""Where Eileen Collins's face is in the photo: from hairline to chin, half way to the ears."""


@pytest.mark.parametrize("name", LOADERS)
def test_a_detector_finds_a_face_where_it_is(samples, name):
    detect = LOADERS[name]()
    faces = detect(Photo((samples / "people/Eileen Collins/astronaut.png").read_bytes()))
    assert max(overlap(FACE, face) for face in faces) > 0.4


@pytest.mark.parametrize("name", LOADERS)
def test_a_detector_finds_nothing_in_a_grey_photo(name):
    file = io.BytesIO()
    Image.new("RGB", (320, 200), "grey").save(file, "PNG")
    assert list(LOADERS[name]()(Photo(file.getvalue()))) == []
