"""IEEE 754 binary32 in integers: a number is its 32 bits, and every result is canonical."""

from math import isqrt

ZERO = 0
ONE = 0x3F800000
HALF = 0x3F000000
INFINITY = 0x7F800000
NAN = 0x7FC00000
SIGN = 0x80000000
MAGNITUDE = 0x7FFFFFFF
LEAST_EXPONENT = -149


def canonical(x: int) -> int:
    """The same number with one zero and one NaN."""
    if x & MAGNITUDE > INFINITY:
        return NAN
    return 0 if x == SIGN else x


def is_nan(x: int) -> bool:
    return x & MAGNITUDE > INFINITY


def is_finite(x: int) -> bool:
    return x & MAGNITUDE < INFINITY


def is_zero(x: int) -> bool:
    return x & MAGNITUDE == 0


def parts(x: int) -> tuple[int, int]:
    """A signed integer and an exponent, `x = integer · 2^exponent`, of a finite number."""
    biased = x >> 23 & 0xFF
    fraction = x & 0x7FFFFF
    if biased:
        fraction |= 0x800000
        biased -= 150
    else:
        biased = LEAST_EXPONENT
    return (-fraction if x & SIGN else fraction), biased


def rounded(integer: int, exponent: int) -> int:
    """The binary32 number nearest to `integer · 2^exponent`, ties to even."""
    if integer < 0:
        sign, integer = SIGN, -integer
    else:
        sign = 0
    length = integer.bit_length()
    if length == 0 or length + exponent < LEAST_EXPONENT:
        return 0
    if length + exponent > 128:
        return sign | INFINITY
    shift = max(length - 24, LEAST_EXPONENT - exponent)
    if shift > 0:
        kept = integer >> shift
        rest = integer - (kept << shift)
        half = 1 << (shift - 1)
        if rest > half or (rest == half and kept & 1):
            kept += 1
    else:
        kept = integer << -shift
    # A carry out of the significand lands in the exponent, which is right.
    bits = (exponent + shift - LEAST_EXPONENT << 23) + kept
    if bits == 0:
        return 0
    return sign | min(bits, INFINITY)


def from_integer(n: int) -> int:
    """`f32(n)`: one rounding from all bits of the integer."""
    return rounded(n, 0)


def negate(x: int) -> int:
    return canonical(x ^ SIGN)


def add(x: int, y: int) -> int:
    if not (is_finite(x) and is_finite(y)):
        if is_nan(x) or is_nan(y):
            return NAN
        if is_finite(x):
            return y
        if is_finite(y):
            return x
        return x if x == y else NAN
    a, p = parts(x)
    b, q = parts(y)
    if p >= q:
        return rounded((a << (p - q)) + b, q)
    return rounded(a + (b << (q - p)), p)


def subtract(x: int, y: int) -> int:
    return add(x, y ^ SIGN)


def multiply(x: int, y: int) -> int:
    if not (is_finite(x) and is_finite(y)):
        if is_nan(x) or is_nan(y) or is_zero(x) or is_zero(y):
            return NAN
        return (x ^ y) & SIGN | INFINITY
    a, p = parts(x)
    b, q = parts(y)
    return rounded(a * b, p + q)


def divide(x: int, y: int) -> int:
    """The quotient; a divisor of zero counts as +0 whatever its sign."""
    if is_nan(x) or is_nan(y):
        return NAN
    if not is_finite(x):
        if not is_finite(y):
            return NAN
        return x if is_zero(y) else x ^ (y & SIGN)
    if not is_finite(y):
        return 0
    if is_zero(y):
        return NAN if is_zero(x) else x & SIGN | INFINITY
    a, p = parts(x)
    b, q = parts(y)
    # 50 more bits than the divisor has leave at least 26 in the quotient; the lowest bit says whether there is a rest.
    quotient, rest = divmod(abs(a) << 50, abs(b))
    quotient = quotient << 1 | (rest != 0)
    return rounded(-quotient if (x ^ y) & SIGN else quotient, p - q - 51)


def square_root(x: int) -> int:
    if is_nan(x):
        return NAN
    if is_zero(x):
        return 0
    if x & SIGN:
        return NAN
    if x == INFINITY:
        return x
    a, p = parts(x)
    a, p = a << 60, p - 60
    if p & 1:
        a, p = a << 1, p - 1
    root = isqrt(a)
    return rounded(root << 1 | (root * root != a), p // 2 - 1)


def order(x: int) -> int:
    """An integer that orders numbers which are not NaN; both zeros have 0."""
    return -(x & MAGNITUDE) if x & SIGN else x


def less(x: int, y: int) -> bool:
    return not (is_nan(x) or is_nan(y)) and order(x) < order(y)


def equal(x: int, y: int) -> bool:
    return not (is_nan(x) or is_nan(y)) and order(x) == order(y)


def maximum(x: int, y: int) -> int:
    if is_nan(x) or is_nan(y):
        return NAN
    return canonical(x if order(x) >= order(y) else y)


def minimum(x: int, y: int) -> int:
    if is_nan(x) or is_nan(y):
        return NAN
    return canonical(x if order(x) <= order(y) else y)


def nearest_of_ratio(integer: int, exponent: int) -> int:
    """The integer nearest to `integer · 2^exponent`, ties to even."""
    if exponent >= 0:
        return integer << exponent
    shift = -exponent
    kept = integer >> shift
    twice = (integer - (kept << shift)) << 1
    one = 1 << shift
    return kept + (twice > one or (twice == one and kept & 1))


def nearest(x: int) -> int:
    """`rne(x)` of a finite number."""
    return nearest_of_ratio(*parts(x))


def truncated(x: int) -> int:
    integer, exponent = parts(x)
    if exponent >= 0:
        return integer << exponent
    return -(-integer >> -exponent) if integer < 0 else integer >> -exponent


def floored(x: int) -> int:
    integer, exponent = parts(x)
    return integer << exponent if exponent >= 0 else integer >> -exponent


def to_integer(x: int, least: int, most: int, how=truncated) -> int:
    """A number made an integer: the nearer end where it is beyond the range, 0 for NaN."""
    if is_nan(x):
        return 0
    if not is_finite(x):
        return least if x & SIGN else most
    return min(max(how(x), least), most)


def integral(x: int, how) -> int:
    """`floor`, `ceil`, `trunc` and `rne` to binary32, by what makes an integer of a finite number."""
    return from_integer(how(x)) if is_finite(x) else canonical(x)


def ceiled(x: int) -> int:
    return -floored(x ^ SIGN)


def remainder(x: int, y: int) -> int:
    """`rem(x, y)`, exact, with the sign of `x`."""
    if is_nan(x) or is_nan(y) or not is_finite(x) or is_zero(y):
        return NAN
    if not is_finite(y):
        return canonical(x)
    a, p = parts(x)
    b, q = parts(y)
    least = min(p, q)
    rest = (abs(a) << (p - least)) % (abs(b) << (q - least))
    return rounded(-rest if a < 0 else rest, least)


def scale(x: int, n: int) -> int:
    """`x · 2^n`, rounded once."""
    if not is_finite(x):
        return canonical(x)
    integer, exponent = parts(x)
    return rounded(integer, exponent + n)
