"""Graphs: dimensions, operators, nodes, and what symbols stand for."""

from dataclasses import dataclass
from itertools import product
from typing import Iterable, NamedTuple


@dataclass(frozen=True)
class Fixed:
    size: int


@dataclass(frozen=True)
class Symbolic:
    symbol: int


Powers = tuple[int, ...]
"""The power of each of eight symbols in a product."""


@dataclass(frozen=True)
class Computed:
    """A sum of terms, each a coefficient and the powers of the symbols, as it is written."""

    terms: tuple[tuple[int, Powers], ...]


Dimension = Fixed | Symbolic | Computed
Terms = dict[Powers, int]
"""A polynomial: the coefficient of each product of symbols, none of them 0."""

SYMBOLS = 8
NUMBER = (0,) * SYMBOLS
MAX_DIMENSION_TERMS = 5
INT32 = range(-1 << 31, 1 << 31)
INT64 = range(-1 << 63, 1 << 63)


def terms_of(dimension: Dimension) -> Terms | None:
    """A dimension as a polynomial, if its symbols are ones that a graph can have."""
    match dimension:
        case Fixed(size):
            return {NUMBER: size} if size else {}
        case Symbolic(symbol):
            return {unit(symbol): 1} if symbol < SYMBOLS else None
        case Computed(terms):
            return added((powers, coefficient) for coefficient, powers in terms)
    raise TypeError(dimension)


def unit(symbol: int) -> Powers:
    return tuple(int(position == symbol) for position in range(SYMBOLS))


def added(terms: Iterable[tuple[Powers, int]]) -> Terms:
    total: Terms = {}
    for powers, coefficient in terms:
        total[powers] = total.get(powers, 0) + coefficient
    return {powers: coefficient for powers, coefficient in total.items() if coefficient}


def dimension(terms: Terms) -> Dimension | None:
    """A polynomial as the dimension that it is, if it is one for some values of the symbols."""
    if not set(terms) - {NUMBER}:
        number = terms.get(NUMBER, 0)
        return Fixed(number) if 0 <= number < 1 << 32 else None
    if len(terms) == 1 and sum(next(iter(terms))) == 1 and list(terms.values()) == [1]:
        return Symbolic(next(iter(terms)).index(1))
    if len(terms) > MAX_DIMENSION_TERMS or any(coefficient not in INT32 for coefficient in terms.values()):
        return None
    return Computed(tuple((coefficient, powers) for powers, coefficient in sorted(terms.items())))


def is_canonical(dim: Dimension) -> bool:
    """Whether a dimension is written in the one way in which it may be."""
    return not isinstance(dim, Computed) or dimension(terms_of(dim)) == dim


def symbols_of(dim: Dimension) -> set[int]:
    match dim:
        case Symbolic(symbol):
            return {symbol}
        case Computed(terms):
            return {symbol for _, powers in terms for symbol, power in enumerate(powers) if power}
    return set()


def term_value(coefficient: int, powers: Powers, values: list[int]) -> int | None:
    """The value of a term, if it fits 64 bits."""
    for symbol, power in enumerate(powers):
        if power:
            coefficient *= values[symbol] ** power
    return coefficient if coefficient in INT64 else None


class Bounds(NamedTuple):
    """What a dimension is at least and at most, and whether it is both somewhere."""

    minimum: int
    maximum: int
    exact: bool


def bounds(dim: Dimension, ranges: list[tuple[int, int]]) -> Bounds | None:
    """The bounds for symbols in these ranges, which has every symbol; none if a term does not fit 64 bits."""
    if isinstance(dim, Fixed):
        return Bounds(dim.size, dim.size, True)
    if isinstance(dim, Symbolic):
        return Bounds(*ranges[dim.symbol], True)
    terms = terms_of(dim)
    both_signs = [
        symbol
        for symbol in range(SYMBOLS)
        if len({coefficient > 0 for powers, coefficient in terms.items() if powers[symbol]}) == 2
    ]
    pinned = [symbol for symbol in both_signs if max(powers[symbol] for powers in terms) == 1][:3]
    found = []
    for corner in set(product(*(ranges[symbol] for symbol in pinned))):
        pins = dict(zip(pinned, corner))
        ends = [(pins.get(symbol, start), pins.get(symbol, end)) for symbol, (start, end) in enumerate(ranges)]
        for powers, coefficient in terms.items():
            values = [term_value(coefficient, powers, [pair[end] for pair in ends]) for end in (0, 1)]
            if None in values:
                return None
            found.append((corner, min(values), max(values)))
    corners = {corner for corner, _, _ in found} or {()}
    minimum = min(sum(low for at, low, _ in found if at == corner) for corner in corners)
    maximum = max(sum(high for at, _, high in found if at == corner) for corner in corners)
    return Bounds(minimum, maximum, pinned == both_signs)


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
        case Computed():
            raise Refused("bind/computed")


def fixed_dimension(dim: Dimension, values: list[int]) -> Fixed:
    """The dimension at these values of the symbols."""
    if isinstance(dim, Fixed):
        return dim
    if any(symbol >= len(values) for symbol in symbols_of(dim)):
        raise Refused("symbols")
    if isinstance(dim, Symbolic):
        return Fixed(values[dim.symbol])
    terms = [term_value(coefficient, powers, values) for coefficient, powers in dim.terms]
    if None in terms or not 0 <= sum(terms) < 1 << 32:
        raise Refused("symbols")
    return Fixed(sum(terms))


def at_values(operator: Operator, values: list[int]) -> Operator:
    """The operator with the dimensions among its parameters fixed."""
    parameters = dict(operator.parameters)
    if "dimensions" in parameters:
        parameters["dimensions"] = tuple(fixed_dimension(dim, values) for dim in parameters["dimensions"])
    if "length" in parameters:
        parameters["length"] = fixed_dimension(parameters["length"], values)
    return Operator(operator.name, parameters)
