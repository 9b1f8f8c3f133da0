//! Operators that compute each element of their result from one element of each operand.

use super::{Failure, code, fit};
use crate::{
    array::Array,
    parameters::{MAX_FUNCTIONS, Parameters},
    queue::Queue,
};
use assay_exact::digest::DataType;
use assay_ops::{
    layout::Dims,
    words::{Bitwise, Comparison, Connective, Function, Operation},
};

/// The function as the kernels number it.
pub(super) fn function_code(function: Function) -> u64 {
    match function {
        Function::Neg => 0,
        Function::Abs => 1,
        Function::Relu => 2,
        Function::Sqrt => 3,
        Function::Rsqrt => 4,
        Function::Exp => 5,
        Function::Log => 6,
        Function::Sin => 7,
        Function::Cos => 8,
        Function::Tanh => 9,
        Function::Sigmoid => 10,
        Function::Erf => 11,
        Function::Silu => 12,
        Function::Gelu => 13,
        Function::GeluTanh => 14,
        Function::Floor => 15,
        Function::Ceil => 16,
        Function::Round => 17,
        Function::Trunc => 18,
    }
}

fn operation_code(operation: Operation) -> u64 {
    match operation {
        Operation::Add => 0,
        Operation::Sub => 1,
        Operation::Mul => 2,
        Operation::Div => 3,
        Operation::Rem => 4,
        Operation::Max => 5,
        Operation::Min => 6,
    }
}

fn comparison_code(comparison: Comparison) -> u64 {
    match comparison {
        Comparison::Equal => 0,
        Comparison::NotEqual => 1,
        Comparison::Less => 2,
        Comparison::LessOrEqual => 3,
        Comparison::Greater => 4,
        Comparison::GreaterOrEqual => 5,
    }
}

fn bitwise_code(operation: Bitwise) -> u64 {
    match operation {
        Bitwise::And => 0,
        Bitwise::Or => 1,
        Bitwise::Xor => 2,
        Bitwise::Shl => 3,
        Bitwise::Shr => 4,
    }
}

/// Functions of each number, one after the other.
pub fn apply(queue: &Queue, functions: &[Function], input: &mut Array) -> Result<Array, Failure> {
    if input.dtype != DataType::Float32 {
        return Err(Failure::Misfit);
    }
    let mut result = input.clone();
    for functions in functions.chunks(MAX_FUNCTIONS) {
        let codes: Vec<u64> = functions.iter().copied().map(function_code).collect();
        let output = Array::new(queue, DataType::Float32, input.layout.shape)?;
        let parameters = Parameters::default()
            .count(output.len())
            .address(&output.buffer)
            .address(&result.buffer)
            .view(&result.layout)
            .functions(&codes);
        queue.for_each("apply", output.len(), parameters)?;
        result = output;
    }
    Ok(result)
}

/// These parameters, and then those of an operation on two arrays that are repeated to the output's shape.
fn two(before: Parameters, operation: u64, a: &Array, b: &Array, output: &Array) -> Result<Parameters, Failure> {
    let shape = output.layout.shape;
    let (a_view, b_view) = (fit(a.layout.repeated(shape))?, fit(b.layout.repeated(shape))?);
    let parameters = before.word(operation).count(output.len());
    let parameters = parameters.address(&output.buffer).address(&a.buffer).address(&b.buffer);
    Ok(parameters.view(&a_view).view(&b_view))
}

/// Those of a kernel that is told the operands' type.
fn of_type(array: &Array) -> Parameters {
    Parameters::default().word(code(array.dtype))
}

/// Two arrays of numbers or integers, repeated to `shape` and combined.
pub fn combine(queue: &Queue, operation: Operation, a: &Array, b: &Array, shape: Dims) -> Result<Array, Failure> {
    if a.dtype != b.dtype || a.dtype == DataType::Bool {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, a.dtype, shape)?;
    let operation = operation_code(operation);
    let (kernel, parameters) = match a.dtype {
        DataType::Float32 => ("combine_float", two(Parameters::default(), operation, a, b, &output)?),
        _ => ("combine_integer", two(of_type(a), operation, a, b, &output)?),
    };
    queue.for_each(kernel, output.len(), parameters)?;
    Ok(output)
}

/// Two arrays of integers of one type, repeated to `shape`, and combined bit by bit.
pub fn bitwise(queue: &Queue, operation: Bitwise, a: &Array, b: &Array, shape: Dims) -> Result<Array, Failure> {
    if a.dtype != b.dtype || matches!(a.dtype, DataType::Float32 | DataType::Bool) {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, a.dtype, shape)?;
    let parameters = two(of_type(a), bitwise_code(operation), a, b, &output)?;
    queue.for_each("combine_bitwise", output.len(), parameters)?;
    Ok(output)
}

