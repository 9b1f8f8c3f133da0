"""A second implementation of the functions of docs/numerics.md, in numpy, compared with the golden vectors.

Run: pip install numpy==2.4.6 && python check_golden.py
It is written from the document alone, and the names are the document's.
"""

import collections
import pathlib
import numpy as np

np.seterr(all="ignore")
F32 = np.float32
ONE, TWO, HALF, QUARTER, FOUR, ZERO = map(F32, (1, 2, 0.5, 0.25, 4, 0))
INFINITY, NAN = F32(np.inf), F32(np.nan)
where = np.where


def bits(x):
    return np.asarray(x, dtype=F32).view(np.uint32)


def number(hexadecimal):
    return np.uint32(int(hexadecimal, 16)).view(F32)


def magnitude(x):
    return where(x < 0, -x, x)


def sign(x, y):
    return where(x < 0, -y, y)


def least(x, limit):
    return where(number(limit) < x, number(limit), x)


def most(x, limit):
    return where(x < number(limit), number(limit), x)


def near(x):
    return (x + number("4b400000")) - number("4b400000")


def poly(x, coefficients):
    *others, last = map(number, coefficients.split())
    total = np.full_like(x, last)
    for coefficient in reversed(others):
        total = total * x + coefficient
    return total


def power_of_two(n):
    return ((n.astype(np.int32) + 127) << 23).view(F32)


def unless_nan(f):
    return lambda x: where(x == x, f(where(x == x, x, ZERO)), NAN)


def parts(x):
    n = near(x * number("3fb8aa3b"))
    r = (x - n * number("3f318000")) - n * number("b95e8083")
    m = ONE + (r + (r * r) * poly(r, "3f000000 3e2aaa9e 3d2aaa79 3c089b7f 3ab6a103 3935f2f3"))
    return m, n


def split(x):
    m, n = parts(x)
    h = near(n * HALF)
    return m * power_of_two(h), power_of_two(n - h)


@unless_nan
def exp(x):
    d, p = split(most(least(x, "42b20000"), "c2dc0000"))
    return d * p


@unless_nan
def sigmoid(x):
    d, p = split(most(-magnitude(x), "c2dc0000"))
    e = d * p
    return where(x < 0, e, ONE) / (ONE + e)


@unless_nan
def tanh(x):
    a = least(magnitude(x), "41200000")
    z = a * a
    m, n = parts(a + a)
    low = a + a * (z * poly(z, "beaaaaaa 3e08883d bd5cf8c4 3cb1d2a8 bc062f68 3b0d140b"))
    high = ONE - TWO / (m * power_of_two(n) + ONE)
    return sign(x, where(a < number("3f200000"), low, high))


@unless_nan
def erf(x):
    a = least(magnitude(x), "40800000")
    low = a + a * poly(a * a, "3e0375d4 bec093a0 3de716ba bcdc0228 3baa4194 ba54cb92 38b4b76b b60f0118")
    q = poly(
        a,
        "b8acef20 3f908156 3f2286f2 3dd8f6a4 bcbb3ba2 3b33acfe 39222192 b90a0db3 37bdb18b b5c37272",
    )
    m, n = parts(-q)
    high = ONE - m * power_of_two(n)
    return sign(x, where(a < ONE, low, high))


def log(x):
    y = where(0 < x, x, ONE)
    y = where(y < INFINITY, y, ONE)
    small = y < number("00800000")
    v = bits(where(small, y * number("4b800000"), y))
    e = ((v >> 23).astype(np.int32) - 127).astype(F32) - where(small, F32(24), ZERO)
    m = (v & 0x007FFFFF | 0x3F800000).view(F32)
    great = number("3fb504f3") < m
    k = where(great, e + ONE, e)
    f = where(great, m * HALF, m) - ONE
    s = f / (TWO + f)
    z = s * s
    t = HALF * (f * f)
    c = s * (t + z * poly(z, "3f2aaaaa 3eccce14 3e91e98b 3e78b039")) + k * number("b95e8083")
    logarithm = (f - (t - c)) + k * number("3f318000")
    return where(0 < x, where(x == INFINITY, INFINITY, logarithm), where(x == 0, -INFINITY, NAN))


def rsqrt(x):
    return ONE / np.sqrt(x)


def within_domain(f):
    def function(x):
        within = magnitude(x) < number("49800001")
        return where(within, f(*angle(where(within, x, ZERO))), NAN)

    return function


def angle(x):
    n = near(x * number("3f22f983"))
    high = near(n * number("39800000")) * number("45800000")
    low = n - high
    rest, lost = x, np.zeros_like(x)
    for piece in map(number, "3fc91000 b6940000 b33bc000 2c348000".split()):
        for part in (high, low):
            product = part * piece
            following = rest - product
            lost = lost + ((rest - following) - product)
            rest = following
    r = rest + (lost - n * number("a6f72ced"))
    z = r * r
    q = n - near(n * QUARTER) * FOUR
    s = r + r * (z * poly(z, "be2aaaab 3c0888ab b9501ade 36393b7c"))
    c = ONE + (z * number("bf000000") + (z * z) * poly(z, "3d2aaaab bab60b99 37d02289 b495983f"))
    return q, magnitude(q), s, c


@within_domain
def sin(q, turn, s, c):
    return where(turn < ONE, s, where(turn == ONE, where(q < 0, -c, c), -s))


@within_domain
def cos(q, turn, s, c):
    return where(turn < ONE, c, where(turn == ONE, where(q < 0, s, -s), -c))


@unless_nan
def silu(x):
    x = most(x, "c2dc0000")
    d, p = split(most(-magnitude(x), "c2dc0000"))
    b = ONE + d * p
    return where(x < 0, ((x * d) / b) * p, x / b)


def gelu(x):
    x = most(x, "c2dc0000")
    return (HALF * x) * (ONE + erf(x * number("3f3504f3")))


def gelu_tanh(x):
    x = most(x, "c2dc0000")
    inner = number("3f4c422a") * (x + number("3d372713") * ((x * x) * x))
    return (HALF * x) * (ONE + tanh(inner))


def canonical(x):
    magnitudes = bits(x) & 0x7FFFFFFF
    return where(magnitudes == 0, 0, where(magnitudes > 0x7F800000, 0x7FC00000, bits(x)))


def main():
    vectors = collections.defaultdict(list)
    path = pathlib.Path(__file__).parent.parent / "golden" / "functions.txt"
    for line in path.read_text().splitlines():
        name, *pair = line.split()
        vectors[name].append([int(word, 16) for word in pair])
    for name, pairs in vectors.items():
        inputs, outputs = np.array(pairs, dtype=np.uint32).T
        result = globals()[name](np.ascontiguousarray(inputs).view(F32))
        assert result.dtype == F32, name
        wrong = np.flatnonzero(canonical(result) != outputs)
        assert wrong.size == 0, f"{name} differs at {inputs[wrong[0]]:08x}"
        print(f"{name}: {len(pairs)} vectors")


main()
