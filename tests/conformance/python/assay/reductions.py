"""Reductions of a row of binary32 numbers, which do not depend on the order."""

from .binary32 import (
    INFINITY, LEAST_EXPONENT, MAGNITUDE, NAN, add, canonical, divide, from_integer, is_nan, nearest_of_ratio, order, parts, rounded,
)


def greatest(row: list[int]) -> int:
    return NAN if any(map(is_nan, row)) else canonical(max(row, key=order))


def least(row: list[int]) -> int:
    return NAN if any(map(is_nan, row)) else canonical(min(row, key=order))


def position(row: list[int], better) -> int:
    """The first NaN, or the first of the best numbers."""
    for i, x in enumerate(row):
        if is_nan(x):
            return i
    keys = [order(x) for x in row]
    return keys.index(better(keys))


def grid(amax: int) -> int:
    """Exponent of the grid's step, for the magnitude of a finite number."""
    integer, exponent = parts(amax)
    if integer == 0:
        return LEAST_EXPONENT
    return max(integer.bit_length() - 1 + exponent - 29, LEAST_EXPONENT)


def total(row: list[int]) -> int:
    amax = max(x & MAGNITUDE for x in row)
    if amax >= INFINITY:
        return add(greatest(row), least(row))
    g = grid(amax)
    integers = 0
    for x in row:
        integer, exponent = parts(x)
        integers += nearest_of_ratio(integer, exponent - g)
    return rounded(integers, g)


def mean(row: list[int]) -> int:
    return divide(total(row), from_integer(len(row)))
