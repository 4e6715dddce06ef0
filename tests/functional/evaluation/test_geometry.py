"""Crops are compared on the sample people."""

import json

import pytest
from PIL import Image

from dataset.folders import walk
from evaluation import geometry as benchmark
from evaluation.geometry import Crop
from preprocess.geometry import Geometry

CROP = Crop(Geometry(), 160)
SIDE = 500


@pytest.fixture
def people(samples, tmp_path):
    """The sample people, in small photos."""
    for source in sorted((samples / "people").rglob("*.*")):
        target = tmp_path / "people" / source.parent.name / f"{source.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(source) as photo:
            photo.thumbnail((SIDE, SIDE))
            photo.convert("RGB").save(target)
    return walk(tmp_path / "people")


@pytest.mark.usefixtures("no_workers")
def test_a_folder_of_people_is_measured(people, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "crops", lambda: [CROP])
    measured = benchmark.measure(people, embedder, 1, lambda *_: None)
    result = measured.to_dict()
    measured.write(tmp_path)
    assert json.loads((tmp_path / benchmark.Result.FILE).read_text(encoding="utf-8")) == result
    assert result["photos"] >= result["faces"] > 4
    (crop,) = result["crops"]
    assert crop["d_prime"] > 3
