//! Writes the kernels' source, with the functions of `assay-exact` written out in CUDA C++ from a recording of the
//! operations that each one performs: so there is one definition of a function, and no translation by hand.

use assay_codegen::{Function, Operation};
use std::{env, fs, path::Path};

/// The parts of the source, in their order; the functions come after the first.
const PARTS: [&str; 6] = [
    "kernels/numbers.cuh",
    "kernels/elements.cuh",
    "kernels/movement.cuh",
    "kernels/rows.cuh",
    "kernels/products.cuh",
    "kernels/groups.cuh",
];

/// The operation as a declaration of its result. Every intrinsic rounds once, and none is ever contracted with another.
fn declaration(position: usize, operation: Operation) -> String {
    let number = |expression: String| format!("float v{position} = {expression};");
    let truth = |expression: String| format!("bool v{position} = {expression};");
    match operation {
        Operation::Constant(bits) => number(format!("__uint_as_float({bits:#010x}u)")),
        Operation::Negate(x) => number(format!("-v{x}")),
        Operation::Add(x, y) => number(format!("__fadd_rn(v{x}, v{y})")),
        Operation::Subtract(x, y) => number(format!("__fsub_rn(v{x}, v{y})")),
        Operation::Multiply(x, y) => number(format!("__fmul_rn(v{x}, v{y})")),
        Operation::Divide(x, y) => number(format!("__fdiv_rn(v{x}, v{y})")),
        Operation::Sqrt(x) => number(format!("__fsqrt_rn(v{x})")),
        Operation::Less(x, y) => truth(format!("v{x} < v{y}")),
        Operation::Equal(x, y) => truth(format!("v{x} == v{y}")),
        Operation::Select(mask, yes, no) => number(format!("v{mask} ? v{yes} : v{no}")),
        Operation::PowerOfTwo(x) => number(format!("power_of_integral(v{x})")),
        Operation::Exponent(x) => number(format!("exponent_of(v{x})")),
        Operation::Significand(x) => number(format!("significand_of(v{x})")),
    }
}

/// The function's code.
fn written_out(function: Function) -> String {
    let Function {
        name,
        operations,
        result,
    } = function;
    let mut code = format!("DEVICE float exact_{name}(float v0) {{\n");
    for (index, operation) in operations.into_iter().enumerate() {
        code += &format!("    {}\n", declaration(index + 1, operation));
    }
    code + &format!("    return v{result};\n}}\n\n")
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=kernels");
    let functions: String = assay_codegen::functions().into_iter().map(written_out).collect();
    let mut source = String::new();
    for (position, part) in PARTS.iter().enumerate() {
        source += &fs::read_to_string(part).expect("the kernels are beside the build script");
        if position == 0 {
            source += &functions;
        }
    }
    let directory = env::var_os("OUT_DIR").expect("cargo says where to");
    let path = Path::new(&directory).join("kernels.cu");
    fs::write(&path, source).expect("the directory is there");
    // The emulator compiles the same source.
    println!("cargo::metadata=source={}", path.display());
}
