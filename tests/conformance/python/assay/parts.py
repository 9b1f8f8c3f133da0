"""The parts of a model, to which its root commits: as values and as SCALE, and whether a job may name them."""

from typing import NamedTuple

from . import tree, work
from .check import Checked, range_fits
from .encoding import (
    PRECISIONS, read_dimension, read_range, read_value, write_dimension, write_range, write_value,
)
from .graph import (
    SYMBOLS, Computed, Dimension, Fixed, Graph, Refused, Symbolic, Value, bounds, is_canonical, symbols_of,
)
from .scale import Reader, byte_string, unsigned, vector
from .tensors import DATA_TYPES, SIZES
from .work import Polynomial

DEFINITION = 1
MAX_OUTPUTS = MAX_TENSORS = 16
MAX_NAME = 64
MAX_RANK = 8
MAX_OPERATORS = 65535
KINDS = ["plain", "generation"]
# What a check graph takes: names, types, and whether it is a row of any length.
CHECK_GRAPH = [
    (b"prompt", "Int64", True),
    (b"temperature", "Float32", False),
    (b"top_p", "Float32", False),
    (b"top_k", "Int64", False),
    (b"seed", "Int64", False),
    (b"max_tokens", "Int64", False),
    (b"sequence", "Int64", True),
]


class Head(NamedTuple):
    operators: int
    nodes_root: bytes
    weights_root: bytes


class SymbolRange(NamedTuple):
    name: bytes
    min: int
    max: int


class TensorSchema(NamedTuple):
    name: bytes
    dtype: str
    dims: tuple[Dimension, ...]
    range: tuple[int, int] | None


class Schema(NamedTuple):
    symbols: tuple[SymbolRange, ...]
    inputs: tuple[TensorSchema, ...]
    outputs: tuple[TensorSchema, ...]


class Parts(NamedTuple):
    definition: int
    kind: str
    head: Head
    outputs: tuple[Value, ...]
    schema: Schema
    precision: str
    work: Polynomial
    trace_bytes: Polynomial
    manifest_hash: bytes


def of_graph(graph: Graph, checked: Checked, weights_root: bytes, precision: str, manifest_hash: bytes) -> Parts:
    """The parts of a graph that has passed its check."""
    shapes = {
        "weight": [(weight.dtype, tuple(map(Fixed, weight.shape))) for weight in graph.weights],
        "node": [(shape.dtype, shape.dims) for shape in checked.nodes],
    }
    outputs = [(output.name.encode(), *shapes[output.value.kind][output.value.index], None) for output in graph.outputs]
    schema = Schema(
        tuple(SymbolRange(symbol.name.encode(), symbol.min, symbol.max) for symbol in graph.symbols),
        tuple(TensorSchema(item.name.encode(), item.dtype, item.dims, item.range) for item in graph.inputs),
        tuple(TensorSchema(*output) for output in outputs),
    )
    values = tuple(output.value for output in graph.outputs)
    head = Head(len(graph.nodes), tree.nodes_root(graph), weights_root)
    return Parts(DEFINITION, "plain", head, values, schema, precision, checked.work, checked.trace_bytes, manifest_hash)


def root(parts: Parts) -> bytes:
    return tree.under("assay/model/2", write(parts))


def write(parts: Parts) -> bytes:
    return (
        unsigned(parts.definition, 4)
        + unsigned(KINDS.index(parts.kind), 1)
        + unsigned(parts.head.operators, 4)
        + parts.head.nodes_root
        + parts.head.weights_root
        + vector(parts.outputs, write_value)
        + vector(parts.schema.symbols, write_symbol)
        + vector(parts.schema.inputs, write_tensor)
        + vector(parts.schema.outputs, write_tensor)
        + unsigned(PRECISIONS.index(parts.precision), 1)
        + vector(parts.work, write_term)
        + vector(parts.trace_bytes, write_term)
        + parts.manifest_hash
    )


def write_symbol(symbol: SymbolRange) -> bytes:
    return byte_string(symbol.name) + unsigned(symbol.min, 4) + unsigned(symbol.max, 4)


def write_tensor(tensor: TensorSchema) -> bytes:
    dtype = unsigned(DATA_TYPES.index(tensor.dtype), 1)
    return byte_string(tensor.name) + dtype + vector(tensor.dims, write_dimension) + write_range(tensor.range)


def write_term(term: work.Term) -> bytes:
    coefficient, powers = term
    return unsigned(coefficient, 8) + bytes(powers)