/// Two arrays of one type, repeated to `shape` and compared.
pub fn compare(queue: &Queue, comparison: Comparison, a: &Array, b: &Array, shape: Dims) -> Result<Array, Failure> {
    if a.dtype != b.dtype {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, DataType::Bool, shape)?;
    let parameters = two(of_type(a), comparison_code(comparison), a, b, &output)?;
    queue.for_each("compare_elements", output.len(), parameters)?;
    Ok(output)
}

/// Two arrays of truth values, repeated to `shape` and connected.
pub fn connect(queue: &Queue, connective: Connective, a: &Array, b: &Array, shape: Dims) -> Result<Array, Failure> {
    if [a.dtype, b.dtype] != [DataType::Bool; 2] {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, DataType::Bool, shape)?;
    let connective = match connective {
        Connective::And => 0,
        Connective::Or => 1,
        Connective::Xor => 2,
    };
    let parameters = two(Parameters::default(), connective, a, b, &output)?;
    queue.for_each("connect", output.len(), parameters)?;
    Ok(output)
}

/// The negatives of integers.
pub fn integer_neg(queue: &Queue, input: &Array) -> Result<Array, Failure> {
    changed(queue, 0, input)
}

/// The magnitudes of integers.
pub fn integer_abs(queue: &Queue, input: &Array) -> Result<Array, Failure> {
    changed(queue, 1, input)
}

/// Truth values, each the other way round.
pub fn logical_not(queue: &Queue, input: &Array) -> Result<Array, Failure> {
    changed(queue, 2, input)
}

/// Integers with every bit the other way round.
pub fn bitwise_not(queue: &Queue, input: &Array) -> Result<Array, Failure> {
    if input.dtype == DataType::Bool {
        return Err(Failure::Misfit);
    }
    changed(queue, 3, input)
}

/// Numbers as good as random, of keys, counters and lanes of Int64, all three repeated to `shape`.
pub fn random(queue: &Queue, operands: [&Array; 3], shape: Dims) -> Result<Array, Failure> {
    if operands.iter().any(|operand| operand.dtype != DataType::Int64) {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, DataType::Float32, shape)?;
    let mut parameters = Parameters::default().count(output.len()).address(&output.buffer);
    for operand in operands {
        parameters = parameters.address(&operand.buffer);
    }
    for operand in operands {
        parameters = parameters.view(&fit(operand.layout.repeated(shape))?);
    }
    queue.for_each("random_numbers", output.len(), parameters)?;
    Ok(output)
}

fn changed(queue: &Queue, change: u64, input: &Array) -> Result<Array, Failure> {
    if input.dtype == DataType::Float32 {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, input.dtype, input.layout.shape)?;
    let parameters = of_type(input).word(change);
    convert(queue, "change", parameters, input, &output)?;
    Ok(output)
}

/// The elements as elements of this type.
pub fn cast(queue: &Queue, input: &Array, dtype: DataType) -> Result<Array, Failure> {
    if input.dtype == dtype {
        return Ok(input.clone());
    }
    let output = Array::new(queue, dtype, input.layout.shape)?;
    let parameters = of_type(input).word(code(dtype));
    convert(queue, "cast", parameters, input, &output)?;
    Ok(output)
}

fn convert(
    queue: &Queue,
    kernel: &'static str,
    parameters: Parameters,
    from: &Array,
    to: &Array,
) -> Result<(), Failure> {
    let parameters = parameters
        .count(to.len())
        .address(&to.buffer)
        .address(&from.buffer)
        .view(&from.layout);
    Ok(queue.for_each(kernel, to.len(), parameters)?)
}

/// The elements of `yes` where the condition holds, those of `no` elsewhere, all three repeated to `shape`.
pub fn select(queue: &Queue, [condition, yes, no]: [&Array; 3], shape: Dims) -> Result<Array, Failure> {
    if condition.dtype != DataType::Bool || yes.dtype != no.dtype {
        return Err(Failure::Misfit);
    }
    let output = Array::new(queue, yes.dtype, shape)?;
    let kernel = match yes.dtype.size_bytes() {
        1 => "choose_1",
        4 => "choose_4",
        _ => "choose_8",
    };
    let mut parameters = Parameters::default().count(output.len()).address(&output.buffer);
    for array in [condition, yes, no] {
        parameters = parameters.address(&array.buffer);
    }
    for array in [condition, yes, no] {
        parameters = parameters.view(&fit(array.layout.repeated(shape))?);
    }
    queue.for_each(kernel, output.len(), parameters)?;
    Ok(output)
}
