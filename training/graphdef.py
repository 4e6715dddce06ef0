"""Reads the constants of a frozen TensorFlow graph, without TensorFlow.

A GraphDef is a protobuf message; of its fields five are needed: GraphDef.node = 1, NodeDef.name = 1, NodeDef.op = 2,
NodeDef.attr = 5 and, in the attribute `value`, TensorProto (tensorflow/core/framework/{graph,node_def,tensor}.proto).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

_DT_FLOAT = 1


def read_constants(graph: bytes) -> dict[str, FloatArray]:
    """Return every float32 constant of a serialised GraphDef by node name, in the graph's order.

    Raises:
        ValueError: the bytes are not a GraphDef.
    """
    try:
        nodes = [_group(node) for number, node in _fields(memoryview(graph)) if number == 1]
        return {
            str(node[1][0], "utf-8"): tensor
            for node in nodes
            if bytes(node[2][0]) == b"Const" and (tensor := _float_tensor(node)) is not None
        }
    except (IndexError, KeyError, TypeError) as error:
        raise ValueError("Not a TensorFlow GraphDef.") from error


def _float_tensor(node: dict[int, list[memoryview]]) -> FloatArray | None:
    """Return a Const node's value, or None where it is not float32."""
    attributes = {str(entry[1][0], "utf-8"): entry[2][0] for entry in map(_group, node[5])}
    tensor = _group(_group(attributes["value"])[8][0])  # AttrValue.tensor = 8
    if _integer(tensor[1][0]) != _DT_FLOAT:  # TensorProto.dtype = 1
        return None
    shape = _shape(tensor.get(2, [memoryview(b"")])[0])
    if 4 in tensor:  # TensorProto.tensor_content = 4
        return np.frombuffer(tensor[4][0], dtype="<f4").reshape(shape)
    return np.resize(np.frombuffer(b"".join(tensor[5]), dtype="<f4"), shape)  # TensorProto.float_val = 5, repeated


def _shape(message: memoryview) -> tuple[int, ...]:
    dimensions = _group(message).get(2, [])  # TensorShapeProto.dim = 2, Dim.size = 1
    return tuple(_integer(_group(dimension)[1][0]) for dimension in dimensions)


def _group(message: memoryview) -> dict[int, list[memoryview]]:
    grouped: dict[int, list[memoryview]] = {}
    for number, value in _fields(message):
        grouped.setdefault(number, []).append(value)
    return grouped


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield (field number, raw value) of a message (protobuf.dev/programming-guides/encoding)."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        start = position
        match key & 7:
            case 0:
                _, position = _varint(message, position)
            case 1:
                position += 8
            case 2:
                length, start = _varint(message, position)
                position = start + length
            case 5:
                position += 4
            case wire_type:
                raise ValueError(f"Not a TensorFlow GraphDef: wire type {wire_type}.")
        yield key >> 3, message[start:position]


def _integer(value: memoryview) -> int:
    return _varint(value, 0)[0]


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = message[position]
        position += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return result, position
