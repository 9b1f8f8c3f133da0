"""Every operator, as a function that gives one element of its output."""

from . import contractions, elements, movement, rows
from .encoding import BINARY, UNARY
from .graph import Operator
from .tensors import Header, Tensor, count, from_bits, wrapped


def element(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    """Element `index` of the output, whose type and dimensions the shape rule has given."""
    name = operator.name
    if name in contractions.ELEMENTS:
        return contractions.ELEMENTS[name](operator, operands, index)
    if name in rows.ELEMENTS:
        return rows.ELEMENTS[name](operator, operands, index)
    if name in movement.ELEMENTS:
        return movement.ELEMENTS[name](operator, operands, output, index)
    if name == "fill":
        return from_bits(operator["bits"], operator["type"])
    if name == "arange":
        return wrapped(operator["start"] + operator["step"] * index, "Int64")

    def taken(operand: int) -> int:
        source = operands[operand]
        return source.element(movement.aligned(index, output.dims, source.dims))

    dtype = operands[0].dtype
    if name in UNARY:
        return elements.unary(name, dtype, taken(0))
    if name in BINARY:
        return elements.binary(name, dtype, taken(0), taken(1))
    match name:
        case "relu":
            return elements.relu(dtype, taken(0))
        case "cast":
            return elements.cast(dtype, operator["type"], taken(0))
        case "random":
            return elements.random(taken(0), taken(1), taken(2))
        case "where":
            return taken(1) if taken(0) else taken(2)
    raise KeyError(name)


def evaluate(operator: Operator, operands: list[Tensor], output: Header) -> Tensor:
    values = [element(operator, operands, output, index) for index in range(count(output.dims))]
    return Tensor(output.dtype, output.dims, values)
