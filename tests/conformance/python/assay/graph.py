"""Graphs: dimensions, operators, nodes, and what symbols stand for."""

from dataclasses import dataclass
from typing import Iterable, NamedTuple


@dataclass(frozen=True)
class Fixed:
    size: int


@dataclass(frozen=True)
class Symbolic:
    symbol: int


@dataclass(frozen=True)
class Affine:
    symbol: int
    factor: int
    offset: int


Dimension = Fixed | Symbolic | Affine


class Line(NamedTuple):
    """A dimension as `factor · symbol + offset`; without a symbol the factor is 0."""

    symbol: int | None
    factor: int
    offset: int

    def at(self, value: int) -> int:
        return self.factor * value + self.offset


def line(dimension: Dimension) -> Line:
    match dimension:
        case Fixed(size):
            return Line(None, 0, size)
        case Symbolic(symbol):
            return Line(symbol, 1, 0)
        case Affine(symbol, factor, offset):
            return Line(symbol, factor, offset)
    raise TypeError(dimension)


def dimension(symbol: int | None, factor: int, offset: int) -> Dimension:
    """The dimension as it is written, of a line."""
    if symbol is None or factor == 0:
        return Fixed(offset)
    return Symbolic(symbol) if (factor, offset) == (1, 0) else Affine(symbol, factor, offset)


class Symbol(NamedTuple):
    name: str
    min: int
    max: int


class Input(NamedTuple):
    """A tensor that a graph takes; the range is of the values that have a meaning."""

    name: str
    dtype: str
    dims: tuple[Dimension, ...]
    range: tuple[int, int] | None


class Weight(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]


class Value(NamedTuple):
    """Where a tensor comes from: `kind` is `input`, `weight` or `node`."""

    kind: str
    index: int


class Operator(NamedTuple):
    """An operator by its name, and its parameters by theirs."""

    name: str
    parameters: dict

    def __getitem__(self, parameter: str):
        return self.parameters[parameter]


class Node(NamedTuple):
    name: str
    operator: Operator
    inputs: tuple[Value, ...]
    source: str


class Output(NamedTuple):
    name: str
    value: Value


class Graph(NamedTuple):
    symbols: tuple[Symbol, ...]
    inputs: tuple[Input, ...]
    weights: tuple[Weight, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]


class Refused(Exception):
    """What is refused, with a reason of the conformance suite and sometimes the operand that it is about."""

    def __init__(self, reason: str, operand: int | None = None):
        super().__init__(reason)
        self.reason, self.operand = reason, operand


def bind(symbols: Iterable, inputs: Iterable, headers: list[tuple[str, tuple[int, ...]]]) -> list[int]:
    """The values of a graph's or a schema's symbols, from the types and shapes of a job's inputs."""
    symbols, inputs = list(symbols), list(inputs)
    if len(headers) != len(inputs):
        raise Refused("bind/count")
    values: list[int | None] = [None] * len(symbols)
    for declared, (dtype, shape) in zip(inputs, headers):
        if dtype != declared.dtype:
            raise Refused("bind/data_type")
        if len(shape) != len(declared.dims):
            raise Refused("bind/rank")
        for dim, size in zip(declared.dims, shape):
            bind_dimension(dim, size, values)
    bound = [symbol.min if value is None else value for symbol, value in zip(symbols, values)]
    if not all(symbol.min <= value <= symbol.max for symbol, value in zip(symbols, bound)):
        raise Refused("bind/out_of_range")
    return bound


def bind_dimension(dim: Dimension, size: int, values: list[int | None]) -> None:
    match dim:
        case Fixed(fixed):
            if size != fixed:
                raise Refused("bind/dimension")
        case Symbolic(symbol):
            if symbol >= len(values):
                raise Refused("bind/out_of_range")
            if values[symbol] not in (None, size):
                raise Refused("bind/dimension")
            values[symbol] = size
        case Affine():
            raise Refused("bind/affine")


def fixed_dimension(dim: Dimension, values: list[int]) -> Fixed:
    """The dimension at these values of the symbols."""
    symbol, factor, offset = line(dim)
    if symbol is None:
        return dim
    if symbol >= len(values):
        raise Refused("symbols")
    size = factor * values[symbol] + offset
    if not 0 <= size < 1 << 32:
        raise Refused("symbols")
    return Fixed(size)


def at_values(operator: Operator, values: list[int]) -> Operator:
    """The operator with the dimensions among its parameters fixed."""
    parameters = dict(operator.parameters)
    if "dimensions" in parameters:
        parameters["dimensions"] = tuple(fixed_dimension(dim, values) for dim in parameters["dimensions"])
    if "length" in parameters:
        parameters["length"] = fixed_dimension(parameters["length"], values)
    return Operator(operator.name, parameters)
