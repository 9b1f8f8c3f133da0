"""Quantised rows, and products of two of them."""

from typing import NamedTuple

from .binary32 import (
    INFINITY, MAGNITUDE, NAN, ONE, divide, from_integer, is_finite, is_nan, multiply, nearest, to_integer,
)

# Of the left and of the right operand.
LEFT = {"Int8": 127, "Int16": 16319, "Int16Int8": 16319}
RIGHT = {"Int8": 127, "Int16": 16319, "Int16Int8": 127}
# Of rows by themselves.
QMAX = {"Int8": 127, "Int16": 16319}
LONGEST = 16384


class Quantised(NamedTuple):
    values: list[int]
    scale: int


def scale_of(row: list[int], qmax: int) -> int:
    amax = max(x & MAGNITUDE for x in row)
    if amax >= INFINITY:
        return NAN
    quotient = divide(amax, from_integer(qmax))
    return quotient or ONE


def with_scale(row: list[int], scale: int, qmax: int) -> list[int]:
    """The integers of a row of any numbers, for any scale."""
    return [0] * len(row) if is_nan(scale) else [with_scale_one(x, scale, qmax) for x in row]


def with_scale_one(x: int, scale: int, qmax: int) -> int:
    return to_integer(divide(x, scale), -qmax, qmax, nearest)


def quantise(row: list[int], qmax: int) -> Quantised:
    scale = scale_of(row, qmax)
    return Quantised(with_scale(row, scale, qmax), scale)


def dot(a: list[int], b: list[int]) -> int:
    return sum(map(int.__mul__, a, b))


def product(a: Quantised, b: Quantised) -> int:
    return multiply(from_integer(dot(a.values, b.values)), multiply(a.scale, b.scale))
