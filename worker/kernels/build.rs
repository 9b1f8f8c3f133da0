//! Writes the functions of `assay-exact` out as straight code, from a recording of the operations that each one performs.
//!
//! Vector instructions are at hand only in functions that enable them, so a whole sequence has to be inlined into such a
//! function. The sequences as they stand are made of small functions and closures, and whether all of these are inlined is up
//! to the compiler. A function here is one list of operations instead, each of which is inlined always.

use assay_exact::functions::{self, Arithmetic};
use std::{
    cell::RefCell,
    collections::HashMap,
    env, fs,
    ops::{Add, Div, Mul, Neg, Sub},
    path::Path,
};

/// The operations so far, as expressions, each of which has its position as its name. The same one is written once.
#[derive(Default)]
struct Tape {
    lines: Vec<String>,
    positions: HashMap<String, usize>,
}

thread_local! {
    static TAPE: RefCell<Tape> = RefCell::default();
}

/// The result of the operation at this position; position 0 is what the function is called with.
#[derive(Clone, Copy)]
struct Recorded(usize);

fn record(expression: String) -> Recorded {
    TAPE.with_borrow_mut(|tape| {
        let next = tape.lines.len() + 1;
        let position = *tape.positions.entry(expression.clone()).or_insert(next);
        if position == next {
            tape.lines.push(expression);
        }
        Recorded(position)
    })
}

macro_rules! operators {
    ($($operator:ident $method:ident $sign:literal),*) => {
        $(impl $operator for Recorded {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                record(format!("v{} {} v{}", self.0, $sign, other.0))
            }
        })*
    };
}

operators!(Add add "+", Sub sub "-", Mul mul "*", Div div "/");

impl Neg for Recorded {
    type Output = Self;
    fn neg(self) -> Self {
        record(format!("-v{}", self.0))
    }
}

impl Arithmetic for Recorded {
    type Mask = Self;

    fn constant(bits: u32) -> Self {
        record(format!("V::constant({bits:#010x})"))
    }

    fn sqrt(self) -> Self {
        record(format!("v{}.sqrt()", self.0))
    }

    fn less(self, other: Self) -> Self {
        record(format!("v{}.less(v{})", self.0, other.0))
    }

    fn equal(self, other: Self) -> Self {
        record(format!("v{}.equal(v{})", self.0, other.0))
    }

    fn select(mask: Self, yes: Self, no: Self) -> Self {
        record(format!("V::select(v{}, v{}, v{})", mask.0, yes.0, no.0))
    }

    fn power_of_two(self) -> Self {
        record(format!("v{}.power_of_two()", self.0))
    }

    fn exponent(self) -> Self {
        record(format!("v{}.exponent()", self.0))
    }

    fn significand(self) -> Self {
        record(format!("v{}.significand()", self.0))
    }
}

/// The function's code.
fn written_out(name: &str, function: fn(Recorded) -> Recorded) -> String {
    TAPE.set(Tape::default());
    let result = function(Recorded(0)).0;
    let lines = TAPE.take().lines;
    let mut code = format!("#[inline(always)]\npub(crate) fn {name}<V: Arithmetic>(v0: V) -> V {{\n");
    for (index, line) in lines.iter().enumerate() {
        code += &format!("    let v{} = {line};\n", index + 1);
    }
    code + &format!("    v{result}\n}}\n\n")
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    macro_rules! functions {
        ($($name:ident),* $(,)?) => {
            [$(written_out(stringify!($name), functions::$name)),*].concat()
        };
    }
    let code = functions!(exp, log, sin, cos, tanh, sigmoid, erf, rsqrt, silu, gelu, gelu_tanh);
    let directory = env::var_os("OUT_DIR").expect("cargo says where to");
    fs::write(Path::new(&directory).join("functions.rs"), code).expect("the directory is there");
}
