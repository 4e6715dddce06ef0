"""Crops and detection sizes are compared on the sample people."""

import json

from evaluation import geometry as benchmark
from evaluation.geometry import Crop
from preprocess.geometry import Geometry

CROP = Crop(Geometry(), 160)


def test_a_folder_of_people_is_measured(samples, embedder, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "crops", lambda: [CROP])
    measured = benchmark.measure(samples / "people", embedder, 2, lambda *_: None)
    result = measured.to_dict()
    measured.write(tmp_path)
    assert json.loads((tmp_path / benchmark.Result.FILE).read_text(encoding="utf-8")) == result
    assert [row["size"] for row in result["detection"]] == list(benchmark.DETECTION_SIZES)
    assert result["detection"][-1]["with_a_face"] == result["photos"] >= result["faces"] > 4
    (crop,) = result["crops"]
    assert crop["d_prime"] > 3
