"""The network in ONNX, as the second engine runs it: in whole numbers of eight bits if these are good enough.

The ranges of values between layers are measured on chips of the run. An embedding of eight bits differs from that of
float32 as two pictures of a face taken at once do, so that a bundle has prototypes and a calibration for each.
"""

import tempfile
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch

from dataset.quantization import Ranges, quantize, remove_unused
from model import bundle as bundles
from model.cohort import FloatArray
from model.settings import cores
from preprocess.photo import RGBArray
from preprocess.runtime import onnxruntime, session
from preprocess.temporary import temporary_folder
from training.network import VisageNetwork, without_interpolation

MIN_COSINE: Final = 0.99
"""Eight bits are used only if the embeddings of the run's chips have this cosine to those of float32 on average. It is
0.9995 with the weights of CASIA-WebFace; 0.996 to 0.9985 for the least alike of 7,701 photos of LFW."""

_OPSET: Final = 17

_TAIL: Final = 10_000
"""A range leaves out the largest of so many values of a tensor. With it, the mean cosine to float32 is 0.9995 instead
of 0.9994, and the least one of 100 chips 0.9989 instead of 0.9988; 8 chips do as well as 64."""

_LEAST_RANGE: Final = 1e-3
"""The largest value of a range is at least this: a channel may be silent in a few chips."""


def write(network: VisageNetwork, chips: RGBArray, folder: Path) -> None:
    """Write the network into `folder` in eight bits, with ranges that are measured on (K, S, S, 3) uint8 RGB chips."""
    with temporary_folder(folder) as temporary:
        _write_folded(network, chips, temporary)
        model = onnx.load(temporary / bundles.ONNX)
        quantize(model, _ranges_of(model, np.concatenate([chips, chips[:, :, ::-1]])))
        remove_unused(model)
        onnx.save(model, temporary / "rounded.onnx")
        optimize_onnx(str(temporary / "rounded.onnx"), folder, whole_layers=True)


def write_exact(network: VisageNetwork, chips: RGBArray, folder: Path) -> None:
    """Write the network into `folder` for float32, with its weights stored as float16; `chips` are any."""
    _write_folded(network, chips, folder)
    _halve_onnx(folder)


def _write_folded(network: VisageNetwork, chips: RGBArray, folder: Path) -> None:
    """Write the network, with constants folded by ONNX Runtime and weights in a separate file.

    With both, a session starts in 0.15 s instead of 0.32 s.
    """
    example = torch.from_numpy(chips[:1])
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".onnx") as file:
        trace_onnx(without_interpolation(network, chips.shape[1]), example, file.name, ["embeddings", "logits"])
        optimize_onnx(file.name, folder)


def trace_onnx(network: torch.nn.Module, example: torch.Tensor, file: str, outputs: list[str]) -> None:
    """Write a network as one ONNX file by torch's exporter, whose deprecation does not concern the user."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module=r"torch\.onnx\.", category=DeprecationWarning)
        torch.onnx.export(
            network,
            (example,),
            file,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["chips"],
            output_names=outputs,
            dynamic_axes={name: {0: "count"} for name in ("chips", *outputs)},
        )


def optimize_onnx(file: str, folder: Path, *, whole_layers: bool = False) -> None:
    """Write the network in `file` into `folder` after ONNX Runtime has folded its constants.

    With `whole_layers`, it has also replaced layers between rounded values by layers for whole numbers, so that a
    session need not: it starts in 60 % of the time. Only optimizations that work on every processor are used.
    """
    library = onnxruntime()
    options = library.SessionOptions()
    levels = library.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if whole_layers else levels.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / bundles.ONNX)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", bundles.ONNX_WEIGHTS)
    library.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def save_onnx(network: onnx.ModelProto, folder: Path) -> None:
    """Write a network and its weights over those in `folder`."""
    weights = folder / bundles.ONNX_WEIGHTS
    weights.unlink()  # onnx would append to it
    onnx.save(network, folder / bundles.ONNX, save_as_external_data=True, location=bundles.ONNX_WEIGHTS)
    weights.chmod((folder / bundles.ONNX).stat().st_mode)


def _halve_onnx(folder: Path) -> None:
    """Store the convolutions' weights in float16; ONNX Runtime converts them to float32 when it loads them."""
    network = onnx.load(folder / bundles.ONNX)
    weights = {tensor.name: tensor for tensor in network.graph.initializer}
    for node in [node for node in network.graph.node if node.op_type == "Conv"]:
        name = node.input[1]
        half = onnx.numpy_helper.to_array(weights[name]).astype(np.float16)
        weights[name].CopyFrom(onnx.numpy_helper.from_array(half, f"{name}.half"))
        cast = onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        network.graph.node.insert(0, cast)
    save_onnx(network, folder)


def _ranges_of(model: onnx.ModelProto, chips: RGBArray) -> Ranges:
    """Return the ranges of all values that convolutions, sums, joins and maxima take and give, as measured on chips."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = _between_layers(model.graph)
    del watched.graph.output[:]
    watched.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    run = session(watched.SerializeToString(), cores()).run
    ends = np.array([[_ends(values) for values in run(None, {"chips": chip[None]})] for chip in chips])
    least, largest = np.minimum(ends[:, :, 0].min(axis=0), 0), np.maximum(ends[:, :, 1].max(axis=0), _LEAST_RANGE)
    ranges = dict(zip(names, zip(least.tolist(), largest.tolist(), strict=True), strict=True))
    # A maximum has the range of what it is taken from, so that ONNX Runtime can take it from whole numbers.
    return ranges | {node.output[0]: ranges[node.input[0]] for node in model.graph.node if node.op_type == "MaxPool"}


def _between_layers(graph: onnx.GraphProto) -> list[str]:
    """Return the names of the values to round."""
    weights = {tensor.name for tensor in graph.initializer}
    names = []
    for node in graph.node:
        if node.op_type == "Conv":
            names.append(node.input[0])
        elif node.op_type in {"Add", "Concat", "MaxPool"}:
            names += node.input
        if node.op_type in {"Concat", "MaxPool"}:
            names += node.output
    return [name for name in dict.fromkeys(names) if name not in weights]


def _ends(values: FloatArray) -> tuple[float, float]:
    """Return the least and the largest of a tensor's values without the outermost of each _TAIL."""
    flat = values.ravel()
    left_out = len(flat) // _TAIL
    ordered = np.partition(flat, (left_out, -1 - left_out))
    return float(ordered[left_out]), float(ordered[-1 - left_out])
