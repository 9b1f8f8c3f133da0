"""Elements of linear, quantised_linear, matmul, row_scale and weighted_sum."""

from . import binary32
from .graph import Operator
from .quantise import LEFT, QMAX, RIGHT, Quantised, dot, product, quantise, with_scale_one
from .tensors import Tensor

# Operands that a weight is given by in each format.
GIVEN = {"int8": 1, "grouped": 2}


def quantised_row(tensor: Tensor, number: int, qmax: int) -> Quantised:
    key = ("quantised", number, qmax)
    if key not in tensor.memo:
        tensor.memo[key] = quantise(tensor.last_row(number), qmax)
    return tensor.memo[key]


def linear(operator: Operator, operands: list[Tensor], index: int) -> int:
    source, weight = operands[:2]
    row, column = divmod(index, weight.dims[0])
    left, right = LEFT[operator["precision"]], RIGHT[operator["precision"]]
    y = product(quantised_row(source, row, left), quantised_row(weight, column, right))
    return binary32.add(y, operands[2].element(column)) if len(operands) > 2 else y


def grouped_row(integers: list[int], words: list[int], bits: int, group: int) -> list[int]:
    if bits == 4:
        integers = [half - 8 for byte in integers for half in (byte & 15, byte >> 4)]
    return [q * signed16(words[k // group]) + signed16(words[k // group] >> 16) for k, q in enumerate(integers)]


def signed16(word: int) -> int:
    return (word + 0x8000 & 0xFFFF) - 0x8000


def quantised_linear(operator: Operator, operands: list[Tensor], index: int) -> int:
    kind, *parameters = operator["format"]
    given = GIVEN[kind]
    scales, *bias = operands[1 + given :]
    row, column = divmod(index, scales.dims[0])
    rows = [operand.last_row(column) for operand in operands[1 : 1 + given]]
    integers = rows[0] if kind == "int8" else grouped_row(*rows, *parameters)
    weight = Quantised(integers, scales.element(column))
    y = product(quantised_row(operands[0], row, QMAX[operator["precision"]]), weight)
    return binary32.add(y, bias[0].element(column)) if bias else y


def matmul(operator: Operator, operands: list[Tensor], index: int) -> int:
    left, right = operands
    row, column = divmod(index, right.dims[-2])
    matrix = row // left.dims[-2]
    by_left = quantised_row(left, row, LEFT[operator["precision"]])
    return product(by_left, quantised_row(right, matrix * right.dims[-2] + column, RIGHT[operator["precision"]]))


def row_scale(operator: Operator, operands: list[Tensor], index: int) -> int:
    return quantised_row(operands[0], index, QMAX[operator["precision"]]).scale


def weighted_sum(operator: Operator, operands: list[Tensor], index: int) -> int:
    weights, values, scales = operands
    row, column = divmod(index, values.dims[-2])
    matrix = row // weights.dims[-2]
    qmax = LEFT[operator["precision"]]

    # The memo of the scales holds on to the other operand, so that its id stays its own.
    key = ("weights", id(weights), row, qmax)
    if key not in scales.memo:
        scaled = map(binary32.multiply, weights.last_row(row), scales.last_row(matrix))
        scales.memo[key] = (quantise(list(scaled), qmax), weights)
    quantised = scales.memo[key][0]

    qmax = RIGHT[operator["precision"]]
    key = ("values", id(values), matrix, column, qmax)
    if key not in scales.memo:
        by = scales.last_row(matrix)
        taken = values.last_row(matrix * values.dims[-2] + column)
        scales.memo[key] = ([scaled_value(x, s, qmax) for x, s in zip(taken, by)], values)
    integers = scales.memo[key][0]

    return binary32.multiply(binary32.from_integer(dot(quantised.values, integers)), quantised.scale)


def scaled_value(x: int, scale: int, qmax: int) -> int:
    return 0 if binary32.is_nan(scale) else with_scale_one(x, scale, qmax)


ELEMENTS = {
    "linear": linear,
    "quantised_linear": quantised_linear,
    "matmul": matmul,
    "row_scale": row_scale,
    "weighted_sum": weighted_sum,
}

