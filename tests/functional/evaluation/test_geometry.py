"""Crops and detection sizes are compared on the same faces, by how well they tell them apart."""

import json

import numpy as np

from evaluation import geometry as benchmark
from evaluation.geometry import Crop
from preprocess.geometry import Geometry

CROP = Crop(Geometry(), 160)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_embeddings_that_tell_everybody_apart_reach_everything():
    row = benchmark._crop_row(CROP, unit(np.repeat(np.eye(4, 512), 3, axis=0) + 0.001), np.repeat(np.arange(4), 3))
    assert row["tar_at_far"] == {"0.01": 1.0, "0.001": 1.0}
    assert (row["input_size"], row["padding"], row["stretch"]) == (160, 0.35, 1.25)


def test_embeddings_of_chance_reach_next_to_nothing():
    embeddings = unit(np.random.default_rng(0).normal(size=(60, 512)))
    row = benchmark._crop_row(CROP, embeddings, np.repeat(np.arange(6), 10))
    assert row["tar_at_far"]["0.01"] < 0.1
    assert abs(row["d_prime"]) < 0.3


def test_the_geometry_in_use_is_among_those_compared():
    assert CROP in benchmark.crops()


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
