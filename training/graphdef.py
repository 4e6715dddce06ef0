"""Reads the constants of a frozen TensorFlow graph with protobuf, without TensorFlow.

Only the fields that are needed are declared (tensorflow/core/framework/{graph,node_def,attr_value,tensor}.proto).
"""

from typing import Any, Final

import numpy as np
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from model.cohort import FloatArray

_DT_FLOAT: Final = 1

_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED

_MESSAGES: Final = {
    "Dim": [("size", 1, FieldDescriptorProto.TYPE_INT64, _ONE)],
    "Shape": [("dim", 2, "Dim", _MANY)],
    "Tensor": [
        ("dtype", 1, FieldDescriptorProto.TYPE_INT32, _ONE),
        ("tensor_shape", 2, "Shape", _ONE),
        ("tensor_content", 4, FieldDescriptorProto.TYPE_BYTES, _ONE),
        ("float_val", 5, FieldDescriptorProto.TYPE_FLOAT, _MANY),
    ],
    "Value": [("tensor", 8, "Tensor", _ONE)],
    # A map is a repeated message of its keys and values.
    "Attribute": [("key", 1, FieldDescriptorProto.TYPE_STRING, _ONE), ("value", 2, "Value", _ONE)],
    "Node": [
        ("name", 1, FieldDescriptorProto.TYPE_STRING, _ONE),
        ("op", 2, FieldDescriptorProto.TYPE_STRING, _ONE),
        ("attr", 5, "Attribute", _MANY),
    ],
    "GraphDef": [("node", 1, "Node", _MANY)],
}
"""By message, its fields: name, number, type or message, and how often it occurs."""


def read_constants(graph: bytes) -> dict[str, FloatArray]:
    """Return every float32 constant of a serialised GraphDef by node name, in the graph's order.

    Raises:
        ValueError: the bytes are not a GraphDef.
    """
    message = _graph_def()()
    try:
        message.ParseFromString(graph)
        return {node.name: _value(tensor) for node in message.node for tensor in _float_tensors(node)}
    except (DecodeError, ValueError) as error:
        raise ValueError("Not a TensorFlow GraphDef.") from error


def _graph_def() -> Any:
    """Return the class of a GraphDef, in a pool of its own: TensorFlow's own may be in the default one."""
    file = FileDescriptorProto(name="visage_graphdef.proto", package="visage", syntax="proto3")
    for name, fields in _MESSAGES.items():
        declared = [_field(*field) for field in fields]
        file.message_type.append(DescriptorProto(name=name, field=declared))
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("visage.GraphDef"))


def _field(name: str, number: int, kind: Any, label: Any) -> FieldDescriptorProto:
    if isinstance(kind, str):
        type_name = f".visage.{kind}"
        return FieldDescriptorProto(
            name=name, number=number, type=FieldDescriptorProto.TYPE_MESSAGE, type_name=type_name, label=label
        )
    return FieldDescriptorProto(name=name, number=number, type=kind, label=label)


def _float_tensors(node: Any) -> list[Any]:
    """Return the value of a constant of float32; nothing of any other node."""
    if not node.op:
        raise ValueError("A node has no operation.")
    if node.op != "Const":
        return []
    tensors = [attribute.value.tensor for attribute in node.attr if attribute.key == "value"]
    if not tensors:
        raise ValueError("A constant has no value.")
    return [tensor for tensor in tensors if tensor.dtype == _DT_FLOAT]


def _value(tensor: Any) -> FloatArray:
    shape = tuple(dimension.size for dimension in tensor.tensor_shape.dim)
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype="<f4").reshape(shape)
    return np.resize(np.array(tensor.float_val, dtype=np.float32), shape)  # one value may stand for all
