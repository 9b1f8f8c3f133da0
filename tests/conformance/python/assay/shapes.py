"""The shape rule: type and dimensions of an operator's output, from those of its operands."""

from typing import NamedTuple

from .encoding import BINARY, REDUCTIONS, UNARY
from .elements import COMPARISONS, LOGICAL, SHIFTS
from .graph import (
    INT64, NUMBER, Computed, Dimension, Fixed, Operator, Refused, Terms, added, bounds, dimension, is_canonical, symbols_of,
    terms_of,
)
from .quantise import LONGEST
from .tensors import INTEGERS, SIZES

MAX_RANK = 8
MAX_ROW = 65536
MAX_TERMS = 64
FLOATS = ("Float32",)
ARITHMETIC = FLOATS + INTEGERS
ANY = ARITHMETIC + ("Bool",)
INDICES = ("Int64", "Int32")


class Shape(NamedTuple):
    dtype: str
    dims: tuple[Dimension, ...]


Ranges = list[tuple[int, int]]


def require(condition, reason: str) -> None:
    if not condition:
        raise Refused("shape/" + reason)


def ends(dim: Dimension, ranges: Ranges) -> tuple[int, int]:
    """Minimum and maximum of a dimension that has passed its check."""
    minimum, maximum, _ = bounds(dim, ranges)
    return minimum, maximum


def sound(dim: Dimension, ranges: Ranges) -> Dimension:
    """The dimension, if it is canonical and a positive number of 32 bits for all values of its symbols."""
    if isinstance(dim, Computed):
        known(dim, ranges)
        require(is_canonical(dim), "computed_dimension")
        found = bounds(dim, ranges)
        require(found is not None, "computed_dimension")
        fits = 1 <= found.minimum and found.maximum < 1 << 32
        require(fits, "computed_dimension" if found.exact else "undecided_dimension")
    return dim


def known(dim: Dimension, ranges: Ranges) -> None:
    require(all(symbol < len(ranges) for symbol in symbols_of(dim)), "unknown_symbol")


def parameter(dim: Dimension, ranges: Ranges) -> Dimension:
    """A dimension among an operator's parameters."""
    require(dim != Fixed(0), "parameter")
    return sound(dim, ranges)


def plus(a: Dimension, b: Dimension, reason: str) -> Dimension:
    """The sum, if it is a dimension."""
    total = dimension(added([*terms_of(a).items(), *terms_of(b).items()]))
    require(total is not None, reason)
    return total


def at_least_rank(operand: Shape, rank: int) -> None:
    require(len(operand.dims) >= rank, "dimensions")


def contraction(dim: Dimension) -> None:
    require(isinstance(dim, Fixed) and 1 <= dim.size <= LONGEST, "contraction_length")


def row(operand: Shape, ranges: Ranges) -> Dimension:
    """The last dimension, of a row that is short enough."""
    at_least_rank(operand, 1)
    last = operand.dims[-1]
    require(ends(last, ranges)[1] * SIZES[operand.dtype] <= MAX_ROW, "row_too_long")
    return last


def of_types(operands: list[Shape], types: tuple[str, ...]) -> str:
    """The one type of all of these."""
    require(all(operand.dtype == operands[0].dtype for operand in operands), "data_type")
    require(operands[0].dtype in types, "data_type")
    return operands[0].dtype


def axis_of(operator: Operator, operand: Shape) -> int:
    require(operator["axis"] < len(operand.dims), "parameter")
    return operator["axis"]


def replaced(dims: tuple[Dimension, ...], axis: int, *by: Dimension) -> tuple[Dimension, ...]:
    return dims[:axis] + by + dims[axis + 1 :]


def broadcast(shapes: list[tuple[Dimension, ...]]) -> tuple[Dimension, ...]:
    result: list[Dimension] = []
    for back in range(1, max(map(len, shapes)) + 1):
        sizes = {dims[-back] for dims in shapes if len(dims) >= back} - {Fixed(1)}
        require(len(sizes) <= 1, "dimensions")
        result.insert(0, sizes.pop() if sizes else Fixed(1))
    return tuple(result)


