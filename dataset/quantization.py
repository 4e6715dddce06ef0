"""A network in ONNX, in whole numbers of eight bits.

Every value between two layers is rounded (QuantizeLinear) and becomes a number again (DequantizeLinear). ONNX Runtime
replaces these two, and the layer between them, by a layer for whole numbers. Its documentation, "Quantize ONNX Models",
calls this QDQ.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import GraphProto, ModelProto, NodeProto, numpy_helper
from onnx.helper import make_node

Array = npt.NDArray[Any]

Ranges = Mapping[str, tuple[float, float]]
"""The least and the largest value of tensors by their names. 0 is within each range."""

_LARGEST_BIAS: Final = 2**30
"""A bias is stored in 32 bits, and is the start of the sum of products."""


def quantize(model: ModelProto, ranges: Ranges, is_exact: Callable[[NodeProto], bool] = lambda _: False) -> None:
    """Compute the convolutions and sums of a network in eight bits; each channel's weights have their own scale.

    Tensors without a range stay as they are, and so do convolutions of which `is_exact` is true.
    """
    graph = model.graph
    nodes = _without_relu(list(graph.node), ranges)
    scales = {name: _Scale.of(span) for name, span in ranges.items()}
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    del graph.node[:]
    for node in nodes:
        if node.op_type == "Conv" and not is_exact(node):
            _round_weights(graph, node, tensors, scales[node.input[0]])
        for at, name in enumerate(node.input):
            node.input[at] = _rounded(name) if name in ranges else name
        graph.node.append(node)
        if node.output[0] in ranges:
            _round_values(graph, node.output[0], scales[node.output[0]])


def remove_unused(model: ModelProto) -> None:
    """Remove tensors that no node uses, and the intermediate shapes."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:], model.graph.value_info[:]
    model.graph.initializer.extend(kept)


def _without_relu(nodes: Sequence[NodeProto], ranges: Ranges) -> list[NodeProto]:
    """Return the nodes without ReLU where its result is rounded: no whole number stands for less than its 0."""
    producers = {node.output[0]: node for node in nodes}
    kept = []
    for node in nodes:
        if node.op_type == "Relu" and ranges.get(node.output[0], (None,))[0] == 0:
            producers[node.input[0]].output[0] = node.output[0]
        else:
            kept.append(node)
    return kept


class _Scale(NamedTuple):
    """What a step of the whole numbers means, and which of them, 0 to 255, is zero."""

    step: np.float32
    zero: np.uint8

    @classmethod
    def of(cls, span: tuple[float, float]) -> "_Scale":
        least, largest = span
        step = np.float32((largest - least) / 255)
        return cls(step, np.uint8(round(-least / step)))


def _rounded(name: str) -> str:
    return f"{name}.rounded"


def _round_values(graph: GraphProto, name: str, scale: _Scale) -> None:
    """Add the two nodes that round the values called `name`."""
    step, zero = scale
    parameters = [_add(graph, f"{name}.step", np.array(step)), _add(graph, f"{name}.zero", np.array(zero))]
    graph.node.append(make_node("QuantizeLinear", [name, *parameters], [f"{name}.whole"]))
    graph.node.append(make_node("DequantizeLinear", [f"{name}.whole", *parameters], [_rounded(name)]))


def _round_weights(graph: GraphProto, convolution: NodeProto, tensors: Mapping[str, Array], source: _Scale) -> None:
    """Store the weights of a convolution, and its bias, as whole numbers with a step for each output channel."""
    _, weights_name, bias_name = convolution.input
    weights, bias = tensors[weights_name], tensors[bias_name]
    steps = _steps(weights, bias, source)
    whole = np.rint(weights / steps[:, None, None, None]).astype(np.int8)
    convolution.input[1] = _store(graph, weights_name, whole, steps)
    bias_steps = (steps * source.step).astype(np.float32)  # so that the bias can be added to the products
    convolution.input[2] = _store(graph, bias_name, np.rint(bias / bias_steps).astype(np.int32), bias_steps)


def _steps(weights: Array, bias: Array, source: _Scale) -> Array:
    """Return the step of each channel: its largest weight is 127 of them, or more where its bias would be too many."""
    steps = (np.abs(weights).max(axis=(1, 2, 3)) / 127).astype(np.float32)
    steps = np.maximum(steps, (np.abs(bias) / (_LARGEST_BIAS * source.step)).astype(np.float32))
    own: Array = np.where(steps == 0, np.float32(1), steps)
    return own


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
