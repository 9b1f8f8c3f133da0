//! The operations against the definition of correct rounding, in exact arithmetic that shares no code with them.
//!
//! A result `r` of the exact value `v` is right if `v` lies between the midpoints of `r` and its two neighbours, and on
//! a midpoint only if `r` is the even one. Only comparisons of products of integers and powers of two are needed for
//! that.

use super::*;

/// `integer · 2^exponent`.
#[derive(Clone, Copy, Debug)]
struct Dyadic {
    integer: i128,
    exponent: i32,
}

impl Dyadic {
    /// The value of finite bits, from the fields of the format.
    fn of(bits: u32) -> Self {
        let field = (bits >> 23 & 255) as i32;
        let stored = i128::from(bits & 0x007f_ffff);
        let magnitude = if field == 0 { stored } else { stored + 0x0080_0000 };
        Self {
            integer: if bits >> 31 == 1 { -magnitude } else { magnitude },
            exponent: field.max(1) - 150,
        }
    }

    /// The value halfway between two numbers that follow each other; beyond the greatest one, `2^128` follows it.
    fn midpoint(low: u32, high: u32) -> Self {
        let (low, high) = (Self::of(low), Self::of(high));
        // Neighbours are at most one exponent apart.
        let exponent = low.exponent.min(high.exponent);
        let lift = |x: Self| x.integer << (x.exponent - exponent);
        Self {
            integer: lift(low) + lift(high),
            exponent: exponent - 1,
        }
    }

    fn times(self, other: Self) -> Self {
        Self {
            integer: self.integer * other.integer,
            exponent: self.exponent + other.exponent,
        }
    }

    fn plus(self, other: Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        Self {
            integer: (self.integer << (self.exponent - exponent)) + (other.integer << (other.exponent - exponent)),
            exponent,
        }
    }

    fn compare(self, other: Self) -> Ordering {
        let signs = self.integer.signum().cmp(&other.integer.signum());
        if signs != Ordering::Equal || self.integer == 0 {
            return signs;
        }
        // The place of the leading bit decides unless it is the same, and then both fit after aligning.
        let leading = |x: Self| x.exponent + 127 - x.integer.unsigned_abs().leading_zeros() as i32;
        let magnitudes = leading(self).cmp(&leading(other)).then_with(|| {
            let exponent = self.exponent.min(other.exponent);
            let lift = |x: Self| x.integer.unsigned_abs() << (x.exponent - exponent);
            lift(self).cmp(&lift(other))
        });
        if self.integer < 0 {
            magnitudes.reverse()
        } else {
            magnitudes
        }
    }
}

/// Whether `result` is the rounding of a positive value, given how that value compares with any other.
fn is_rounding_of(result: u32, compare_value: impl Fn(Dyadic) -> Ordering) -> bool {
    let infinite = 0x7f80_0000;
    let even = result & 1 == 0;
    let above_low = result == 0 || {
        let order = compare_value(Dyadic::midpoint(result - 1, result));
        order == Ordering::Greater || (order == Ordering::Equal && even)
    };
    let below_high = result == infinite || {
        let order = compare_value(Dyadic::midpoint(result, result + 1));
        order == Ordering::Less || (order == Ordering::Equal && even)
    };
    above_low && below_high
}

/// Finite positive operands: all special ones, then random ones.
fn positive_pairs() -> impl Iterator<Item = (u32, u32)> {
    pairs()
        .map(|(a, b)| (a & !SIGN, b & !SIGN))
        .filter(|(a, b)| (1..0x7f80_0000).contains(a) && (1..0x7f80_0000).contains(b))
}

#[test]
fn product_is_the_rounded_exact_product() {
    for (a, b) in positive_pairs() {
        let result = (Binary32::from_bits(a) * Binary32::from_bits(b)).to_bits();
        let exact = Dyadic::of(a).times(Dyadic::of(b));
        assert!(is_rounding_of(result, |m| exact.compare(m)), "{a:#x} × {b:#x}");
    }
}