def read(r: Reader) -> Parts:
    return Parts(
        r.u32(),
        KINDS[r.tag(len(KINDS))],
        Head(r.u32(), r.take(32), r.take(32)),
        r.vector(lambda: read_value(r), MAX_OUTPUTS),
        Schema(
            r.vector(lambda: SymbolRange(r.bytes(MAX_NAME), r.u32(), r.u32()), SYMBOLS),
            r.vector(lambda: read_tensor(r), MAX_TENSORS),
            r.vector(lambda: read_tensor(r), MAX_TENSORS),
        ),
        PRECISIONS[r.tag(len(PRECISIONS))],
        read_polynomial(r),
        read_polynomial(r),
        r.take(32),
    )


def read_tensor(r: Reader) -> TensorSchema:
    name, dtype = r.bytes(MAX_NAME), DATA_TYPES[r.tag(len(DATA_TYPES))]
    return TensorSchema(name, dtype, r.vector(lambda: read_dimension(r), MAX_RANK), read_range(r))


def read_polynomial(r: Reader) -> Polynomial:
    return r.vector(lambda: (r.u64(), tuple(r.take(SYMBOLS))), work.MAX_TERMS)


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def check(parts: Parts) -> None:
    """Refuses parts that no job may name."""
    require(parts.definition == DEFINITION, "definition")
    require(1 <= parts.head.operators <= MAX_OPERATORS, "operators")
    require(len(parts.outputs) == len(parts.schema.outputs), "outputs")
    for kind, index in parts.outputs:
        require(kind == "weight" or kind == "node" and index < parts.head.operators, "outputs")
    check_schema(parts.schema)
    require(parts.kind == "plain" or is_check_graph(parts.schema), "kind")
    symbols = [symbol.max for symbol in parts.schema.symbols]
    for polynomial in (parts.work, parts.trace_bytes):
        require(work.is_written(polynomial, len(symbols)), "polynomial")
    require(work.within(parts.work, symbols, work.MAX_WORK), "too_large")
    require(work.within(parts.trace_bytes, symbols, work.MAX_TRACE), "too_large")


def is_check_graph(schema: Schema) -> bool:
    """Whether these are the inputs and outputs of a model of kind generation."""

    def is_row(dims: tuple[Dimension, ...]) -> bool:
        return len(dims) == 2 and dims[0] == Fixed(1) and isinstance(dims[1], Symbolic)

    if len(schema.inputs) != len(CHECK_GRAPH) or len(schema.outputs) != 2:
        return False
    for tensor, (name, dtype, row) in zip(schema.inputs, CHECK_GRAPH):
        fits = is_row(tensor.dims) if row else tensor.dims == (Fixed(1),)
        if (tensor.name, tensor.dtype) != (name, dtype) or not fits:
            return False
    sequence, valid = schema.outputs
    dims = schema.inputs[-1].dims
    return (
        schema.inputs[0].dims != dims
        and sequence[:3] == (b"sequence", "Int64", dims)
        and valid[:3] == (b"valid", "Bool", (Fixed(1),))
    )


def check_schema(schema: Schema) -> None:
    require(bool(schema.inputs) and bool(schema.outputs), "schema/no_tensors")
    require(all(1 <= symbol.min <= symbol.max for symbol in schema.symbols), "schema/empty_range")
    taken = [dim for tensor in schema.inputs for dim in tensor.dims]
    given = [dim for tensor in schema.outputs for dim in tensor.dims]
    require(Fixed(0) not in taken + given, "schema/zero_dimension")
    require(not any(isinstance(dim, Computed) for dim in taken), "schema/unsound_dimension")
    require(all(map(is_canonical, given)), "schema/unsound_dimension")
    for tensor in schema.inputs:
        require(tensor.range is None or range_fits(tensor.range, tensor.dtype), "schema/value_range")
    require(all(tensor.range is None for tensor in schema.outputs), "schema/value_range")
    for tensors in (schema.inputs, schema.outputs):
        size = sum(maximum_size(tensor, schema.symbols) for tensor in tensors)
        require(size < 1 << 64, "schema/too_large")
    ranges = [(symbol.min, symbol.max) for symbol in schema.symbols]
    require(all(bounds(dim, ranges).minimum >= 1 for dim in given), "schema/zero_dimension")
    require(all(Symbolic(position) in taken for position in range(len(schema.symbols))), "schema/unbound_symbol")


def maximum_size(tensor: TensorSchema, symbols: tuple[SymbolRange, ...]) -> int:
    """Its bytes where each dimension has its maximum."""
    size = SIZES[tensor.dtype]
    ranges = [(symbol.min, symbol.max) for symbol in symbols]
    for dim in tensor.dims:
        require(all(symbol < len(symbols) for symbol in symbols_of(dim)), "schema/unknown_symbol")
        found = bounds(dim, ranges)
        require(found is not None and 0 <= found.maximum < 1 << 32, "schema/too_large")
        size *= found.maximum
    require(size < 1 << 64, "schema/too_large")
    return size
