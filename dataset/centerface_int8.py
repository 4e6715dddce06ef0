"""CenterFace's network in whole numbers of eight bits.

Every value between two layers is rounded (QuantizeLinear) and becomes a number again (DequantizeLinear). ONNX Runtime
replaces these two, and the layer between them, by a layer for whole numbers. Its documentation, "Quantize ONNX Models",
calls this QDQ.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper
from onnx.helper import make_node

Array = npt.NDArray[Any]

_RANGES: Final = {
    "input.1": (0, 255),
    "365": (0.00, 12.24),
    "368": (0.00, 21.72),
    "369": (-19.86, 15.94),
    "373": (0.00, 21.43),
    "376": (0.00, 11.86),
    "377": (-13.94, 12.02),
    "381": (0.00, 6.76),
    "384": (0.00, 10.90),
    "385": (-10.22, 11.26),
    "387": (-14.22, 14.52),
    "390": (0.00, 9.07),
    "393": (0.00, 7.37),
    "394": (-5.68, 6.48),
    "398": (0.00, 9.61),
    "401": (0.00, 4.88),
    "402": (-5.50, 8.90),
    "404": (-7.83, 10.66),
    "407": (0.00, 18.06),
    "410": (0.00, 7.43),
    "411": (-12.76, 11.26),
    "413": (-13.02, 16.35),
    "416": (0.00, 8.87),
    "419": (0.00, 10.37),
    "420": (-9.74, 7.73),
    "424": (0.00, 7.09),
    "427": (0.00, 5.36),
    "428": (-4.46, 4.22),
    "430": (-10.15, 8.74),
    "433": (0.00, 5.90),
    "436": (0.00, 5.06),
    "437": (-5.52, 4.42),
    "439": (-9.84, 11.01),
    "442": (0.00, 5.70),
    "445": (0.00, 7.32),
    "446": (-8.59, 9.50),
    "448": (-12.56, 13.28),
    "451": (0.00, 6.28),
    "454": (0.00, 7.88),
    "455": (-4.76, 4.59),
    "459": (0.00, 7.17),
    "462": (0.00, 12.97),
    "463": (-5.56, 3.73),
    "465": (-5.96, 5.71),
    "468": (0.00, 8.07),
    "471": (0.00, 17.32),
    "472": (-12.69, 7.33),
    "474": (-15.01, 8.30),
    "477": (0.00, 5.68),
    "480": (0.00, 18.09),
    "481": (-9.59, 9.11),
    "485": (0.00, 10.14),
    "488": (0.00, 17.02),
    "489": (-5.38, 5.34),
    "491": (-9.00, 10.26),
    "494": (0.00, 8.64),
    "497": (0.00, 11.88),
    "498": (-10.60, 8.43),
    "500": (-13.92, 15.09),
    "503": (0.00, 9.04),
    "506": (0.00, 11.63),
    "507": (-7.81, 7.58),
    "511": (0.00, 7.49),
    "514": (0.00, 7.56),
    "517": (0.00, 7.20),
    "518": (0.00, 12.34),
    "521": (0.00, 12.10),
    "524": (0.00, 6.57),
    "525": (0.00, 12.10),
    "528": (0.00, 9.19),
    "531": (0.00, 2.00),
    "532": (0.00, 9.19),
    "535": (0.00, 3.85),
}
"""The least and the largest value of each tensor, by its name in the package's file.

Measured with the network in float32 on 85 web photos of people, some of them masked, cut to the face, or turned by a
quarter or a half; scaled to 256 pixels, with a margin around the faces in every second photo.
"""

_HEADS: Final = "head."
"""What the names of the last layers' weights begin with. These say where a face is, and stay in float32."""


def quantize(model: ModelProto) -> None:
    """Compute the convolutions and sums of the network in eight bits; each channel's weights have their own scale."""
    graph = model.graph
    nodes = _without_relu(list(graph.node))
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Conv" and not node.input[1].startswith(_HEADS):
            _round_weights(graph, node, tensors)
        for at, name in enumerate(node.input):
            node.input[at] = _rounded(name) if name in _RANGES else name
        graph.node.append(node)
        if node.output[0] in _RANGES:
            _round_values(graph, node.output[0])


def _without_relu(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """Return the nodes without ReLU where its result is rounded: no whole number stands for less than its 0."""
    producers = {node.output[0]: node for node in nodes}
    kept = []
    for node in nodes:
        if node.op_type == "Relu" and _RANGES[node.output[0]][0] == 0:
            producers[node.input[0]].output[0] = node.output[0]
        else:
            kept.append(node)
    return kept


class _Scale(NamedTuple):
    """What a step of the whole numbers means, and which of them, 0 to 255, is zero."""

    step: np.float32
    zero: np.uint8

    @classmethod
    def of(cls, name: str) -> "_Scale":
        least, largest = _RANGES[name]
        step = np.float32((largest - least) / 255)
        return cls(step, np.uint8(round(-least / step)))


def _rounded(name: str) -> str:
    return f"{name}.rounded"


def _round_values(graph: GraphProto, name: str) -> None:
    """Add the two nodes that round the values called `name`."""
    step, zero = _Scale.of(name)
    parameters = [_add(graph, f"{name}.step", np.array(step)), _add(graph, f"{name}.zero", np.array(zero))]
    graph.node.append(make_node("QuantizeLinear", [name, *parameters], [f"{name}.whole"]))
    graph.node.append(make_node("DequantizeLinear", [f"{name}.whole", *parameters], [_rounded(name)]))


def _round_weights(graph: GraphProto, convolution: NodeProto, tensors: Mapping[str, Array]) -> None:
    """Store the weights of a convolution, and its bias, as whole numbers with a step for each output channel."""
    source, weights_name, bias_name = convolution.input
    weights, bias = tensors[weights_name], tensors[bias_name]
    steps = (np.abs(weights).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    whole = np.rint(weights / steps[:, None, None, None]).astype(np.int8)
    convolution.input[1] = _store(graph, weights_name, whole, steps)
    bias_steps = (steps * _Scale.of(source).step).astype(np.float32)  # so that the bias can be added to the products
    convolution.input[2] = _store(graph, bias_name, np.rint(bias / bias_steps).astype(np.int32), bias_steps)


def _store(graph: GraphProto, name: str, whole: Array, steps: Array) -> str:
    """Add whole numbers with a step for each of their rows, and the node that makes numbers of them."""
    parameters = [
        _add(graph, f"{name}.whole", whole),
        _add(graph, f"{name}.steps", steps),
        _add(graph, f"{name}.zeros", np.zeros(len(steps), whole.dtype)),
    ]
    graph.node.append(make_node("DequantizeLinear", parameters, [_rounded(name)], axis=0))
    return _rounded(name)


def _add(graph: GraphProto, name: str, values: Array) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name
