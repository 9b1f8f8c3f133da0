//! Recording of the operations that a function of `assay-exact` consists of, so that build scripts write it in any
//! language.

use assay_exact::functions::{self, Arithmetic};
use std::{
    cell::RefCell,
    collections::HashMap,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// One operation. Numbers name results: 0 is what the function is called with, and `n` the result of the `n`-th
/// operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "the operations are those of `assay_exact::functions::Arithmetic`"
)]
pub enum Operation {
    /// The number with these bits.
    Constant(u32),
    Negate(usize),
    Add(usize, usize),
    Subtract(usize, usize),
    Multiply(usize, usize),
    Divide(usize, usize),
    Sqrt(usize),
    /// A truth value, like the next one.
    Less(usize, usize),
    Equal(usize, usize),
    /// The second where the first is true, the third elsewhere.
    Select(usize, usize, usize),
    PowerOfTwo(usize),
    Exponent(usize),
    Significand(usize),
}

/// The operations so far. The same one is written once.
#[derive(Default)]
struct Tape {
    operations: Vec<Operation>,
    positions: HashMap<Operation, usize>,
}

thread_local! {
    static TAPE: RefCell<Tape> = RefCell::default();
}

/// The result of the operation at this position; position 0 is what the function is called with.
#[derive(Clone, Copy)]
struct Recorded(usize);

/// A function of one number.
pub struct Function {
    /// Its name in `assay_exact::functions`.
    pub name: &'static str,
    /// Its operations in their order.
    pub operations: Vec<Operation>,
    /// The number of the operation whose result is the function's.
    pub result: usize,
}

/// All functions that kernels call.
pub fn functions() -> Vec<Function> {
    macro_rules! functions {
        ($($name:ident),* $(,)?) => {
            vec![$(recorded(stringify!($name), functions::$name)),*]
        };
    }
    functions!(exp, log, sin, cos, tanh, sigmoid, erf, rsqrt, silu, gelu, gelu_tanh)
}

fn recorded(name: &'static str, function: fn(Recorded) -> Recorded) -> Function {
    TAPE.set(Tape::default());
    let result = function(Recorded(0)).0;
    Function {
        name,
        operations: TAPE.take().operations,
        result,
    }
}

fn record(operation: Operation) -> Recorded {
    TAPE.with_borrow_mut(|tape| {
        let next = tape.operations.len() + 1;
        let position = *tape.positions.entry(operation).or_insert(next);
        if position == next {
            tape.operations.push(operation);
        }
        Recorded(position)
    })
}

macro_rules! operators {
    ($($operator:ident $method:ident $operation:ident),*) => {
        $(impl $operator for Recorded {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                record(Operation::$operation(self.0, other.0))
            }
        })*
    };
}

operators!(Add add Add, Sub sub Subtract, Mul mul Multiply, Div div Divide);

impl Neg for Recorded {
    type Output = Self;
    fn neg(self) -> Self {
        record(Operation::Negate(self.0))
    }
}

impl Arithmetic for Recorded {
    type Mask = Self;

    fn constant(bits: u32) -> Self {
        record(Operation::Constant(bits))
    }

    fn sqrt(self) -> Self {
        record(Operation::Sqrt(self.0))
    }

    fn less(self, other: Self) -> Self {
        record(Operation::Less(self.0, other.0))
    }

    fn equal(self, other: Self) -> Self {
        record(Operation::Equal(self.0, other.0))
    }

    fn select(mask: Self, yes: Self, no: Self) -> Self {
        record(Operation::Select(mask.0, yes.0, no.0))
    }

    fn power_of_two(self) -> Self {
        record(Operation::PowerOfTwo(self.0))
    }

    fn exponent(self) -> Self {
        record(Operation::Exponent(self.0))
    }

    fn significand(self) -> Self {
        record(Operation::Significand(self.0))
    }
}
