"""Where an element of reshape, permute, slice and their like comes from."""

from .graph import Operator
from .tensors import Header, Tensor, coordinates, flat, from_bits


def aligned(index: int, output: tuple[int, ...], dims: tuple[int, ...]) -> int:
    """The element of an operand that is broadcast or expanded to these output dimensions."""
    if dims == output:
        return index
    places = coordinates(index, output)[len(output) - len(dims) :]
    return flat((0 if dim == 1 else place for place, dim in zip(places, dims)), dims)


def reshape(_operator: Operator, operands: list[Tensor], _output: Header, index: int) -> int:
    return operands[0].element(index)


def permute(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source = operands[0]
    places = [0] * len(source.dims)
    for axis, place in zip(operator["axes"], coordinates(index, output.dims)):
        places[axis] = place
    return source.element(flat(places, source.dims))


def expand(_operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    return operands[0].element(aligned(index, output.dims, operands[0].dims))


def moved(source: Tensor, output: Header, index: int, axis: int, place) -> int:
    """The element with another place along one dimension, a function of its place in the output."""
    places = coordinates(index, output.dims)
    places[axis] = place(places[axis])
    return source.element(flat(places, source.dims))


def slice(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source, axis = operands[0], operator["axis"]
    length = source.dims[axis]
    side, start = operator["start"]
    if side == "end":
        start = max(length - start, 0)
    return moved(source, output, index, axis, lambda place: min(start + operator["step"] * place, length - 1))


def concat(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    axis = operator["axis"]
    places = coordinates(index, output.dims)
    for source in operands:
        if places[axis] < source.dims[axis]:
            return source.element(flat(places, source.dims))
        places[axis] -= source.dims[axis]
    raise IndexError(index)


def pad(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source, axis = operands[0], operator["axis"]
    places = coordinates(index, output.dims)
    places[axis] -= operator["before"]
    if 0 <= places[axis] < source.dims[axis]:
        return source.element(flat(places, source.dims))
    return from_bits(operator["bits"], source.dtype)


def looked_up(index: int, length: int) -> int:
    """A place from an index that may count from the end, the nearest one if it is outside."""
    return min(max(index + length if index < 0 else index, 0), length - 1)


def gather(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source, axis = operands[0], operator["axis"]
    place = looked_up(operands[1].element(index), source.dims[axis])
    return moved(source, output, index, axis, lambda _: place)


def index_select(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source, indices = operands
    axis, rank = operator["axis"], len(indices.dims)
    places = coordinates(index, output.dims)
    chosen = indices.element(flat(places[axis : axis + rank], indices.dims))
    places[axis : axis + rank] = [looked_up(chosen, source.dims[axis])]
    return source.element(flat(places, source.dims))


def unfold(operator: Operator, operands: list[Tensor], output: Header, index: int) -> int:
    source, axis = operands[0], operator["axis"]
    *places, inside = coordinates(index, output.dims)
    places[axis] = places[axis] * operator["step"] + inside * operator["dilation"]
    return source.element(flat(places, source.dims))


ELEMENTS = {
    "reshape": reshape,
    "permute": permute,
    "expand": expand,
    "slice": slice,
    "concat": concat,
    "pad": pad,
    "gather": gather,
    "index_select": index_select,
    "unfold": unfold,
}

