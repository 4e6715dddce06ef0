"""The constants of a frozen graph are read from small messages that are written by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.graphdef import read_constants

FLOAT, INT32 = 1, 3


def varint(value):
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number, value):
    """Encode a field: an integer as a varint, bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def node(name, op, tensor=None):
    value = field(5, field(1, b"value") + field(2, field(8, tensor))) if tensor is not None else b""
    return field(1, field(1, name.encode()) + field(2, op.encode()) + value)


def tensor(dtype, shape, *values):
    dimensions = b"".join(field(2, field(1, size)) for size in shape)
    return field(1, dtype) + field(2, dimensions) + b"".join(values)


SIX = np.arange(6, dtype="<f4")
GRAPH = b"".join([
    node("input", "Placeholder"),
    node("weights", "Const", tensor(FLOAT, (2, 300), field(4, np.arange(600, dtype="<f4").tobytes()))),
    node("steps", "Const", tensor(INT32, (1,), field(4, bytes(4)))),
    node("listed", "Const", tensor(FLOAT, (2, 3), field(5, SIX.tobytes()))),
    node("repeated", "Const", tensor(FLOAT, (2, 2), field(5, SIX[1:2].tobytes()))),
    node("scalar", "Const", tensor(FLOAT, (), field(5, SIX[3:4].tobytes()))),
])  # fmt: skip


def test_only_float_constants_are_read_in_the_graphs_order():
    assert list(read_constants(GRAPH)) == ["weights", "listed", "repeated", "scalar"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("weights", np.arange(600).reshape(2, 300)),
        ("listed", SIX.reshape(2, 3)),
        ("repeated", np.ones((2, 2))),
        ("scalar", np.float32(3)),
    ],
)
def test_a_constant_has_its_shape_and_values(name, expected):
    np.testing.assert_array_equal(read_constants(GRAPH)[name], expected, strict=False)


@pytest.mark.parametrize("data", [b"Dear Sir", b"\x0a\x03\x0a\x01a", b"\xff" * 20])
def test_other_bytes_are_no_graph(data):
    with pytest.raises(ValueError, match="GraphDef"):
        read_constants(data)


@given(st.integers(0, len(GRAPH)))
def test_a_truncated_graph_is_a_shorter_graph_or_an_error(length):
    try:
        found = read_constants(GRAPH[:length])
    except ValueError:
        return
    assert set(found) <= {"weights", "listed", "repeated", "scalar"}
