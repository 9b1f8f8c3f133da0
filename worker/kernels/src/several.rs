//! Eight vectors side by side: long sequences of operations take turns, so that none waits for its own results.

use crate::vector::{Lanes, Vector};
use assay_exact::functions::Arithmetic;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Eight vectors.
#[derive(Clone, Copy)]
pub(crate) struct Eight<V>(V, V, V, V, V, V, V, V);

/// Computes each of the eight.
macro_rules! each {
    ($new:expr, |$($name:ident),*| $value:expr) => {
        $new(
            each!(@one 0, [$($name),*], $value),
            each!(@one 1, [$($name),*], $value),
            each!(@one 2, [$($name),*], $value),
            each!(@one 3, [$($name),*], $value),
            each!(@one 4, [$($name),*], $value),
            each!(@one 5, [$($name),*], $value),
            each!(@one 6, [$($name),*], $value),
            each!(@one 7, [$($name),*], $value),
        )
    };
    (@one $index:tt, [$($name:ident),*], $value:expr) => {{
        $(let $name = $name.$index;)*
        $value
    }};
}

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {
        $(impl<V: Vector> $operator for Eight<V> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let one = self;
                let Self(a, b, c, d, e, f, g, h) = each!(Self, |one, other| $operator::$method(one, other));
                let [a, b, c, d, e, f, g, h] = V::together([a, b, c, d, e, f, g, h]);
                Self(a, b, c, d, e, f, g, h)
            }
        })*
    };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl<V: Vector> Neg for Eight<V> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        let one = self;
        each!(Self, |one| -one)
    }
}

/// Eight of anything, such as masks.
#[expect(clippy::too_many_arguments, reason = "there are eight")]
fn eight<T>(a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T) -> (T, T, T, T, T, T, T, T) {
    (a, b, c, d, e, f, g, h)
}

impl<V: Vector> Arithmetic for Eight<V> {
    type Mask = (V::Mask, V::Mask, V::Mask, V::Mask, V::Mask, V::Mask, V::Mask, V::Mask);

    #[inline(always)]
    fn constant(bits: u32) -> Self {
        let one = V::constant(bits);
        Self(one, one, one, one, one, one, one, one)
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        let one = self;
        each!(Self, |one| one.sqrt())
    }

    #[inline(always)]
    fn less(self, other: Self) -> Self::Mask {
        let one = self;
        each!(eight, |one, other| one.less(other))
    }

    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        let one = self;
        each!(eight, |one, other| one.equal(other))
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

impl<V: Vector> Lanes for Eight<V> {
    const LANES: usize = 8 * V::LANES;

    #[inline(always)]
    fn read(from: &[f32], fill: f32) -> Self {
        let part = |index: usize| V::read(&from[from.len().min(index * V::LANES)..], fill);
        if from.len() < Self::LANES {
            return Self(part(0), part(1), part(2), part(3), part(4), part(5), part(6), part(7));
        }
        // One question instead of eight.
        let from = &from[..Self::LANES];
        let part = |index: usize| V::read(&from[index * V::LANES..][..V::LANES], fill);
        Self(part(0), part(1), part(2), part(3), part(4), part(5), part(6), part(7))
    }

    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        if to.len() >= Self::LANES {
            let to = &mut to[..Self::LANES];
            for (index, vector) in [self.0, self.1, self.2, self.3, self.4, self.5, self.6, self.7]
                .into_iter()
                .enumerate()
            {
                vector.write(&mut to[index * V::LANES..][..V::LANES]);
            }
            return;
        }
        let mut parts = to.chunks_mut(V::LANES);
        for vector in [self.0, self.1, self.2, self.3, self.4, self.5, self.6, self.7] {
            vector.write(parts.next().unwrap_or_default());
        }
    }

    #[inline(always)]
    fn canonical(self) -> Self {
        let one = self;
        each!(Self, |one| one.canonical())
    }
}
