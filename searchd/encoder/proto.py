"""The few protocol buffer messages that an ONNX graph is made of.

Field numbers and element types are those of onnx.proto (https://onnx.ai/onnx/repo-docs/IR.html, IR version 10). The
package that has all of them takes 30 MB in every installation and is needed for nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

FLOAT, UINT8, INT8, INT32, INT64, INT4 = 1, 2, 3, 6, 7, 22
ELEMENTS = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int32": INT32, "int64": INT64}  # by NumPy's names

_EXTERNAL = 1
_IR_VERSION = 10
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
Attribute = int | float | str


def _varint(value: int) -> bytes:
    """Seven bits a byte, low ones first; negative numbers as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _data(field: int, value: bytes | str) -> bytes:
    """A string, bytes or a message inside another."""
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _attribute(name: str, value: Attribute) -> bytes:
    """AttributeProto: the value, then its kind."""
    if isinstance(value, str):
        content = _data(4, value) + _number(20, 3)
    elif isinstance(value, float):
        content = _varint(2 << 3 | _FIXED32) + struct.pack("<f", value) + _number(20, 1)
    else:
        content = _number(3, value) + _number(20, 2)
    return _data(1, name) + content


def node(op: str, inputs: Sequence[str], output: str, domain: str, attributes: Mapping[str, Attribute]) -> bytes:
    """NodeProto of one output, whose name is the node's too. An input "" is one left out."""
    content = b"".join(_data(1, name) for name in inputs) + _data(2, output) + _data(3, output) + _data(4, op)
    content += b"".join(_data(5, _attribute(name, value)) for name, value in attributes.items())
    return content + _data(7, domain)


def _tensor(name: str, element: int, shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape) + _number(2, element) + _data(8, name)


def inline_tensor(name: str, element: int, shape: Sequence[int], content: bytes) -> bytes:
    """TensorProto that holds its values, little-endian."""
    return _tensor(name, element, shape) + _data(9, content)


def external_tensor(name: str, element: int, shape: Sequence[int], place: Mapping[str, str]) -> bytes:
    """TensorProto whose values lie in another file; ``place``: location, offset and length."""
    entries = b"".join(_data(13, _data(1, key) + _data(2, value)) for key, value in place.items())
    return _tensor(name, element, shape) + entries + _number(14, _EXTERNAL)


def value(name: str, element: int, shape: Sequence[int | str] | None = None) -> bytes:
    """ValueInfoProto of an input or output; None: of a shape that is not stated."""
    content = _number(1, element)
    if shape is not None:
        sizes = (_number(1, size) if isinstance(size, int) else _data(2, size) for size in shape)
        content += _data(2, b"".join(_data(1, size) for size in sizes))
    return _data(1, name) + _data(2, _data(1, content))


def model(
    nodes: Sequence[bytes],
    weights: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    opsets: Mapping[str, int],
) -> bytes:
    """ModelProto; the content of an .onnx file."""
    graph = b"".join(_data(1, content) for content in nodes) + _data(2, "encoder")
    for field, contents in ((5, weights), (11, inputs), (12, outputs)):
        graph += b"".join(_data(field, content) for content in contents)
    versions = b"".join(_data(8, _data(1, domain) + _number(2, version)) for domain, version in opsets.items())
    return _number(1, _IR_VERSION) + _data(2, "echolot") + _data(7, graph) + versions
