"""The encoding of graphs, and the digests over it."""

from . import scale
from .graph import (
    MAX_DIMENSION_TERMS, SYMBOLS, Computed, Dimension, Fixed, Graph, Input, Node, Operator, Output, Symbol, Symbolic, Value, Weight,
)
from .scale import Reader, option, signed, text, unsigned, vector
from .tensors import DATA_TYPES

UNARY = (
    "neg abs sqrt rsqrt exp log tanh sigmoid erf sin cos silu gelu gelu_tanh floor ceil round trunc logical_not".split()
)
BINARY = (
    "add sub mul div fmod minimum maximum eq ne lt le gt ge logical_and logical_or logical_xor "
    "bitwise_left_shift bitwise_right_shift".split()
)
REDUCTIONS = "sum mean amax amin argmax argmin any all".split()
PRECISIONS = ("Int8", "Int16", "Int16Int8")
VALUES = ("input", "weight", "node")

GROUPS = {6: UNARY, 7: BINARY, 20: REDUCTIONS}

# Variants of the operator, with names and forms of their parameters. A group takes one byte more.
VARIANTS: list[tuple[str, list[tuple[str, str]]]] = [
    ("linear", [("precision", "precision")]),
    ("relu", []),
    ("reshape", [("dimensions", "dimensions")]),
    ("matmul", [("precision", "precision")]),
    ("row_scale", [("precision", "precision")]),
    ("weighted_sum", [("precision", "precision")]),
    ("unary", []),
    ("binary", []),
    ("where", []),
    ("cast", [("type", "type")]),
    ("fill", [("type", "type"), ("bits", "u64"), ("dimensions", "dimensions")]),
    ("arange", [("start", "i64"), ("step", "i64"), ("length", "dimension")]),
    ("permute", [("axes", "axes")]),
    ("expand", [("dimensions", "dimensions")]),
    ("slice", [("axis", "u8"), ("start", "position"), ("step", "u32"), ("length", "dimension")]),
    ("concat", [("axis", "u8")]),
    ("pad", [("axis", "u8"), ("before", "u32"), ("after", "u32"), ("bits", "u64")]),
    ("gather", [("axis", "u8")]),
    ("index_select", [("axis", "u8")]),
    ("unfold", [("axis", "u8"), ("size", "u32"), ("step", "u32"), ("dilation", "u32")]),
    ("reduce", []),
    ("cumsum", []),
    ("topk", [("count", "u32"), ("largest", "bool")]),
    ("softmax", []),
    ("log_softmax", []),
    ("layer_norm", [("epsilon", "u32")]),
    ("rms_norm", [("epsilon", "u32")]),
    ("quantised_linear", [("precision", "precision"), ("format", "format")]),
    ("random", []),
]

TAGS = {name: tag for tag, (name, _) in enumerate(VARIANTS)}


def read_dimension(r: Reader) -> Dimension:
    match r.tag(3):
        case 0:
            return Fixed(r.u32())
        case 1:
            return Symbolic(r.u8())
        case _:
            return Computed(r.vector(lambda: (r.i32(), tuple(r.take(SYMBOLS))), MAX_DIMENSION_TERMS))


def write_dimension(dim: Dimension) -> bytes:
    match dim:
        case Fixed(size):
            return b"\0" + unsigned(size, 4)
        case Symbolic(symbol):
            return b"\1" + unsigned(symbol, 1)
        case Computed(terms):
            return b"\2" + vector(terms, lambda term: signed(term[0], 4) + bytes(term[1]))
    raise TypeError(dim)


READ = {
    "u8": Reader.u8,
    "u32": Reader.u32,
    "u64": Reader.u64,
    "i64": Reader.i64,
    "bool": Reader.boolean,
    "type": lambda r: DATA_TYPES[r.tag(len(DATA_TYPES))],
    "precision": lambda r: PRECISIONS[r.tag(len(PRECISIONS))],
    "format": lambda r: ("grouped", (4, 8)[r.tag(2)], r.u8()) if r.tag(2) else ("int8",),
    "position": lambda r: (("start", "end")[r.tag(2)], r.u32()),
    "dimension": read_dimension,
    "dimensions": lambda r: r.vector(lambda: read_dimension(r)),
    "axes": lambda r: r.vector(r.u8),
}

