//! Writes the functions of `assay-exact` out as straight code, from a recording of the operations that each one
//! performs.
//!
//! Vector instructions are at hand only in functions that enable them, so a whole sequence has to be inlined into such
//! a function. The sequences as they stand are made of small functions and closures, and whether all of these are
//! inlined is up to the compiler. A function here is one list of operations instead, each of which is inlined always.

use assay_codegen::{Function, Operation};
use std::{env, fs, path::Path};

/// The operation as an expression.
fn expression(operation: Operation) -> String {
    match operation {
        Operation::Constant(bits) => format!("V::constant({bits:#010x})"),
        Operation::Negate(x) => format!("-v{x}"),
        Operation::Add(x, y) => format!("v{x} + v{y}"),
        Operation::Subtract(x, y) => format!("v{x} - v{y}"),
        Operation::Multiply(x, y) => format!("v{x} * v{y}"),
        Operation::Divide(x, y) => format!("v{x} / v{y}"),
        Operation::Sqrt(x) => format!("v{x}.sqrt()"),
        Operation::Less(x, y) => format!("v{x}.less(v{y})"),
        Operation::Equal(x, y) => format!("v{x}.equal(v{y})"),
        Operation::Select(mask, yes, no) => format!("V::select(v{mask}, v{yes}, v{no})"),
        Operation::PowerOfTwo(x) => format!("v{x}.power_of_two()"),
        Operation::Exponent(x) => format!("v{x}.exponent()"),
        Operation::Significand(x) => format!("v{x}.significand()"),
    }
}

/// The function's code.
fn written_out(function: Function) -> String {
    let Function {
        name,
        operations,
        result,
    } = function;
    let mut code = format!("#[inline(always)]\npub(crate) fn {name}<V: Arithmetic>(v0: V) -> V {{\n");
    for (index, operation) in operations.into_iter().enumerate() {
        code += &format!("    let v{} = {};\n", index + 1, expression(operation));
    }
    code + &format!("    v{result}\n}}\n\n")
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let code: String = assay_codegen::functions().into_iter().map(written_out).collect();
    let directory = env::var_os("OUT_DIR").expect("cargo says where to");
    fs::write(Path::new(&directory).join("functions.rs"), code).expect("the directory is there");
}
