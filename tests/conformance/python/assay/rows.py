"""Elements of operators that depend on a row: softmax, norms, reductions, cumsum, topk."""

from . import binary32, reductions
from .functions import exp, log
from .graph import Operator
from .tensors import Tensor, wrapped


def of_row(function):
    """A function of operator, row and type, computed once for each row of a tensor."""

    def computed(operator: Operator, tensor: Tensor, number: int):
        key = (operator.name, tuple(sorted(operator.parameters.items())), number)
        if key not in tensor.memo:
            tensor.memo[key] = function(operator, tensor.last_row(number), tensor.dtype)
        return tensor.memo[key]

    return computed


@of_row
def softmax_row(_operator: Operator, row: list[int], _dtype: str) -> list[int]:
    m = reductions.greatest(row)
    if m == binary32.INFINITY | binary32.SIGN:
        return [0] * len(row)
    exponentials = [exp(binary32.subtract(x, m)) for x in row]
    total = reductions.total(exponentials)
    return [binary32.divide(e, total) for e in exponentials]


@of_row
def log_softmax_row(_operator: Operator, row: list[int], _dtype: str) -> list[int]:
    m = reductions.greatest(row)
    below = [binary32.subtract(x, m) for x in row]
    total = log(reductions.total([exp(b) for b in below]))
    return [binary32.subtract(b, total) for b in below]


def divided(row: list[int], epsilon: int) -> list[int]:
    squares = [binary32.multiply(x, x) for x in row]
    d = binary32.square_root(binary32.add(reductions.mean(squares), epsilon))
    return [binary32.divide(x, d) for x in row]


@of_row
def rms_norm_row(operator: Operator, row: list[int], _dtype: str) -> list[int]:
    return divided(row, operator["epsilon"])


@of_row
def layer_norm_row(operator: Operator, row: list[int], _dtype: str) -> list[int]:
    mean = reductions.mean(row)
    return divided([binary32.subtract(x, mean) for x in row], operator["epsilon"])


def normalised(rows):
    """A row operator, with the optional weight and the optional bias that follow it."""

    def element(operator: Operator, operands: list[Tensor], index: int) -> int:
        number, place = divmod(index, operands[0].dims[-1])
        y = rows(operator, operands[0], number)[place]
        if len(operands) > 1:
            y = binary32.multiply(y, operands[1].element(place))
        if len(operands) > 2:
            y = binary32.add(y, operands[2].element(place))
        return y

    return element


def sum_of(row: list[int], dtype: str) -> int:
    return reductions.total(row) if dtype == "Float32" else wrapped(sum(row), "Int64")


@of_row
def reduced(operator: Operator, row: list[int], dtype: str) -> int:
    number = dtype == "Float32"
    match operator.name:
        case "sum":
            return sum_of(row, dtype)
        case "mean":
            return reductions.mean(row)
        case "amax":
            return reductions.greatest(row) if number else max(row)
        case "amin":
            return reductions.least(row) if number else min(row)
        case "argmax":
            return reductions.position(row, max) if number else row.index(max(row))
        case "argmin":
            return reductions.position(row, min) if number else row.index(min(row))
        case "any":
            return max(row)
        case "all":
            return min(row)
    raise KeyError(operator.name)


def reduce(operator: Operator, operands: list[Tensor], index: int) -> int:
    return reduced(operator, operands[0], index)


def cumsum(_operator: Operator, operands: list[Tensor], index: int) -> int:
    source = operands[0]
    place = index % source.dims[-1]
    return sum_of(source.row(index - place, place + 1), source.dtype)


@of_row
def best(operator: Operator, row: list[int], dtype: str) -> list[int]:
    """Positions from the best element on; sorting is stable, so of equal elements the first is better."""

    def key(place: int) -> tuple[int, int]:
        x = row[place]
        if dtype == "Float32":
            if binary32.is_nan(x):
                return (0, 0)
            x = binary32.order(x)
        return (1, -x if operator["largest"] else x)

    return sorted(range(len(row)), key=key)


def topk(operator: Operator, operands: list[Tensor], index: int) -> int:
    number, place = divmod(index, operator["count"])
    return best(operator, operands[0], number)[place]


ELEMENTS = {
    "softmax": normalised(softmax_row),
    "log_softmax": normalised(log_softmax_row),
    "layer_norm": normalised(layer_norm_row),
    "rms_norm": normalised(rms_norm_row),
    "cumsum": cumsum,
    "topk": topk,
} | {name: reduce for name in ("sum", "mean", "amax", "amin", "argmax", "argmin", "any", "all")}
