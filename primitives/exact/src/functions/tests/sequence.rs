//! The sequences, recorded without any numbers: a function that looked at its data could not run here.

use super::*;
use core::{
    cell::Cell,
    ops::{Add, Div, Mul, Neg, Sub},
};

thread_local! {
    /// Operations on numbers since the count began, without comparisons, selections and constants.
    static ARITHMETIC: Cell<u32> = const { Cell::new(0) };
    /// Comparisons and selections since the count began.
    static CHOICES: Cell<u32> = const { Cell::new(0) };
}

/// A number that is not known.
#[derive(Clone, Copy)]
struct Unknown;

fn arithmetic() -> Unknown {
    ARITHMETIC.set(ARITHMETIC.get() + 1);
    Unknown
}

fn choice() -> Unknown {
    CHOICES.set(CHOICES.get() + 1);
    Unknown
}

macro_rules! operators {
    ($($operator:ident $method:ident),*) => {
        $(impl $operator for Unknown {
            type Output = Self;
            fn $method(self, _: Self) -> Self {
                arithmetic()
            }
        })*
    };
}

operators!(Add add, Sub sub, Mul mul, Div div);

impl Neg for Unknown {
    type Output = Self;
    fn neg(self) -> Self {
        arithmetic()
    }
}

impl Arithmetic for Unknown {
    type Mask = Self;

    fn constant(_: u32) -> Self {
        Self
    }

    fn sqrt(self) -> Self {
        arithmetic()
    }

    fn less(self, _: Self) -> Self {
        choice()
    }

    fn equal(self, _: Self) -> Self {
        choice()
    }

    fn select(_: Self, _: Self, _: Self) -> Self {
        choice()
    }

    fn power_of_two(self) -> Self {
        arithmetic()
    }

    fn exponent(self) -> Self {
        arithmetic()
    }

    fn significand(self) -> Self {
        arithmetic()
    }
}

/// Number of operations, and of comparisons and selections, that a function takes.
fn count(function: fn(Unknown) -> Unknown) -> (u32, u32) {
    ARITHMETIC.set(0);
    CHOICES.set(0);
    function(Unknown);
    (ARITHMETIC.get(), CHOICES.get())
}

#[test]
fn sequences_are_as_long_as_documented() {
    for (function, name, expected) in [
        (exp as fn(Unknown) -> Unknown, "exp", (29, 7)),
        (tanh, "tanh", (43, 11)),
        (sigmoid, "sigmoid", (33, 9)),
        (erf, "erf", (62, 11)),
        (log, "log", (28, 15)),
        (sin, "sin", (81, 13)),
        (cos, "cos", (81, 13)),
        (rsqrt, "rsqrt", (2, 0)),
        (silu, "silu", (36, 11)),
        (gelu, "gelu", (66, 13)),
        (gelu_tanh, "gelu_tanh", (51, 13)),
    ] {
        assert_eq!(count(function), expected, "{name}");
    }
}
