"""Element types, elements as bytes, and tensors whose elements are read one by one or by rows."""

from typing import Iterable, NamedTuple

from . import binary32

DATA_TYPES = ("Float32", "Int64", "Int32", "Int8", "Uint8", "Bool")
SIZES = {"Float32": 4, "Int64": 8, "Int32": 4, "Int8": 1, "Uint8": 1, "Bool": 1}
INTEGERS = ("Int64", "Int32", "Int8", "Uint8")


def bounds(dtype: str) -> tuple[int, int]:
    """Least and greatest value of an integer type."""
    bits = 8 * SIZES[dtype]
    return (0, (1 << bits) - 1) if dtype == "Uint8" else (-(1 << bits - 1), (1 << bits - 1) - 1)


def wrapped(n: int, dtype: str) -> int:
    bits = 8 * SIZES[dtype]
    n &= (1 << bits) - 1
    return n - (1 << bits) if dtype != "Uint8" and n >> bits - 1 else n


def from_bits(bits: int, dtype: str) -> int:
    """The element that little-endian bytes or a parameter's bits stand for, made canonical."""
    if dtype == "Float32":
        return binary32.canonical(bits & 0xFFFFFFFF)
    if dtype == "Bool":
        return int(bits != 0)
    return wrapped(bits, dtype)


def decode(data: bytes, dtype: str) -> list[int]:
    size = SIZES[dtype]
    return [from_bits(int.from_bytes(data[i : i + size], "little"), dtype) for i in range(0, len(data), size)]


def encode(values: Iterable[int], dtype: str) -> bytes:
    size = SIZES[dtype]
    mask = (1 << 8 * size) - 1
    return b"".join((value & mask).to_bytes(size, "little") for value in values)


def count(dims: Iterable[int]) -> int:
    """Number of elements of these dimensions."""
    n = 1
    for dim in dims:
        n *= dim
    return n


def coordinates(index: int, dims: tuple[int, ...]) -> list[int]:
    """Place of an element along each dimension, from its index in row-major order."""
    places = [0] * len(dims)
    for i in range(len(dims) - 1, -1, -1):
        index, places[i] = divmod(index, dims[i])
    return places


def flat(places: Iterable[int], dims: tuple[int, ...]) -> int:
    index = 0
    for place, dim in zip(places, dims):
        index = index * dim + place
    return index


class Header(NamedTuple):
    dtype: str
    dims: tuple[int, ...]


class Tensor:
    """A tensor whose elements are all there."""

    def __init__(self, dtype: str, dims: tuple[int, ...], values: list[int]):
        self.dtype, self.dims, self.values = dtype, tuple(dims), values
        self.memo: dict = {}

    @classmethod
    def read(cls, dtype: str, dims: tuple[int, ...], data: bytes) -> "Tensor":
        return cls(dtype, dims, decode(data, dtype))

    @property
    def header(self) -> Header:
        return Header(self.dtype, self.dims)

    def element(self, index: int) -> int:
        return self.values[index]

    def row(self, start: int, length: int) -> list[int]:
        return self.values[start : start + length]

    def last_row(self, number: int) -> list[int]:
        """The row along the last dimension with this number."""
        length = self.dims[-1]
        return self.row(number * length, length)

    def bytes(self) -> bytes:
        return encode(self.values, self.dtype)
