"""Reads what an ONNX file says, without any package: nodes, tensors and metadata.

An ONNX file is one message of Protocol Buffers, whose fields are numbered in onnx.proto of https://github.com/onnx/onnx.
Only the fields that models here use are read. `scripts/models` takes the weights out of such a file by it, and an
`export.py` the graph. As a command it makes a safetensors file of the weights:

    python3 models/onnx_file.py FILE.onnx FILE.safetensors
"""

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import checkpoint

# Element types, as safetensors calls them, and the codes of `struct`.
TYPES = {1: ("F32", "f"), 6: ("I32", "i"), 7: ("I64", "q")}


@dataclass
class Tensor:
    dtype: str
    shape: tuple
    bytes: bytes

    def numbers(self):
        code = dict(TYPES.values())[self.dtype]
        return list(struct.unpack(f"<{len(self.bytes) // struct.calcsize(code)}{code}", self.bytes))


@dataclass
class Node:
    kind: str
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)


@dataclass
class File:
    """Nodes in the order of execution; constants by the names under which nodes take them."""

    nodes: list
    constants: dict
    inputs: list
    outputs: list
    metadata: dict


def number(data, at):
    """An unsigned number of variable length, and where it ends."""
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def fields(data):
    """The fields of a message: number and content, which is an integer or bytes."""
    at = 0
    while at < len(data):
        tag, at = number(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = number(data, at)
        elif kind == 2:
            length, at = number(data, at)
            value, at = data[at : at + length], at + length
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
            value, at = data[at : at + length], at + length
        else:
            raise ValueError(f"field {tag >> 3} has the unknown wire type {kind}")
        yield tag >> 3, value


def integers(content):
    """A repeated field of integers, packed or not."""
    if isinstance(content, int):
        return [signed(content)]
    at, found = 0, []
    while at < len(content):
        value, at = number(content, at)
        found.append(signed(value))
    return found


def tensor(data):
    shape, kind, raw = [], None, b""
    for place, content in fields(data):
        if place == 1:
            shape += integers(content)
        elif place == 2:
            kind = content
        elif place == 4:
            raw += content
        elif place == 5:
            raw += b"".join(struct.pack("<i", value) for value in integers(content))
        elif place == 7:
            raw += b"".join(struct.pack("<q", value) for value in integers(content))
        elif place == 9:
            raw = bytes(content)
    if kind not in TYPES:
        raise ValueError(f"a tensor has the element type {kind}, which is not read")
    return Tensor(TYPES[kind][0], tuple(shape), bytes(raw))


def attribute(data):
    name, value = "", None
    for place, content in fields(data):
        if place == 1:
            name = content.decode()
        elif place == 2:
            value = struct.unpack("<f", content)[0]
        elif place == 3:
            value = signed(content)
        elif place == 4:
            value = content.decode()
        elif place == 5:
            value = tensor(content)
        elif place == 8:
            value = (value or []) + integers(content)
    return name, value


def node(data):
    found = Node("", [], [])
    for place, content in fields(data):
        if place == 1:
            found.inputs.append(content.decode())
        elif place == 2:
            found.outputs.append(content.decode())
        elif place == 4:
            found.kind = content.decode()
        elif place == 5:
            name, value = attribute(content)
            found.attributes[name] = value
    return found


def first_field(data, wanted):
    return next((content.decode() for place, content in fields(data) if place == wanted), "")


def read(path):
    file = File([], {}, [], [], {})
    for place, content in fields(memoryview(Path(path).read_bytes()).tobytes()):
        if place == 14:
            file.metadata[first_field(content, 1)] = first_field(content, 2)
        if place != 7:
            continue
        for place, content in fields(content):
            if place == 1:
                found = node(content)
                if found.kind == "Constant":
                    file.constants[found.outputs[0]] = found.attributes["value"]
                else:
                    file.nodes.append(found)
            elif place == 5:
                file.constants[first_field(content, 8)] = tensor(content)
            elif place in (11, 12):
                (file.inputs if place == 11 else file.outputs).append(first_field(content, 1))
    return file


def parameter(name):
    """The name of a constant as a module's parameter may have it."""
    return "p_" + "".join(letter if letter.isalnum() else "_" for letter in name)


def convert(source, target):
    """Makes a safetensors file of the constants of binary32 that are more than a number."""
    constants = {parameter(name): tensor for name, tensor in read(source).constants.items() if is_weight(tensor)}
    checkpoint.write({name: (tensor.dtype, tensor.shape, tensor.bytes) for name, tensor in constants.items()}, target)


def is_weight(tensor):
    return tensor.dtype == "F32" and len(tensor.bytes) > 4


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert(sys.argv[1], sys.argv[2])
