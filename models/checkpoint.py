"""Reads the tensors of a checkpoint that torch.save wrote before torch 1.6 (.pth), without torch and without executing it.

Such a file is a pickle, and a pickle may call any function. This reads it with an unpickler that knows an ordered
dictionary, tensors and their storages, and refuses every other name. `scripts/models` makes a safetensors file of a
checkpoint by it. As a command it does the same:

    python3 models/checkpoint.py FILE.pth FILE.safetensors
"""

import collections
import json
import pickle
import struct
import sys
from pathlib import Path

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
# Storage classes of torch, the types that safetensors calls them by, and bytes of an element.
STORAGES = {"FloatStorage": ("F32", 4), "LongStorage": ("I64", 8), "IntStorage": ("I32", 4), "ByteStorage": ("U8", 1)}
LARGEST_BYTES = 1 << 32


class Storage:
    """Elements that one or more tensors show; the bytes are read after the pickle."""

    def __init__(self, kind, count):
        self.dtype, self.size = STORAGES[kind]
        self.count = count
        self.bytes = b""


class Tensor:
    """A view of a storage; offset and strides count elements."""

    def __init__(self, storage, offset, shape, strides, *_):
        self.storage, self.offset, self.shape, self.strides = storage, offset, tuple(shape), tuple(strides)

    def contiguous(self):
        """The elements in the order of the shape, as bytes."""
        size = self.storage.size
        view = memoryview(self.storage.bytes).cast({1: "B", 4: "I", 8: "Q"}[size])
        ends = sum((count - 1) * stride for count, stride in zip(self.shape, self.strides))
        if min((self.offset, ends, *self.shape, *self.strides), default=0) < 0 or self.offset + ends >= len(view):
            raise ValueError("a tensor reaches out of its storage")

        def gather(start, shape, strides):
            if not shape:
                return view[start : start + 1].tobytes()
            count, stride = shape[0], strides[0]
            if len(shape) == 1 and stride > 0:
                return view[start : start + (count - 1) * stride + 1 : stride].tobytes()
            return b"".join(gather(start + index * stride, shape[1:], strides[1:]) for index in range(count))

        return gather(self.offset, self.shape, self.strides)


class Reader(pickle.Unpickler):
    """An unpickler that makes nothing but dictionaries, tensors and storages."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return Tensor
        if module == "torch" and name in STORAGES:
            return name
        raise pickle.UnpicklingError(f"the checkpoint asks for {module}.{name}, which is not read")

    def persistent_load(self, identity):
        label, kind, key, _, count, view = identity
        if label != "storage" or view is not None or kind not in STORAGES:
            raise pickle.UnpicklingError("the checkpoint has a storage of an unknown form")
        return self.storages.setdefault(key, Storage(kind, count))


def read(path):
    """The tensors of a checkpoint by their names."""
    with open(path, "rb") as file:
        if Reader(file).load() != MAGIC or Reader(file).load() != PROTOCOL:
            raise ValueError(f"{path} is not a checkpoint of torch before 1.6")
        if not Reader(file).load()["little_endian"]:
            raise ValueError(f"{path} was written on a big-endian machine")
        reader = Reader(file)
        tensors = reader.load()
        for key in Reader(file).load():
            storage = reader.storages[key]
            (count,) = struct.unpack("<q", file.read(8))
            if count != storage.count or count * storage.size > LARGEST_BYTES:
                raise ValueError(f"{path}: storage {key} has another size than its tensors say")
            storage.bytes = file.read(count * storage.size)
            if len(storage.bytes) != count * storage.size:
                raise ValueError(f"{path} ends before storage {key} does")
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}


def write(tensors, path):
    """Writes tensors, given as name to (type, shape, bytes), as a safetensors file that depends on them alone."""
    header, offset = {}, 0
    for name, (dtype, shape, content) in sorted(tensors.items()):
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    contents = b"".join(content for _, (_, _, content) in sorted(tensors.items()))
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + contents)


def convert(source, target):
    """Makes a safetensors file of a checkpoint."""
    tensors = read(source)
    write({name: (tensor.storage.dtype, tensor.shape, tensor.contiguous()) for name, tensor in tensors.items()}, target)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert(sys.argv[1], sys.argv[2])
