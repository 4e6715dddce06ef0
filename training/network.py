"""The network: facenet-pytorch's InceptionResnetV1, split into a frozen trunk and two heads.

    chips -> trunk -> embedding head, as pretrained -> embedding
                   -> naming head, fine-tuned       -> logits of the people trained on

Both heads start as the same pretrained layers. The naming head is fine-tuned to distinguish the people
trained on, and is no longer good at rejecting strangers; the embedding head still is. It takes 3 % of the trunk's time.
"""

import copy
import io
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Self
from zipfile import ZipFile

import torch
from torch import nn
from torch.nn import functional

from model.engines import fusion
from training.inception import InceptionResnetV1
from training.recipe import FINE_TUNED_LAYERS, INPUT_SIZE

EMBEDDING_SIZE: Final = 512

_NUMBERED: Final = re.compile(rb"___torch_mangle_\d+")
"""A name in TorchScript that more than one class of a process would have."""

_WRITTEN_LAST: Final = frozenset({"version", "byteorder", ".data/serialization_id"})
"""What torch writes into every file by itself: the format, and a digest of the rest."""


class VisageNetwork(nn.Module):
    """Chips in, scaled to `input_size`; unit-length embeddings and logits out."""

    def __init__(self, classes: int, fine_tuned_layers: int = FINE_TUNED_LAYERS, input_size: int = INPUT_SIZE) -> None:
        super().__init__()
        self.input_size = input_size
        self.scaled: Callable[[torch.Tensor], torch.Tensor] = partial(_interpolated, side=input_size)
        layers = _layers(InceptionResnetV1())
        cut = len(layers) - fine_tuned_layers
        self.trunk = nn.Sequential(OrderedDict(layers[:cut]))
        self.embedding_head = _head(layers[cut:])
        self.naming_head = copy.deepcopy(self.embedding_head)
        self.classifier = nn.Linear(EMBEDDING_SIZE, classes)
        for frozen in (self.trunk, self.embedding_head):
            frozen.requires_grad_(requires_grad=False)

    def load_pretrained(self, state: Mapping[str, torch.Tensor]) -> Self:
        """Put an InceptionResnetV1's state into the trunk and both heads; its own classifier is ignored.

        Raises:
            RuntimeError: names or shapes do not fit.
        """
        whole = InceptionResnetV1()
        whole.load_state_dict({name: value for name, value in state.items() if not name.startswith("logits.")})
        trained = dict(_layers(whole))
        for part in (self.trunk, self.embedding_head, self.naming_head):
            for name, layer in part.named_children():
                if name in trained:
                    layer.load_state_dict(trained[name].state_dict())
        return self

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the layers that train; the frozen ones stay in evaluation mode."""
        super().train(mode)
        self.trunk.eval()
        self.embedding_head.eval()
        return self

    def activations(self, chips: torch.Tensor) -> torch.Tensor:
        """Return the frozen trunk's output for (N, S, S, 3) uint8 RGB chips, which is the input of both heads."""
        pixels = chips.permute(0, 3, 1, 2).to(self.classifier.weight.dtype)
        normalised = (self.scaled(pixels) - 127.5) / 128.0  # facenet-pytorch's fixed_image_standardization
        activations: torch.Tensor = self.trunk(normalised)
        return activations

    def embed(self, activations: torch.Tensor) -> torch.Tensor:
        """Return (N, 512) unit-length embeddings by the pretrained head."""
        return functional.normalize(self.embedding_head(activations))

    def name(self, activations: torch.Tensor) -> torch.Tensor:
        """Return (N, C) logits by the fine-tuned head."""
        logits: torch.Tensor = self.classifier(self.naming_head(activations))
        return logits

    def forward(self, chips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the (N, 512) embeddings and (N, C) logits of (N, S, S, 3) uint8 RGB chips."""
        activations = self.activations(chips)
        return self.embed(activations), self.name(activations)


def frozen(network: nn.Module, example: torch.Tensor) -> torch.jit.ScriptModule:
    """Return a network as TorchScript in eval mode, its weights constants and batch norm folded into convolutions.

    Chips have their channels last. Keeping them last takes a CPU 30 % less time. oneDNN's fusion would save a little
    more, but fails on two heads ("Cannot access data pointer of Tensor that doesn't have storage", torch 2.13).

    torch's check of a trace is off: it traces again, which takes twice as long as the trace itself. It looks for
    networks that take another path each time, and in eval mode this one takes the same.
    """
    network = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
    scripted: torch.jit.ScriptModule = torch.jit.freeze(traced)
    return scripted


def save_frozen(network: torch.jit.ScriptModule, file: Path) -> None:
    """Write a frozen network; the same network gives the same bytes, whatever this process did before, and wherever.

    torch numbers the names of classes, and keeps on counting as long as a process lives. For tracebacks, it also stores
    which lines of which files made the network, with their paths. We number the names anew, and leave the lines out.
    Where this version of torch cannot do that, its own file is as good, but its bytes differ.
    """
    try:
        _save_reproducibly(network, file)
    except fusion.FAILURES:
        torch.jit.save(network, file)


def _save_reproducibly(network: torch.jit.ScriptModule, file: Path) -> None:
    written = io.BytesIO()
    torch.jit.save(network, written)
    numbers: dict[bytes, bytes] = {}

    def renumbered(content: bytes) -> bytes:
        return _NUMBERED.sub(lambda name: numbers.setdefault(name[0], b"___torch_mangle_%d" % len(numbers)), content)

    writer = torch._C.PyTorchFileWriter(str(file))  # noqa: SLF001  # with weights aligned as torch.jit.save aligns them
    with ZipFile(written) as archive:
        writer.set_min_version(int(archive.read("archive/version")))
        for path in archive.namelist():
            name = path.partition("/")[2]
            if name in _WRITTEN_LAST or name.endswith(".debug_pkl"):
                continue
            content = archive.read(path)
            if not name.startswith("constants/"):
                content = renumbered(content)
            writer.write_record(renumbered(name.encode()).decode(), content, len(content))
    writer.write_end_of_file()


def without_interpolation(network: VisageNetwork, side: int) -> VisageNetwork:
    """Return a copy of a network that takes chips of one side, (N, side, side, 3), and scales them by a matrix.

    torch.onnx cannot export antialiased interpolation. Multiplying rows and columns by a matrix gives the same, to 1e-7
    in an embedding; in TorchScript it takes 0.5 ms more.
    """
    unit = torch.eye(side)[None, None]
    matrix = functional.interpolate(unit, (network.input_size, side), mode="bilinear", antialias=True)[0, 0]
    other = copy.deepcopy(network)
    other.scaled = lambda pixels: matrix @ pixels @ matrix.T
    return other


def _interpolated(pixels: torch.Tensor, side: int) -> torch.Tensor:
    return functional.interpolate(pixels, (side, side), mode="bilinear", antialias=True)


def restore_batch_norm(head: nn.Module, activations: torch.Tensor) -> None:
    """Give every batch norm in `head` the statistics it sees on `activations`, leaving the function unchanged.

    Weights that were folded into their convolutions come with empty statistics (mean 0, variance 1). That is exact in
    evaluation, but harms training, where batches are normalised by their own statistics.
    """
    seen: dict[nn.Module, torch.Tensor] = {}
    norms = [module for module in head.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(lambda norm, inputs: seen.update({norm: inputs[0]})) for norm in norms]
    head.eval()
    with torch.no_grad():
        head(activations)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        _restate(norm, seen[norm])


def is_folded(head: nn.Module) -> bool:
    """Whether some batch norm in `head` has no statistics of its own because they were folded away."""
    norms = (module for module in head.modules() if isinstance(module, nn.BatchNorm2d))
    return any(norm.running_mean is not None and not norm.running_mean.any() for norm in norms)


def _restate(norm: nn.BatchNorm1d | nn.BatchNorm2d, inputs: torch.Tensor) -> None:
    """Set running mean and variance to those of `inputs`, and weight and bias so that eval mode computes the same."""
    if norm.running_mean is None or norm.running_var is None:
        return
    variance, mean = torch.var_mean(inputs, dim=[d for d in range(inputs.ndim) if d != 1])
    with torch.no_grad():
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        norm.bias.copy_(norm.bias + gain * (mean - norm.running_mean))
        norm.weight.copy_(gain * torch.sqrt(variance + norm.eps))
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)


def _layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return InceptionResnetV1's layers, first to last, without a classifier."""
    return [(name, layer) for name, layer in network.named_children() if name != "logits"]


def _head(layers: list[tuple[str, nn.Module]]) -> nn.Sequential:
    """Chain the last layers as InceptionResnetV1's forward() does, which flattens before `last_linear`."""
    names = [name for name, _ in layers]
    at = names.index("last_linear")
    return nn.Sequential(OrderedDict([*layers[:at], ("flatten", nn.Flatten()), *layers[at:]]))