#[test]
fn quotient_is_the_rounded_exact_quotient() {
    for (a, b) in positive_pairs() {
        let result = (Binary32::from_bits(a) / Binary32::from_bits(b)).to_bits();
        // a / b against m is a against b·m.
        let order = |m: Dyadic| Dyadic::of(a).compare(m.times(Dyadic::of(b)));
        assert!(is_rounding_of(result, order), "{a:#x} / {b:#x}");
    }
}

#[test]
fn root_is_the_rounded_exact_root() {
    for (a, _) in positive_pairs() {
        let result = Binary32::from_bits(a).sqrt().to_bits();
        // √a against m is a against m².
        let order = |m: Dyadic| Dyadic::of(a).compare(m.times(m));
        assert!(is_rounding_of(result, order), "√{a:#x}");
    }
}

#[test]
fn sum_and_difference_are_the_rounded_exact_ones() {
    for (a, b) in positive_pairs() {
        // Operands that are further apart would not fit 128 bits here.
        if Dyadic::of(a).exponent.abs_diff(Dyadic::of(b).exponent) > 96 {
            continue;
        }
        for sign in [0, SIGN] {
            let exact = Dyadic::of(a).plus(Dyadic::of(b ^ sign));
            let result = (Binary32::from_bits(a) + Binary32::from_bits(b ^ sign)).to_bits();
            let magnitude = Dyadic {
                integer: exact.integer.abs(),
                ..exact
            };
            assert!(
                is_rounding_of(result & !SIGN, |m| magnitude.compare(m)),
                "{a:#x} ± {b:#x}"
            );
            assert_eq!(result & SIGN != 0, exact.integer < 0);
        }
    }
}

#[test]
fn remainder_is_the_dividend_less_a_whole_number_of_divisors() {
    for (a, b) in positive_pairs() {
        let (dividend, divisor) = (Dyadic::of(a), Dyadic::of(b));
        // Operands that are further apart would not fit 128 bits here.
        if dividend.exponent.abs_diff(divisor.exponent) > 96 {
            continue;
        }
        let result = (Binary32::from_bits(a) % Binary32::from_bits(b)).to_bits();
        let exponent = dividend.exponent.min(divisor.exponent);
        let lift = |x: Dyadic| x.integer << (x.exponent - exponent);
        let expected = Dyadic {
            integer: lift(dividend) % lift(divisor),
            exponent,
        };
        assert_eq!(
            Dyadic::of(result).compare(expected),
            Ordering::Equal,
            "{a:#x} mod {b:#x}"
        );
    }
}

#[test]
fn integer_is_rounded_once() {
    let mut random = Random(4);
    for _ in 0..cases(RANDOM_PAIRS) {
        let integer = random.next() as i64 >> (random.next() % 64);
        let result = Binary32::from_i64(integer).to_bits();
        let magnitude = Dyadic {
            integer: i128::from(integer).abs(),
            exponent: 0,
        };
        assert!(is_rounding_of(result & !SIGN, |m| magnitude.compare(m)), "{integer}");
        assert_eq!(result & SIGN != 0, integer < 0);
    }
}

#[test]
fn rounding_to_integers_is_that_of_exact_division() {
    for (a, _) in positive_pairs() {
        let number = Binary32::from_bits(a);
        let exact = Dyadic::of(a);
        // Numbers with a fraction that 128 bits hold; the others are integers, or below 2^-73.
        if !(-96..0).contains(&exact.exponent) {
            continue;
        }
        let unit = 1i128 << -exact.exponent;
        let (floor, rest) = (exact.integer / unit, exact.integer % unit);
        let ceil = floor + i128::from(rest != 0);
        let nearest = match (2 * rest).cmp(&unit) {
            Ordering::Less => floor,
            Ordering::Greater => ceil,
            Ordering::Equal => floor + floor % 2,
        };
        for (ours, expected) in [
            (number.floor(), floor),
            (number.ceil(), ceil),
            (number.trunc(), floor),
            (number.round_half_even(), nearest),
            ((-number).floor(), -ceil),
            ((-number).ceil(), -floor),
            ((-number).trunc(), -floor),
            ((-number).round_half_even(), -nearest),
        ] {
            let expected = Dyadic {
                integer: expected,
                exponent: 0,
            };
            assert_eq!(Dyadic::of(ours.to_bits()).compare(expected), Ordering::Equal, "{a:#x}");
        }
    }
}
