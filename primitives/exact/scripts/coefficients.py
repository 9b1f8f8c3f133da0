"""Derives the polynomials of primitives/exact/src/functions: minimax by Remez' algorithm, rounded to binary32.

Run: pip install mpmath==1.4.1 && python coefficients.py
Prints for each polynomial its bits, lowest power first, and the greatest error with the rounded coefficients.
"""

import struct
from mpmath import mp, mpf, matrix, lu_solve, exp, log, erf, erfc, sqrt, sin, cos, pi

mp.dps = 40
GRID = 500


def bits(x):
    return struct.unpack("<I", struct.pack("<f", float(x)))[0]


def rounded(x):
    return mpf(struct.unpack("<f", struct.pack("<f", float(x)))[0])


def polynomial(coefficients, x):
    value = mpf(0)
    for c in reversed(coefficients):
        value = value * x + c
    return value


def remez(f, weight, low, high, degree, fixed=()):
    """Coefficients that minimise max |(f − p)·weight| on [low, high]; the first ones may be fixed beforehand."""
    free = degree + 1 - len(fixed)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / GRID) for i in range(GRID + 1)]
    # Where the weight vanishes, any polynomial will do.
    heaviest = max(weight(x) for x in grid)
    grid = [x for x in grid if weight(x) > heaviest / 1000]
    target = [f(x) - polynomial(fixed, x) for x in grid]
    weights = [weight(x) for x in grid]
    points = [round((len(grid) - 1) * i / free) for i in range(free + 1)]
    for _ in range(30):
        a, b = matrix(free + 1, free + 1), matrix(free + 1, 1)
        for row, i in enumerate(points):
            for k in range(free):
                a[row, k] = grid[i] ** (k + len(fixed))
            a[row, free] = (-1) ** row / weights[i]
            b[row] = target[i]
        solution = list(lu_solve(a, b))
        p = [mpf(0)] * len(fixed) + solution[:free]
        error = [(t - polynomial(p, x)) * w for t, x, w in zip(target, grid, weights)]
        # The greatest error between every two changes of its sign.
        extrema = []
        for i, e in enumerate(error):
            if extrema and (error[extrema[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[extrema[-1]]):
                    extrema[-1] = i
            else:
                extrema.append(i)
        while len(extrema) > free + 1:
            extrema.pop(0 if abs(error[extrema[0]]) < abs(error[extrema[-1]]) else -1)
        if len(extrema) < free + 1 or extrema == points:
            break
        points = extrema
    return list(fixed) + solution[:free]


def fit(name, f, weight, low, high, degree):
    """Rounds one coefficient after the other, from the lowest, and fits the rest anew."""
    low, high = mpf(low), mpf(high)
    fixed = []
    for _ in range(degree + 1):
        p = remez(f, weight, low, high, degree, fixed)
        fixed.append(rounded(p[len(fixed)]))
    error = max(
        abs((f(x) - polynomial(fixed, x)) * weight(x)) for x in (low + (high - low) * i / 1000 for i in range(1001))
    )
    print(f"{name}: greatest error 2^{float(log(error, 2)):.2f}")
    for c in fixed:
        print(f"    0x{bits(c):08x}  # {float(c)!r}")


def pieces(name, value, widths):
    """A constant as a sum of numbers, each a multiple of a unit that the widths give in bits below the point."""
    print(f"{name}:")
    rest = value
    for width in widths:
        piece = mp.nint(rest * mpf(2) ** width) / mpf(2) ** width if width else rounded(rest)
        print(f"    0x{bits(piece):08x}  # {float(piece)!r}")
        rest -= piece
    print(f"    left over: 2^{float(log(abs(rest), 2)):.1f}")


def series(f, expansion):
    """`f`, but its power series near 0, where the closed form cancels."""
    return lambda x: f(x) if abs(x) > mpf(10) ** -4 else polynomial(expansion, x)


def main():
    one = mpf(1)
    half_log2 = log(mpf(2)) / 2 * mpf("1.002")
    fit(
        "exp(r) = 1 + (r + r²·P(r))",
        series(lambda r: (exp(r) - 1 - r) / r**2, [one / 2, one / 6, one / 24, one / 120, one / 720]),
        lambda r: r**2 / exp(r),
        -half_log2,
        half_log2,
        5,
    )
    fit(
        "tanh(x) = x + x·z·P(z), z = x² ≤ 0.625²",
        series(
            lambda z: (mp.tanh(sqrt(z)) / sqrt(z) - 1) / z,
            [-one / 3, one * 2 / 15, -one * 17 / 315, one * 62 / 2835, -one * 1382 / 155925],
        ),
        lambda z: z / (mp.tanh(sqrt(z)) / sqrt(z)) if z else mpf(0),
        "0",
        mpf("0.625") ** 2,
        5,
    )
    two_pi = 2 / sqrt(pi)
    fit(
        "erf(x) = x + x·P(z), z = x² ≤ 1",
        series(
            lambda z: erf(sqrt(z)) / sqrt(z) - 1,
            [two_pi - 1, -two_pi / 3, two_pi / 10, -two_pi / 42, two_pi / 216, -two_pi / 1320],
        ),
        lambda z: sqrt(z) / erf(sqrt(z)) if z else 1 / two_pi,
        "0",
        "1",
        7,
    )
    fit(
        "erfc(x) = exp(−P(x)), 1 ≤ x ≤ 4",
        lambda x: -log(erfc(x)),
        lambda x: erfc(x) / erf(x),
        "1",
        "4",
        9,
    )
    fit(
        "log(1 + f) = f − f²/2 + s·(f²/2 + z·P(z)), s = f / (2 + f), z = s²",
        series(
            lambda z: 2 * (mp.atanh(sqrt(z)) / sqrt(z) - 1) / z,
            [2 * one / 3, 2 * one / 5, 2 * one / 7, 2 * one / 9, 2 * one / 11],
        ),
        lambda z: z / 2 / (mp.atanh(sqrt(z)) / sqrt(z)) if z else mpf(0),
        "0",
        mpf("0.1716") ** 2,
        3,
    )
    reduced = mpf("0.9") ** 2
    fit(
        "sin(r) = r + r·z·P(z), z = r² ≤ 0.9²",
        series(
            lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z,
            [-one / 6, one / 120, -one / 5040, one / 362880, -one / 39916800],
        ),
        lambda z: z / (sin(sqrt(z)) / sqrt(z)) if z else mpf(0),
        "0",
        reduced,
        3,
    )
    fit(
        "cos(r) = 1 − z/2 + z²·P(z), z = r² ≤ 0.9²",
        series(
            lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2,
            [one / 24, -one / 720, one / 40320, -one / 3628800, one / 479001600],
        ),
        lambda z: z**2 / cos(sqrt(z)),
        "0",
        reduced,
        3,
    )
    pieces("log 2", log(mpf(2)), [9, 0])
    pieces("1 / log 2", 1 / log(mpf(2)), [0])
    pieces("π/2", pi / 2, [11, 23, 35, 47, 0])
    pieces("2/π", 2 / pi, [0])
    pieces("√2", sqrt(mpf(2)), [0])
    pieces("√½", sqrt(mpf("0.5")), [0])
    pieces("√(2/π)", sqrt(2 / pi), [0])


main()
