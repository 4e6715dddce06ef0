"""The pretrained network in ONNX, which worker processes use, gives the embeddings that torch gives."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from preprocess.geometry import Geometry
from training import embedding_network
from training.embedder import Embedder
from training.embedding_network import in_onnx


@pytest.fixture(scope="module")
def chips(aligned):
    files = sorted(aligned.glob("[!.]*/*.jpg"))
    return np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])


def test_both_give_the_same_embeddings(embedder, chips):
    np.testing.assert_allclose(embedder(chips), replace(embedder, onnx=None)(chips), atol=1e-5)


def test_chips_of_other_sizes_do_not_use_it(embedder, chips):
    """It has the size built in."""
    other = replace(embedder, geometry=Geometry(size=160))
    assert other(chips[:2]).shape == (2, 512)


def test_embeddings_that_are_stored_stay_valid_when_the_cache_moves(embedder):
    assert repr(replace(embedder, onnx=None)) == repr(embedder)


def test_it_is_written_once(weights, embedder, monkeypatch):
    monkeypatch.setattr(embedding_network, "trace_onnx", None)
    assert Embedder.of_pretrained(weights) == embedder


def test_an_interruption_leaves_nothing_half_written(weights, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(embedding_network, "optimize_onnx", interrupt)
    monkeypatch.setattr(embedding_network, "trace_onnx", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        in_onnx(replace(weights, cache=tmp_path), 224)
    assert list(tmp_path.iterdir()) == []


def test_what_another_process_has_just_written_stays(weights, tmp_path, monkeypatch):
    def written_meanwhile(_, folder):
        for home in (folder, tmp_path / folder.name):
            home.mkdir(exist_ok=True)
            (home / "model.onnx").touch()

    monkeypatch.setattr(embedding_network, "optimize_onnx", written_meanwhile)
    monkeypatch.setattr(embedding_network, "trace_onnx", lambda *_: None)
    assert in_onnx(replace(weights, cache=tmp_path), 224).is_file()
    assert len(list(tmp_path.iterdir())) == 1