def linear(_operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    of_types(operands, FLOATS)
    source, weight = operands[:2]
    at_least_rank(source, 1)
    require(len(weight.dims) == 2 and weight.dims[1] == source.dims[-1], "dimensions")
    if len(operands) > 2:
        require(operands[2].dims == weight.dims[:1], "dimensions")
    contraction(source.dims[-1])
    return Shape("Float32", source.dims[:-1] + weight.dims[:1])


def quantised_linear(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    kind, *parameters = operator["format"]
    given = {"int8": 1, "grouped": 2}[kind]
    require(len(operands) in (given + 2, given + 3), "arity")
    require(operator["precision"] != "Int16Int8", "parameter")
    source, weight, vectors = operands[0], operands[1 : 1 + given], operands[1 + given :]
    of_types([source, *vectors], FLOATS)
    at_least_rank(source, 1)
    contraction(source.dims[-1])
    length = source.dims[-1].size
    expected = [("Int8", length)]
    if kind == "grouped":
        bits, group = parameters
        require(group > 0 and group % 16 == 0 and length % group == 0, "parameter")
        expected = [("Uint8", length // 2) if bits == 4 else ("Int8", length), ("Int32", length // group)]
    features = weight[0].dims[:1]
    require(len(features) == 1, "dimensions")
    for operand, (dtype, width) in zip(weight, expected):
        require(operand.dtype == dtype, "data_type")
        require(operand.dims == features + (Fixed(width),), "dimensions")
    require(all(vector.dims == features for vector in vectors), "dimensions")
    return Shape("Float32", source.dims[:-1] + features)


def matmul(_operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    of_types(operands, FLOATS)
    left, right = operands
    at_least_rank(left, 2)
    require(len(left.dims) == len(right.dims), "dimensions")
    require(left.dims[:-2] == right.dims[:-2] and left.dims[-1] == right.dims[-1], "dimensions")
    contraction(left.dims[-1])
    return Shape("Float32", left.dims[:-1] + right.dims[-2:-1])


def row_scale(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    require(operator["precision"] != "Int16Int8", "parameter")
    of_types(operands, FLOATS)
    at_least_rank(operands[0], 1)
    contraction(operands[0].dims[-1])
    return Shape("Float32", operands[0].dims[:-1])


def weighted_sum(_operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    of_types(operands, FLOATS)
    weights, values, scales = operands
    at_least_rank(weights, 2)
    require(len(values.dims) == len(weights.dims) and values.dims[:-2] == weights.dims[:-2], "dimensions")
    require(values.dims[-1] == weights.dims[-1], "dimensions")
    require(scales.dims == weights.dims[:-2] + weights.dims[-1:], "dimensions")
    require(ends(weights.dims[-1], ranges)[1] <= LONGEST, "contraction_length")
    return Shape("Float32", weights.dims[:-1] + values.dims[-2:-1])


def normalised(_operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    """Softmax and norms, with weight and bias of the row's length."""
    of_types(operands, FLOATS)
    at_least_rank(operands[0], 1)
    for other in operands[1:]:
        require(other.dims == operands[0].dims[-1:], "dimensions")
    row(operands[0], ranges)
    return operands[0]


REDUCED_TYPES = {"sum": ANY, "mean": FLOATS, "any": ("Bool",), "all": ("Bool",)}


def reduction(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    name = operator.name
    dtype = of_types(operands, REDUCED_TYPES.get(name, ANY))
    row(operands[0], ranges)
    if name in ("argmax", "argmin") or (name == "sum" and dtype != "Float32"):
        dtype = "Int64"
    return Shape(dtype, operands[0].dims[:-1])


def cumsum(_operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    dtype = of_types(operands, ANY)
    row(operands[0], ranges)
    return Shape("Float32" if dtype == "Float32" else "Int64", operands[0].dims)


def topk(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    of_types(operands, ANY)
    last = row(operands[0], ranges)
    require(1 <= operator["count"] <= ends(last, ranges)[0], "parameter")
    return Shape("Int64", operands[0].dims[:-1] + (Fixed(operator["count"]),))


def unary(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    types = {"neg": ARITHMETIC, "abs": ARITHMETIC, "logical_not": INTEGERS + ("Bool",)}
    of_types(operands, types.get(operator.name, FLOATS))
    return operands[0]


def binary(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    name = operator.name
    types = ANY if name in ("eq", "ne") else ARITHMETIC
    if name in LOGICAL:
        types = INTEGERS + ("Bool",)
    elif name in SHIFTS:
        types = INTEGERS
    dtype = of_types(operands, types)
    dims = broadcast([operand.dims for operand in operands])
    return Shape("Bool" if name in COMPARISONS else dtype, dims)


def where(_operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    require(operands[0].dtype == "Bool", "data_type")
    dtype = of_types(operands[1:], ANY)
    return Shape(dtype, broadcast([operand.dims for operand in operands]))


def random(_operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    of_types(operands, ("Int64",))
    return Shape("Float32", broadcast([operand.dims for operand in operands]))


def cast(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    return Shape(operator["type"], operands[0].dims)


def fill(operator: Operator, _operands: list[Shape], ranges: Ranges) -> Shape:
    require(len(operator["dimensions"]) <= MAX_RANK, "parameter")
    return Shape(operator["type"], tuple(parameter(dim, ranges) for dim in operator["dimensions"]))


def arange(operator: Operator, _operands: list[Shape], ranges: Ranges) -> Shape:
    return Shape("Int64", (parameter(operator["length"], ranges),))


def element_count(dims: tuple[Dimension, ...], ranges: Ranges) -> Terms:
    """The number of elements, multiplied out."""
    count: Terms = {NUMBER: 1}
    for dim in dims:
        known(dim, ranges)
        products = [
            (tuple(map(sum, zip(powers, others))), coefficient * times)
            for powers, coefficient in count.items()
            for others, times in terms_of(dim).items()
        ]
        require(all(power < 256 for powers, _ in products for power in powers), "element_count")
        count = added(products)
        require(len(count) <= MAX_TERMS, "element_count")
        require(all(coefficient in INT64 for coefficient in count.values()), "element_count")
    return count


def reshape(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    dims = operator["dimensions"]
    require(len(dims) <= MAX_RANK, "dimensions")
    require(element_count(operands[0].dims, ranges) == element_count(dims, ranges), "element_count")
    return Shape(operands[0].dtype, tuple(sound(dim, ranges) for dim in dims))


def permute(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    dims = operands[0].dims
    require(sorted(operator["axes"]) == list(range(len(dims))), "parameter")
    return Shape(operands[0].dtype, tuple(dims[axis] for axis in operator["axes"]))


def expand(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    source = operands[0].dims
    require(len(operator["dimensions"]) <= MAX_RANK, "parameter")
    dims = tuple(parameter(dim, ranges) for dim in operator["dimensions"])
    require(len(source) <= len(dims), "dimensions")
    for old, new in zip(source, dims[len(dims) - len(source) :]):
        require(old in (Fixed(1), new), "dimensions")
    return Shape(operands[0].dtype, dims)


def slice(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    axis = axis_of(operator, operands[0])
    require(operator["step"] >= 1, "parameter")
    length = parameter(operator["length"], ranges)
    return Shape(operands[0].dtype, replaced(operands[0].dims, axis, length))


def concat(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    dtype = of_types(operands, ANY)
    first = operands[0]
    axis = axis_of(operator, first)
    total = first.dims[axis]
    for other in operands[1:]:
        require(len(other.dims) == len(first.dims), "dimensions")
        require(replaced(other.dims, axis) == replaced(first.dims, axis), "dimensions")
        total = plus(total, other.dims[axis], "dimensions")
    return Shape(dtype, replaced(first.dims, axis, in_range(total, ranges)))


def in_range(dim: Dimension, ranges: Ranges) -> Dimension:
    """A sum of dimensions, if it still is one."""
    return sound(dim, ranges)


def pad(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    axis = axis_of(operator, operands[0])
    total = plus(operands[0].dims[axis], Fixed(operator["before"] + operator["after"]), "parameter")
    return Shape(operands[0].dtype, replaced(operands[0].dims, axis, sound(total, ranges)))


def gather(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    source, indices = operands
    require(indices.dtype in INDICES, "data_type")
    axis = axis_of(operator, source)
    require(len(source.dims) == len(indices.dims), "dimensions")
    require(replaced(source.dims, axis) == replaced(indices.dims, axis), "dimensions")
    return Shape(source.dtype, indices.dims)


def index_select(operator: Operator, operands: list[Shape], _ranges: Ranges) -> Shape:
    source, indices = operands
    require(indices.dtype in INDICES, "data_type")
    axis = axis_of(operator, source)
    require(len(source.dims) - 1 + len(indices.dims) <= MAX_RANK, "dimensions")
    return Shape(source.dtype, replaced(source.dims, axis, *indices.dims))


def unfold(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    source = operands[0]
    axis = axis_of(operator, source)
    size, step, dilation = operator["size"], operator["step"], operator["dilation"]
    require(min(size, step, dilation) >= 1, "parameter")
    require(len(source.dims) < MAX_RANK, "dimensions")
    reach = dilation * (size - 1)
    require(reach < 1 << 32, "dimensions")
    rest = added([*terms_of(source.dims[axis]).items(), (NUMBER, -reach - 1)])
    require(set(rest) - {NUMBER} or rest.get(NUMBER, 0) >= 0, "dimensions")
    require(all(powers == NUMBER or coefficient % step == 0 for powers, coefficient in rest.items()), "dimensions")
    windows = [(powers, coefficient // step) for powers, coefficient in rest.items()]
    dim = dimension(added([*windows, (NUMBER, 1)]))
    require(dim is not None, "dimensions")
    dim = sound(dim, ranges)
    return Shape(source.dtype, replaced(source.dims, axis, dim) + (Fixed(size),))


RULES = {
    "linear": (linear, 2, 3),
    "quantised_linear": (quantised_linear, 3, 5),
    "matmul": (matmul, 2, 2),
    "row_scale": (row_scale, 1, 1),
    "weighted_sum": (weighted_sum, 3, 3),
    "softmax": (normalised, 1, 1),
    "log_softmax": (normalised, 1, 1),
    "layer_norm": (normalised, 1, 3),
    "rms_norm": (normalised, 1, 2),
    "cumsum": (cumsum, 1, 1),
    "topk": (topk, 1, 1),
    "relu": (unary, 1, 1),
    "where": (where, 3, 3),
    "random": (random, 3, 3),
    "cast": (cast, 1, 1),
    "fill": (fill, 0, 0),
    "arange": (arange, 0, 0),
    "reshape": (reshape, 1, 1),
    "permute": (permute, 1, 1),
    "expand": (expand, 1, 1),
    "slice": (slice, 1, 1),
    "concat": (concat, 1, 64),
    "pad": (pad, 1, 1),
    "gather": (gather, 2, 2),
    "index_select": (index_select, 2, 2),
    "unfold": (unfold, 1, 1),
}
RULES |= {name: (unary, 1, 1) for name in UNARY}
RULES |= {name: (binary, 2, 2) for name in BINARY}
RULES |= {name: (reduction, 1, 1) for name in REDUCTIONS}


def output_shape(operator: Operator, operands: list[Shape], ranges: Ranges) -> Shape:
    rule, least, most = RULES[operator.name]
    require(least <= len(operands) <= most, "arity")
    return rule(operator, operands, ranges)
