"""The check of a graph: bounds, names, symbols, wiring, shapes and sizes, for all values of the symbols; its batch."""

from typing import Iterable, NamedTuple

from . import work
from .encoding import write_node
from .graph import Computed, Fixed, Graph, Node, Refused, Symbolic, Value, bounds, symbols_of
from .rows import ELEMENTS as ROW_OPERATORS
from .shapes import MAX_RANK, Ranges, Shape, output_shape
from .tensors import INTEGERS, SIZES

MAX_BYTES = (1 << 63) - 1
MAX_NODE = 2048
SHORT_NAME, LONG_NAME = 64, 255


class Checked(NamedTuple):
    """What the check gives: the output of every node, the position of the batch symbol, and the sizes."""

    nodes: list[Shape]
    batch: int | None
    work: work.Polynomial
    trace_bytes: work.Polynomial


def check(graph: Graph) -> Checked:
    check_counts(graph)
    check_names(graph)
    require(all(len(write_node(node)) <= MAX_NODE for node in graph.nodes), "node_too_long")
    check_symbols(graph)
    ranges = [(symbol.min, symbol.max) for symbol in graph.symbols]
    inputs = [Shape(value.dtype, value.dims) for value in graph.inputs]
    weights = [Shape(weight.dtype, tuple(map(Fixed, weight.shape))) for weight in graph.weights]
    for value, shape in zip(graph.inputs, inputs):
        require(not any(isinstance(dim, Computed) for dim in value.dims), "computed_input")
        require(value.range is None or range_fits(value.range, value.dtype), "value_range")
        require(is_tensor(shape, ranges), "tensor")
    require(all(is_tensor(shape, ranges) for shape in weights), "tensor")
    nodes = check_nodes(graph, inputs, weights, ranges)
    for output in graph.outputs:
        require(output.value.kind != "input", "handed_through")
        source(output.value, inputs, weights, nodes)
    check_uses(graph)
    trace_bytes = work.trace_bytes(graph, nodes)
    operands = [[source(value, inputs, weights, nodes) for value in node.inputs] for node in graph.nodes]
    return Checked(nodes, batch(graph, inputs, weights, nodes), work.work(graph, operands, nodes), trace_bytes)


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)


def check_counts(graph: Graph) -> None:
    require(1 <= len(graph.inputs) <= 16 and 1 <= len(graph.outputs) <= 16, "count")
    require(1 <= len(graph.nodes) <= 65535 and len(graph.weights) <= 65535 and len(graph.symbols) <= 8, "count")


def check_names(graph: Graph) -> None:
    for items, most in (
        (graph.symbols, SHORT_NAME),
        (graph.inputs, SHORT_NAME),
        (graph.outputs, SHORT_NAME),
        (graph.weights, LONG_NAME),
        (graph.nodes, LONG_NAME),
    ):
        check_distinct((item.name for item in items), most)
    require(all(len(node.source.encode()) <= LONG_NAME for node in graph.nodes), "name_length")


def check_distinct(names: Iterable[str], most: int) -> None:
    seen: set[str] = set()
    for name in names:
        require(1 <= len(name.encode()) <= most, "name_length")
        require(name not in seen, "duplicate_name")
        seen.add(name)


def check_symbols(graph: Graph) -> None:
    dims = [dim for value in graph.inputs for dim in value.dims]
    for position, symbol in enumerate(graph.symbols):
        require(1 <= symbol.min <= symbol.max, "symbol_range")
        require(Symbolic(position) in dims, "unbound_symbol")


def range_fits(values: tuple[int, int], dtype: str) -> bool:
    """Whether a range has a value, and all of its values are integers of the type."""
    if dtype not in INTEGERS:
        return False
    bits = 8 * SIZES[dtype]
    start, end = (0, 1 << bits) if dtype == "Uint8" else (-1 << bits - 1, 1 << bits - 1)
    return start <= values[0] <= values[1] < end


def check_uses(graph: Graph) -> None:
    """Refuses a graph with a node that no output depends on."""
    used = set()
    ahead = [output.value for output in graph.outputs]
    while ahead:
        value = ahead.pop()
        if value.kind == "node" and value.index not in used:
            used.add(value.index)
            ahead += graph.nodes[value.index].inputs
    require(len(used) == len(graph.nodes), "unused")


def is_tensor(shape: Shape, ranges: Ranges) -> bool:
    """Whether it has few enough dimensions, none empty, of known symbols, and few enough bytes."""
    symbols = (symbol for dim in shape.dims for symbol in symbols_of(dim))
    if len(shape.dims) > MAX_RANK or any(symbol >= len(ranges) for symbol in symbols):
        return False
    size = SIZES[shape.dtype]
    for dim in shape.dims:
        found = bounds(dim, ranges)
        if found.minimum < 1:
            return False
        size *= found.maximum
    return size <= MAX_BYTES


def source(value: Value, inputs: list[Shape], weights: list[Shape], nodes: list[Shape]) -> Shape:
    """The tensor that a value names, if it stands before."""
    shapes = {"input": inputs, "weight": weights, "node": nodes}[value.kind]
    require(value.index < len(shapes), "unknown_value")
    return shapes[value.index]


def check_nodes(graph: Graph, inputs: list[Shape], weights: list[Shape], ranges: Ranges) -> list[Shape]:
    nodes: list[Shape] = []
    for node in graph.nodes:
        operands = [source(value, inputs, weights, nodes) for value in node.inputs]
        shape = output_shape(node.operator, operands, ranges)
        require(is_tensor(shape, ranges), "too_large")
        nodes.append(shape)
    return nodes


def batch(graph: Graph, inputs: list[Shape], weights: list[Shape], nodes: list[Shape]) -> int | None:
    """The symbol that counts independent rows of every input and output, if there is one."""
    first = inputs[0].dims[0] if inputs[0].dims else None
    if not isinstance(first, Symbolic):
        return None
    outputs = [source(output.value, inputs, weights, nodes) for output in graph.outputs]
    if any(shape.dims[:1] != (first,) for shape in inputs + outputs):
        return None
    if any(first.symbol in symbols_of(dim) for shape in inputs + nodes for dim in shape.dims[1:]):
        return None
    if any(dim != first and first.symbol in symbols_of(dim) for shape in nodes for dim in shape.dims[:1]):
        return None
    for node, shape in zip(graph.nodes, nodes):
        operands = [source(value, inputs, weights, nodes) for value in node.inputs]
        if mixes_rows(node, operands, shape, first):
            return None
    return first.symbol


def mixes_rows(node: Node, operands: list[Shape], shape: Shape, rows: Symbolic) -> bool:
    """Whether a row of the batch depends on another one, or on its position."""
    name = node.operator.name
    has_rows = [operand.dims[:1] == (rows,) for operand in operands]
    if name == "arange":
        return shape.dims[0] == rows
    if name == "slice" and node.operator["axis"] == 0:
        whole = node.operator["start"] == ("start", 0) and node.operator["step"] == 1 and has_rows == [shape.dims[:1] == (rows,)]
        return (has_rows[0] or shape.dims[0] == rows) and not whole
    if name == "quantised_linear":
        return any(has_rows[1:])
    if name in ("gather", "index_select"):
        return node.operator["axis"] == 0 and has_rows[0]
    return (name in ROW_OPERATORS or name == "row_scale") and has_rows[0] and len(operands[0].dims) == 1
