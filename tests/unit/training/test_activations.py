"""Stored activations are used again only if they are whole."""

import numpy as np
import pytest
import torch
from PIL import Image

from training import activations

SIZE = 16


class Network(torch.nn.Module):
    """Stands in for VisageNetwork: its trunk is one convolution."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 4, 3, stride=2)
        self.eval().requires_grad_(requires_grad=False)

    def activations(self, chips):
        return self.convolution(chips.permute(0, 3, 1, 2).float())


@pytest.fixture
def chips(tmp_path):
    """Two files of noise in the place of aligned faces."""
    files = [tmp_path / f"{number}.jpg" for number in range(2)]
    for number, file in enumerate(files):
        pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(file)
    return files


def spoil_header(store, old, new):
    header, rest = store.read_bytes()[:128], store.read_bytes()[128:]
    assert old in header
    store.write_bytes(header.replace(old, new)[:128] + rest)


SPOIL = {
    "empty counter": lambda store, counter: counter.write_text(""),
    "no counter": lambda store, counter: counter.unlink(),
    "counter of something else": lambda store, counter: counter.write_text("many"),
    "counter of bytes": lambda store, counter: counter.write_bytes(bytes([255, 254])),
    "negative counter": lambda store, counter: counter.write_text("-1"),
    "counter larger than the file": lambda store, counter: counter.write_text("100000"),
    "no array": lambda store, counter: store.unlink(),
    "empty array": lambda store, counter: store.write_bytes(b""),
    "torn header": lambda store, counter: store.write_bytes(store.read_bytes()[:20]),
    "torn array": lambda store, counter: store.write_bytes(store.read_bytes()[:-100]),
    "array of another shape": lambda store, counter: np.save(store, np.zeros((2, 1, 3), np.float32)),
    "array of other numbers": lambda store, counter: np.save(store, np.load(store).astype(np.float64)),
    "columns before rows": lambda store, counter: np.save(store, np.asfortranarray(np.load(store))),
    "header with a number that is none": lambda store, counter: spoil_header(store, b"'shape': (2", b"'shape': (02"),
    "header without an end": lambda store, counter: spoil_header(store, b"}", b"("),
    "something else": lambda store, counter: store.write_bytes(b"Dear Sir or Madam"),
}


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL)
def test_partial_or_damaged_activations_are_completed_with_the_same_result(chips, tmp_path, spoil):
    network, store, counter = Network(), tmp_path / "activations.npy", tmp_path / "activations.count"
    expected = np.array(activations.compute(network, chips, SIZE, store, lambda *_: None))
    counter.write_text("2")
    spoil(store, counter)
    done = []
    found = activations.compute(network, chips, SIZE, store, lambda *count: done.append(count))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert done[-1] == (4, 4)
