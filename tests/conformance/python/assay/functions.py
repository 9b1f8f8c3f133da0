"""The functions: fixed sequences of single binary32 operations."""

from .binary32 import (
    HALF, INFINITY, NAN, ONE, SIGN, add, canonical, divide, equal, from_integer, is_nan, less, multiply, negate, square_root, subtract, truncated,
)

MINUS_INFINITY = SIGN | INFINITY
FOUR = 0x40800000
QUARTER = 0x3E800000
TWO = 0x40000000
MINUS_110 = 0xC2DC0000
MAGIC = 0x4B400000


def absolute(x: int) -> int:
    return negate(x) if less(x, 0) else canonical(x)


def with_sign(x: int, y: int) -> int:
    return negate(x) if less(y, 0) else x


def least(x: int, c: int) -> int:
    return c if less(c, x) else x


def most(x: int, c: int) -> int:
    return c if less(x, c) else x


def near(x: int) -> int:
    return subtract(add(x, MAGIC), MAGIC)


def poly(x: int, *coefficients: int) -> int:
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = add(multiply(value, x), coefficient)
    return value


def power_of_two(n: int) -> int:
    """`2^n`, for `n` in binary32, integral, from −126 to 127."""
    return truncated(n) + 127 << 23


def exponential_parts(x: int) -> tuple[int, int]:
    n = near(multiply(x, 0x3FB8AA3B))
    r = subtract(subtract(x, multiply(n, 0x3F318000)), multiply(n, 0xB95E8083))
    p = poly(r, 0x3F000000, 0x3E2AAA9E, 0x3D2AAA79, 0x3C089B7F, 0x3AB6A103, 0x3935F2F3)
    return add(ONE, add(r, multiply(multiply(r, r), p))), n


def split(m: int, n: int) -> tuple[int, int]:
    h = near(multiply(n, HALF))
    return multiply(m, power_of_two(h)), power_of_two(subtract(n, h))


def nan_aside(function):
    """Replaces a NaN by 0 first and gives NaN at the end."""

    def total(x: int) -> int:
        return NAN if is_nan(x) else function(x)

    return total


@nan_aside
def exp(x: int) -> int:
    return multiply(*split(*exponential_parts(most(least(x, 0x42B20000), MINUS_110))))


@nan_aside
def sigmoid(x: int) -> int:
    e = multiply(*split(*exponential_parts(most(negate(absolute(x)), MINUS_110))))
    return divide(e if less(x, 0) else ONE, add(ONE, e))


@nan_aside
def tanh(x: int) -> int:
    a = least(absolute(x), 0x41200000)
    if less(a, 0x3F200000):
        z = multiply(a, a)
        p = poly(z, 0xBEAAAAAA, 0x3E08883D, 0xBD5CF8C4, 0x3CB1D2A8, 0xBC062F68, 0x3B0D140B)
        return with_sign(add(a, multiply(a, multiply(z, p))), x)
    m, n = exponential_parts(add(a, a))
    high = subtract(ONE, divide(TWO, add(multiply(m, power_of_two(n)), ONE)))
    return with_sign(high, x)


@nan_aside
def erf(x: int) -> int:
    a = least(absolute(x), FOUR)
    if less(a, ONE):
        p = poly(multiply(a, a), 0x3E0375D4, 0xBEC093A0, 0x3DE716BA, 0xBCDC0228, 0x3BAA4194, 0xBA54CB92, 0x38B4B76B, 0xB60F0118)
        return with_sign(add(a, multiply(a, p)), x)
    q = poly(a, 0xB8ACEF20, 0x3F908156, 0x3F2286F2, 0x3DD8F6A4, 0xBCBB3BA2, 0x3B33ACFE, 0x39222192, 0xB90A0DB3, 0x37BDB18B, 0xB5C37272)
    m, n = exponential_parts(negate(q))
    return with_sign(subtract(ONE, multiply(m, power_of_two(n))), x)


def log(x: int) -> int:
    if not less(0, x):
        return MINUS_INFINITY if equal(x, 0) else NAN
    if x == INFINITY:
        return INFINITY
    small = less(x, 0x00800000)
    v = multiply(x, 0x4B800000) if small else x
    e = (v >> 23) - 127 - (24 if small else 0)
    m = v & 0x007FFFFF | 0x3F800000
    above = less(0x3FB504F3, m)
    k = from_integer(e + 1 if above else e)
    f = subtract(multiply(m, HALF) if above else m, ONE)
    s = divide(f, add(TWO, f))
    z = multiply(s, s)
    t = multiply(HALF, multiply(f, f))
    p = poly(z, 0x3F2AAAAA, 0x3ECCCE14, 0x3E91E98B, 0x3E78B039)
    c = add(multiply(s, add(t, multiply(z, p))), multiply(k, 0xB95E8083))
    return add(subtract(f, subtract(t, c)), multiply(k, 0x3F318000))


def rsqrt(x: int) -> int:
    return divide(ONE, square_root(x))


def turned(x: int) -> tuple[int, int, int]:
    """Sine and cosine of what is left of `|x| ≤ 2^20` after quarters of a turn, and the quarters, from −2 to 2."""
    n = near(multiply(x, 0x3F22F983))
    high = multiply(near(multiply(n, 0x39800000)), 0x45800000)
    low = subtract(n, high)
    rest, lost = x, 0
    for piece in (0x3FC91000, 0xB6940000, 0xB33BC000, 0x2C348000):
        for part in (high, low):
            product = multiply(part, piece)
            following = subtract(rest, product)
            lost = add(lost, subtract(subtract(rest, following), product))
            rest = following
    r = add(rest, subtract(lost, multiply(n, 0xA6F72CED)))
    z = multiply(r, r)
    q = subtract(n, multiply(near(multiply(n, QUARTER)), FOUR))
    s = add(r, multiply(r, multiply(z, poly(z, 0xBE2AAAAB, 0x3C0888AB, 0xB9501ADE, 0x36393B7C))))
    tail = poly(z, 0x3D2AAAAB, 0xBAB60B99, 0x37D02289, 0xB495983F)
    c = add(ONE, add(multiply(z, 0xBF000000), multiply(multiply(z, z), tail)))
    return s, c, truncated(q)


def sin(x: int) -> int:
    if not less(absolute(x), 0x49800001):
        return NAN
    s, c, q = turned(x)
    return (s, c, negate(s), negate(s), negate(c))[q]


def cos(x: int) -> int:
    if not less(absolute(x), 0x49800001):
        return NAN
    s, c, q = turned(x)
    return (c, negate(s), negate(c), negate(c), s)[q]


@nan_aside
def silu(x: int) -> int:
    x = most(x, MINUS_110)
    d, p = split(*exponential_parts(most(negate(absolute(x)), MINUS_110)))
    b = add(ONE, multiply(d, p))
    return multiply(divide(multiply(x, d), b), p) if less(x, 0) else divide(x, b)


def gelu(x: int) -> int:
    x = most(x, MINUS_110)
    return multiply(multiply(HALF, x), add(ONE, erf(multiply(x, 0x3F3504F3))))


def gelu_tanh(x: int) -> int:
    x = most(x, MINUS_110)
    inner = add(x, multiply(0x3D372713, multiply(multiply(x, x), x)))
    return multiply(multiply(HALF, x), add(ONE, tanh(multiply(0x3F4C422A, inner))))
