//! Four vectors side by side: long sequences of operations take turns, so that none waits for its own results.

use crate::vector::{Lanes, Vector};
use assay_exact::functions::Arithmetic;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Four vectors.
#[derive(Clone, Copy)]
pub(crate) struct Four<V>(V, V, V, V);

/// Computes each of the four.
macro_rules! each {
    ($new:expr, |$($name:ident),*| $value:expr) => {
        $new(
            each!(@one 0, [$($name),*], $value),
            each!(@one 1, [$($name),*], $value),
            each!(@one 2, [$($name),*], $value),
            each!(@one 3, [$($name),*], $value),
        )
    };
    (@one $index:tt, [$($name:ident),*], $value:expr) => {{
        $(let $name = $name.$index;)*
        $value
    }};
}

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {
        $(impl<V: Vector> $operator for Four<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let one = self;
                let Self(a, b, c, d) = each!(Self, |one, other| $operator::$method(one, other));
                let [a, b, c, d] = V::together([a, b, c, d]);
                Self(a, b, c, d)
            }
        })*
    };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl<V: Vector> Neg for Four<V> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        let one = self;
        each!(Self, |one| -one)
    }
}

/// Four of anything, such as masks.
fn four<T>(a: T, b: T, c: T, d: T) -> (T, T, T, T) {
    (a, b, c, d)
}

impl<V: Vector> Arithmetic for Four<V> {
    type Mask = (V::Mask, V::Mask, V::Mask, V::Mask);

    #[inline(always)]
    fn constant(bits: u32) -> Self {
        let one = V::constant(bits);
        Self(one, one, one, one)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        let one = self;
        each!(Self, |one| one.sqrt())
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        let one = self;
        each!(four, |one, other| one.less(other))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        let one = self;
        each!(four, |one, other| one.equal(other))
    }

    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        each!(Self, |mask, yes, no| V::select(mask, yes, no))
    }

    #[inline(always)]
    fn power_of_two(self) -> Self {
        let one = self;
        each!(Self, |one| one.power_of_two())
    }

    #[inline(always)]
    fn exponent(self) -> Self {
        let one = self;
        each!(Self, |one| one.exponent())
    }

    #[inline(always)]
    fn significand(self) -> Self {
        let one = self;
        each!(Self, |one| one.significand())
    }
}

impl<V: Vector> Lanes for Four<V> {
    const LANES: usize = 4 * V::LANES;

    #[inline(always)]
    fn read(from: &[f32], fill: f32) -> Self {
        let part = |index: usize| V::read(&from[from.len().min(index * V::LANES)..], fill);
        Self(part(0), part(1), part(2), part(3))
    }

    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        let mut parts = to.chunks_mut(V::LANES);
        for vector in [self.0, self.1, self.2, self.3] {
            vector.write(parts.next().unwrap_or_default());
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        let one = self;
        each!(Self, |one| one.canonical())
    }
}
