"""Operators that work on single elements: unary, binary, cast, random."""

from . import binary32, functions
from .tensors import INTEGERS, SIZES, bounds, wrapped

FUNCTIONS = {
    "neg": binary32.negate,
    "abs": functions.absolute,
    "sqrt": binary32.square_root,
    "rsqrt": functions.rsqrt,
    "exp": functions.exp,
    "log": functions.log,
    "tanh": functions.tanh,
    "sigmoid": functions.sigmoid,
    "erf": functions.erf,
    "sin": functions.sin,
    "cos": functions.cos,
    "silu": functions.silu,
    "gelu": functions.gelu,
    "gelu_tanh": functions.gelu_tanh,
    "floor": lambda x: binary32.integral(x, binary32.floored),
    "ceil": lambda x: binary32.integral(x, binary32.ceiled),
    "round": lambda x: binary32.integral(x, binary32.nearest),
    "trunc": lambda x: binary32.integral(x, binary32.truncated),
}

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
SHIFTS = ("bitwise_left_shift", "bitwise_right_shift")


def unary(name: str, dtype: str, x: int) -> int:
    if dtype == "Float32":
        return FUNCTIONS[name](x)
    if name == "logical_not":
        return 1 - x if dtype == "Bool" else wrapped(~x, dtype)
    return wrapped(-x if name == "neg" else abs(x), dtype)


def relu(dtype: str, x: int) -> int:
    return binary32.maximum(x, 0) if dtype == "Float32" else max(x, 0)


def binary(name: str, dtype: str, x: int, y: int) -> int:
    if name in COMPARISONS:
        return int(compare(name, dtype, x, y))
    if name in LOGICAL:
        return {"logical_and": x & y, "logical_or": x | y, "logical_xor": x ^ y}[name]
    if name in SHIFTS:
        return shifted(name, dtype, x, y)
    return number(name, x, y) if dtype == "Float32" else wrapped(integer(name, x, y), dtype)


def shifted(name: str, dtype: str, x: int, count: int) -> int:
    defined = 0 <= count < 8 * SIZES[dtype]
    if name == "bitwise_left_shift":
        return wrapped(x << count, dtype) if defined else 0
    return x >> count if defined else -1 if x < 0 else 0


MASK = (1 << 32) - 1
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
STEPS = (0x9E3779B9, 0xBB67AE85)


def halves(x: int) -> tuple[int, int]:
    """The low and the high 32 bits of an Int64."""
    return x & MASK, x >> 32 & MASK


def philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    for _ in range(10):
        first, third = counter[0] * MULTIPLIERS[0], counter[2] * MULTIPLIERS[1]
        counter = (third >> 32 ^ counter[1] ^ key[0], third & MASK, first >> 32 ^ counter[3] ^ key[1], first & MASK)
        key = tuple(word + step & MASK for word, step in zip(key, STEPS))
    return counter


def random(key: int, counter: int, lane: int) -> int:
    word = philox(halves(counter) + halves(lane), halves(key))[0]
    return binary32.scale(binary32.from_integer(2 * (word >> 9) + 1), -24)


def compare(name: str, dtype: str, x: int, y: int) -> bool:
    if dtype == "Float32":
        if binary32.is_nan(x) or binary32.is_nan(y):
            return name == "ne"
        x, y = binary32.order(x), binary32.order(y)
    return {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[name]


NUMBERS = {
    "add": binary32.add,
    "sub": binary32.subtract,
    "mul": binary32.multiply,
    "div": binary32.divide,
    "fmod": binary32.remainder,
    "minimum": binary32.minimum,
    "maximum": binary32.maximum,
}


def number(name: str, x: int, y: int) -> int:
    return NUMBERS[name](x, y)


def integer(name: str, x: int, y: int) -> int:
    match name:
        case "add":
            return x + y
        case "sub":
            return x - y
        case "mul":
            return x * y
        case "div":
            return x // y if y else 0
        case "fmod":
            rest = abs(x) % abs(y) if y else 0
            return -rest if x < 0 else rest
        case "minimum":
            return min(x, y)
        case "maximum":
            return max(x, y)
    raise KeyError(name)


def cast(source: str, target: str, x: int) -> int:
    if source == "Float32":
        if target == "Float32":
            return x
        if target == "Bool":
            return int(not binary32.is_zero(x))
        return binary32.to_integer(x, *bounds(target))
    if target == "Float32":
        return binary32.from_integer(x)
    if target == "Bool":
        return int(x != 0)
    return wrapped(x, target)


assert all(wrapped(bounds(dtype)[0], dtype) == bounds(dtype)[0] for dtype in INTEGERS)
