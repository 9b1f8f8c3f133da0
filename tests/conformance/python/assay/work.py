"""What one execution is: its work and the bytes of its trace, as polynomials of the symbols."""

from .graph import NUMBER, SYMBOLS, Dimension, Graph, Powers, Refused, terms_of
from .tensors import SIZES

MAX_TERMS = 64
MAX_COEFFICIENT = (1 << 64) - 1
MAX_TRACE = 1 << 42
MAX_WORK = 1 << 56

ELEMENT = 32
FUNCTION = 256
PRODUCTS = {"Int8": 1, "Int16Int8": 2, "Int16": 4}
# With integers of 8 bits, whatever the rows are.
PRODUCTS_BY_BYTES = {"Int8": 1, "Int16": 2}
CONTRACTIONS = ("linear", "matmul", "weighted_sum")
FUNCTIONS = "softmax log_softmax sqrt rsqrt exp log tanh sigmoid erf sin cos silu gelu gelu_tanh random".split()
NOT_READ = ("slice", "gather", "index_select", "expand")

Term = tuple[int, Powers]
Polynomial = tuple[Term, ...]


class Sum:
    """A polynomial that is being added up; `reason` is for a number in it that is too large."""

    def __init__(self, reason: str):
        self.terms: dict[Powers, int] = {}
        self.reason = reason

    def add(self, times: int, dims: tuple[Dimension, ...]) -> None:
        """Adds so many times the elements of a tensor, multiplied out from its dimensions."""
        product = {NUMBER: times}
        for dim in dims:
            parts: dict[Powers, int] = {}
            for powers, coefficient in product.items():
                for others, by in terms_of(dim).items():
                    if by > 0:
                        at = tuple(map(sum, zip(powers, others)))
                        parts[at] = parts.get(at, 0) + coefficient * by
            product = self.limited(parts)
        for powers, coefficient in product.items():
            self.terms[powers] = self.terms.get(powers, 0) + coefficient
        self.limited(self.terms)

    def limited(self, terms: dict[Powers, int]) -> dict[Powers, int]:
        fits = all(coefficient <= MAX_COEFFICIENT and max(powers) < 256 for powers, coefficient in terms.items())
        if not fits:
            raise Refused(self.reason)
        if len(terms) > MAX_TERMS:
            raise Refused("terms")
        return terms

    def written(self) -> Polynomial:
        return tuple((coefficient, powers) for powers, coefficient in sorted(self.terms.items()) if coefficient)


def value(polynomial: Polynomial, symbols: list[int]) -> int | None:
    """The value for these values of the symbols, if 64 bits have room for it."""
    total = 0
    for coefficient, powers in polynomial:
        for symbol, power in zip(symbols, powers):
            coefficient *= symbol**power
        total += coefficient
    return total if total <= MAX_COEFFICIENT else None


def is_written(polynomial: Polynomial, symbols: int) -> bool:
    """Whether it is as polynomials of so many symbols are written."""
    powers = [powers for _, powers in polynomial]
    ascends = all(a < b for a, b in zip(powers, powers[1:]))
    return ascends and all(coefficient and not any(powers[symbols:]) for coefficient, powers in polynomial)


def within(polynomial: Polynomial, symbols: list[int], most: int) -> bool:
    size = value(polynomial, symbols)
    return size is not None and size <= most


def finished(total: Sum, graph: Graph, most: int) -> Polynomial:
    polynomial = total.written()
    if not within(polynomial, [symbol.max for symbol in graph.symbols], most):
        raise Refused(total.reason)
    return polynomial


def trace_bytes(graph: Graph, nodes: list) -> Polynomial:
    """The bytes of all nodes' outputs, whose types and dimensions are given."""
    total = Sum("vast/trace")
    for shape in nodes:
        total.add(SIZES[shape.dtype], shape.dims)
    return finished(total, graph, MAX_TRACE)


def work(graph: Graph, operands: list[list], nodes: list) -> Polynomial:
    """The work of all nodes, of which the types and dimensions of operands and outputs are given."""
    total = Sum("vast/work")
    for node, taken, shape in zip(graph.nodes, operands, nodes):
        name = node.operator.name
        total.add(ELEMENT, shape.dims)
        if name not in NOT_READ:
            for operand in taken:
                total.add(ELEMENT, operand.dims)
        if name in CONTRACTIONS:
            total.add(PRODUCTS[node.operator["precision"]], (*shape.dims, taken[0].dims[-1]))
        if name == "quantised_linear":
            total.add(PRODUCTS_BY_BYTES[node.operator["precision"]], (*shape.dims, taken[0].dims[-1]))
        if name in FUNCTIONS:
            total.add(FUNCTION, shape.dims)
    return finished(total, graph, MAX_WORK)