WRITE = {
    "u8": lambda v: unsigned(v, 1),
    "u32": lambda v: unsigned(v, 4),
    "u64": lambda v: unsigned(v, 8),
    "i64": lambda v: signed(v, 8),
    "bool": lambda v: unsigned(int(v), 1),
    "type": lambda v: unsigned(DATA_TYPES.index(v), 1),
    "precision": lambda v: unsigned(PRECISIONS.index(v), 1),
    "format": lambda v: b"\0" if v == ("int8",) else b"\1" + unsigned((4, 8).index(v[1]), 1) + unsigned(v[2], 1),
    "position": lambda v: unsigned(("start", "end").index(v[0]), 1) + unsigned(v[1], 4),
    "dimension": write_dimension,
    "dimensions": lambda v: vector(v, write_dimension),
    "axes": lambda v: vector(v, lambda axis: unsigned(axis, 1)),
}


def read_operator(r: Reader) -> Operator:
    tag = r.tag(len(VARIANTS))
    if tag in GROUPS:
        return Operator(GROUPS[tag][r.tag(len(GROUPS[tag]))], {})
    name, fields = VARIANTS[tag]
    return Operator(name, {field: READ[form](r) for field, form in fields})


def write_operator(operator: Operator) -> bytes:
    for tag, names in GROUPS.items():
        if operator.name in names:
            return bytes([tag, names.index(operator.name)])
    tag = TAGS[operator.name]
    return bytes([tag]) + b"".join(WRITE[form](operator[field]) for field, form in VARIANTS[tag][1])


def read_value(r: Reader) -> Value:
    kind = VALUES[r.tag(3)]
    return Value(kind, r.u32() if kind == "node" else r.u16())


def write_value(value: Value) -> bytes:
    return unsigned(VALUES.index(value.kind), 1) + unsigned(value.index, 4 if value.kind == "node" else 2)


def read_node(r: Reader) -> Node:
    return Node(r.text(), read_operator(r), r.vector(lambda: read_value(r)), r.text())


def write_node(node: Node) -> bytes:
    return text(node.name) + write_operator(node.operator) + vector(node.inputs, write_value) + text(node.source)


def read_symbols(r: Reader) -> tuple[Symbol, ...]:
    return r.vector(lambda: Symbol(r.text(), r.u32(), r.u32()))


def read_range(r: Reader) -> tuple[int, int] | None:
    return r.option(lambda: (r.i64(), r.i64()))


def write_range(values: tuple[int, int] | None) -> bytes:
    return option(values, lambda ends: b"".join(map(WRITE["i64"], ends)))


def read_inputs(r: Reader) -> tuple[Input, ...]:
    return r.vector(lambda: Input(r.text(), READ["type"](r), READ["dimensions"](r), read_range(r)))


def read_weights(r: Reader) -> tuple[Weight, ...]:
    return r.vector(lambda: Weight(r.text(), READ["type"](r), r.vector(r.u32)))


def read_outputs(r: Reader) -> tuple[Output, ...]:
    return r.vector(lambda: Output(r.text(), read_value(r)))


def write_symbol(symbol: Symbol) -> bytes:
    return text(symbol.name) + unsigned(symbol.min, 4) + unsigned(symbol.max, 4)


def write_input(value: Input) -> bytes:
    dims = vector(value.dims, write_dimension)
    return text(value.name) + WRITE["type"](value.dtype) + dims + write_range(value.range)


def write_weight(weight: Weight) -> bytes:
    return text(weight.name) + WRITE["type"](weight.dtype) + vector(weight.shape, WRITE["u32"])


def write_output(output: Output) -> bytes:
    return text(output.name) + write_value(output.value)


def write_graph(graph: Graph) -> bytes:
    return (
        vector(graph.symbols, write_symbol)
        + vector(graph.inputs, write_input)
        + vector(graph.weights, write_weight)
        + vector(graph.nodes, write_node)
        + vector(graph.outputs, write_output)
    )


def read_graph(r: Reader) -> Graph:
    return Graph(read_symbols(r), read_inputs(r), read_weights(r), r.vector(lambda: read_node(r)), read_outputs(r))


def decode_graph(data: bytes) -> Graph:
    return scale.whole(data, read_graph)


def decode_node(data: bytes) -> Node:
    return scale.whole(data, read_node)
