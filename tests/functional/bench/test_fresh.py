"""A cold start is measured in a new process."""

import os

import pytest

from bench import fresh
from bench.contestants import Setup
from scripts import samples as sample_photos


def test_a_cold_start_answers_and_tells_its_stages(bundle, run, samples, weights, tmp_path):
    setup = Setup(bundle, run, weights.file, tmp_path)
    photo = samples / sample_photos.UNSEEN
    found = fresh.start("visage-onnx", [photo] * 3, setup, {**os.environ, "VISAGE_MODEL": str(bundle)}, early=2)
    assert found.names == ["Barack Obama"] * 3
    assert list(found.stages_ms) == ["interpreter", "imports", "library", "fetch", "load", "warm-up", "first request"]
    assert sum(found.stages_ms.values()) == pytest.approx(found.ms, rel=0.02)
    assert len(found.resident_mb) == 2
    assert all(50 < resident <= found.peak_mb < 1000 for resident in found.resident_mb)  # the second may be smaller
