//! Known-answer tests that a device passes before it is used, on the values that break inexact kernels.

use super::{
    contraction::{MOST_IN_FLOAT32, Route, batched_sums, integer_product},
    fault::{Fault, Result},
    machine::Machine,
    operators,
    quantise::{self, Integers},
};
use assay_exact::{
    binary32::Binary32,
    functions,
    quantise::{Bits, Precision, QuantisedRow},
    reduce,
};
use assay_ops::{operators::Failure, words::Function};
use tch::{Device, Kind, Tensor};

/// `[M, K, N]`: single rows, odd sizes, sizes on both sides of vector and tile widths, and the longest row.
const SHAPES: [[usize; 3]; 9] = [
    [1, 1, 1],
    [3, 1, 28],
    [5, 2, 1],
    [1, 64, 10],
    [2, 63, 33],
    [17, 100, 8],
    [33, 256, 65],
    [64, 128, 31],
    [3, 16_384, 5],
];

/// The greatest magnitude of a weight of small integers in groups: `128 · 32768 + 32768`.
const WEIGHTS_END: i32 = 4_227_072;

/// Compares products of integers with sums in 64-bit integers; says what differs.
pub(super) fn route(route: Route, device: Device) -> std::result::Result<(), String> {
    let _no_grad = tch::no_grad_guard();
    for precision in [Precision::Int8, Precision::Int16, Precision::Int16Int8] {
        for shape in SHAPES {
            for pattern in [
                Pattern::Greatest,
                Pattern::Alternating,
                Pattern::Opposite,
                Pattern::Mixed,
            ] {
                let exact = check_product(route, device, precision, shape, pattern);
                let exact = exact.map_err(|fault| format!("a product of {shape:?} failed: {}", said(fault)))?;
                if !exact {
                    return Err(format!("a product of {shape:?} in {precision:?} was not exact"));
                }
            }
        }
    }
    for shape in SHAPES {
        let exact = check_least(route, device, shape);
        let exact = exact.map_err(|fault| format!("a product of {shape:?} failed: {}", said(fault)))?;
        if !exact {
            return Err(format!("a product of {shape:?} with integers of -128 was not exact"));
        }
    }
    for [m, k, n] in SHAPES {
        let exact = check_wide(device, [m, k, n]);
        let exact = exact.map_err(|fault| format!("a product of [{m}, {k}, {n}] failed: {}", said(fault)))?;
        if !exact {
            return Err(format!("a product of [{m}, {k}, {n}] in float64 was not exact"));
        }
    }
    match check_batch(device) {
        Ok(true) => Ok(()),
        Ok(false) => Err("a batch of products in float32 was not exact".to_owned()),
        Err(fault) => Err(format!("a batch of products in float32 failed: {}", said(fault))),
    }
}

/// The reason of a failure, for people.
fn said(fault: Fault) -> String {
    Failure::from(fault).to_string()
}

/// Compares a batch's products of float32 with the longest rows of the greatest integers, the last of which is odd.
fn check_batch(device: Device) -> Result<bool> {
    let (rows, length) = (9, MOST_IN_FLOAT32);
    let row: Vec<f32> = (0..length)
        .map(|k| if k + 1 == length { 126.0 } else { 127.0 })
        .collect();
    let row = Tensor::f_from_slice(&row)?.f_to_device(device)?;
    let batch = row.f_expand([2, rows, length], false)?.f_contiguous()?;
    let expected = 127 * 127 * (length - 1) + 126 * 126;
    let count = (2 * rows * rows) as usize;
    Ok(integers_of(&batched_sums(&batch, &batch)?, count)? == vec![expected; count])
}

/// Compares products of float64 with the greatest weights of small integers in groups, and with odd ones.
fn check_wide(device: Device, [m, k, n]: [usize; 3]) -> Result<bool> {
    let greatest = i64::from(Bits::Int16.greatest());
    let numbers = vec![greatest as f32; m * k];
    let rows = Tensor::f_from_slice(&numbers)?
        .f_reshape([m as i64, k as i64])?
        .f_to_device(device)?;
    let rows = quantise::rows(&rows, Bits::Int16, Route::Float64)?;
    for weight in [WEIGHTS_END, -WEIGHTS_END, 4_194_303] {
        let weights = Tensor::f_full([n as i64, k as i64], f64::from(weight), (Kind::Double, device))?;
        let expected = greatest * i64::from(weight) * k as i64;
        let sums = integer_product(&rows.integers, &Integers::Float64(weights))?;
        if integers_of(&sums, m * n)? != vec![expected; m * n] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares products with the least integer of a weight, which no quantised row has.
fn check_least(route: Route, device: Device, [m, k, n]: [usize; 3]) -> Result<bool> {
    let scales = Tensor::f_ones([n as i64], (Kind::Float, device))?;
    let least = Tensor::f_full([n as i64, k as i64], i64::from(i8::MIN), (Kind::Int8, device))?;
    let weight = quantise::given(&least, &scales, route)?;
    for bits in [Bits::Int8, Bits::Int16] {
        let numbers = vec![bits.greatest() as f32; m * k];
        let rows = Tensor::f_from_slice(&numbers)?
            .f_reshape([m as i64, k as i64])?
            .f_to_device(device)?;
        let rows = quantise::rows(&rows, bits, route)?;
        let expected = i64::from(bits.greatest()) * i64::from(i8::MIN) * k as i64;
        if integers_of(&integer_product(&rows.integers, &weight.integers)?, m * n)? != vec![expected; m * n] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The elements of a product, which are integers.
fn integers_of(product: &Tensor, count: usize) -> Result<Vec<i64>> {
    let product = product
        .f_to_kind(Kind::Int64)?
        .f_to_device(Device::Cpu)?
        .f_contiguous()?;
    let mut values = vec![0i64; count];
    product.f_copy_data(&mut values, count)?;
    Ok(values)
}

/// Integers that make kernels saturate (int8 pairs summed in 16 bits) or overflow.
#[derive(Clone, Copy)]
enum Pattern {
    Greatest,
    Alternating,
    Opposite,
    Mixed,
}

impl Pattern {
    fn rows(self, rows: usize, length: usize, limit: i64, second: bool) -> Vec<i64> {
        let value = |i: usize, k: usize| match self {
            Self::Greatest => limit,
            Self::Alternating if (i + k).is_multiple_of(2) => limit,
            Self::Alternating => -limit,
            Self::Opposite if second => -limit,
            Self::Opposite => limit,
            // A multiplicative hash of the position (Knuth), spread over the range.
            Self::Mixed => {
                let hash = (i * 7919 + k + usize::from(second)).wrapping_mul(2_654_435_761) >> 7;
                (hash % (2 * limit as usize + 1)) as i64 - limit
            }
        };
        (0..rows).flat_map(|i| (0..length).map(move |k| value(i, k))).collect()
    }
}

fn check_product(
    route: Route,
    device: Device,
    precision: Precision,
    [m, k, n]: [usize; 3],
    pattern: Pattern,
) -> Result<bool> {
    let [left, right] = [precision.left(), precision.right()];
    let limits = [left, right].map(|bits| i64::from(bits.greatest()));
    let (a, b) = (
        pattern.rows(m, k, limits[0], false),
        pattern.rows(n, k, limits[1], true),
    );
    let integers = |values: &[i64], rows: usize, bits: Bits| {
        // A row whose greatest magnitude is `limit` has the scale 1, so that it is quantised to itself.
        let mut numbers: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        for row in numbers.chunks_mut(k) {
            row[0] = bits.greatest() as f32;
        }
        let matrix = Tensor::f_from_slice(&numbers)?
            .f_reshape([rows as i64, k as i64])?
            .f_to_device(device)?;
        let integers = quantise::rows(&matrix, bits, route)?.integers;
        Ok::<_, Fault>((
            integers,
            numbers.into_iter().map(|number| number as i64).collect::<Vec<_>>(),
        ))
    };
    let ((a, a_values), (b, b_values)) = (integers(&a, m, left)?, integers(&b, n, right)?);
    let expected = a_values.chunks(k).flat_map(|a| {
        b_values
            .chunks(k)
            .map(move |b| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>())
    });
    Ok(expected.eq(integers_of(&integer_product(&a, &b)?, m * n)?))
}

/// Compares scales and quantised rows with the definition, on subnormal, huge and odd values; says what differs.
pub(super) fn elementwise(machine: &mut Machine) -> std::result::Result<(), String> {
    let _no_grad = tch::no_grad_guard();
    let device = machine.device();
    let rows: Vec<[f32; 8]> = (0..256u32)
        .map(|row| std::array::from_fn(|k| odd_value(row, k as u32)))
        .collect();
    for bits in [Bits::Int8, Bits::Int16] {
        let exact = check_rows(&rows, bits, device).map_err(said)?;
        if !exact {
            return Err("it does not divide or round as IEEE 754 says; are subnormal numbers flushed to zero?".into());
        }
    }
    for (function, defined) in [
        (Function::Exp, functions::exp as fn(Binary32) -> Binary32),
        (Function::Gelu, functions::gelu),
        (Function::Rsqrt, functions::rsqrt),
        (Function::Log, functions::log),
        (Function::Sin, functions::sin),
    ] {
        if !check_function(machine, function, defined, &rows).map_err(said)? {
            return Err(format!("{function:?} is not as defined; are operations fused?"));
        }
    }
    match check_sums(device, &rows).map_err(said)? {
        true => Ok(()),
        false => Err("a sum is not as defined".to_owned()),
    }
}

/// Compares a function of the numbers with its definition.
fn check_function(
    machine: &mut Machine,
    function: Function,
    defined: fn(Binary32) -> Binary32,
    rows: &[[f32; 8]],
) -> Result<bool> {
    let numbers = rows.as_flattened();
    let tensor = Tensor::f_from_slice(numbers)?.f_to_device(machine.device())?;
    let actual = numbers_of(&machine.apply(function, &tensor)?, numbers.len())?;
    Ok(numbers
        .iter()
        .zip(actual)
        .all(|(x, y)| defined(canonical(*x)) == canonical(y)))
}

/// Compares the sums of rows with their definition.
fn check_sums(device: Device, rows: &[[f32; 8]]) -> Result<bool> {
    let tensor = Tensor::f_from_slice(rows.as_flattened())?
        .f_reshape([rows.len() as i64, 8])?
        .f_to_device(device)?;
    let actual = numbers_of(&operators::sum(&tensor)?, rows.len())?;
    let sums = rows.iter().map(|row| reduce::sum(row.iter().map(|x| canonical(*x))));
    Ok(sums.zip(actual).all(|(expected, sum)| expected == canonical(sum)))
}

fn canonical(number: f32) -> Binary32 {
    Binary32::from_bits(number.to_bits())
}

/// The elements of a Float32 tensor.
fn numbers_of(tensor: &Tensor, count: usize) -> Result<Vec<f32>> {
    let mut numbers = vec![0f32; count];
    tensor
        .f_contiguous()?
        .f_to_device(Device::Cpu)?
        .f_copy_data(&mut numbers, count)?;
    Ok(numbers)
}

/// A number of about the same exponent as the others of its row; the rows run through all exponents.
fn odd_value(row: u32, k: u32) -> f32 {
    let stored = (row * 8 + k).wrapping_mul(2_654_435_761) >> 9;
    let sign = if k.is_multiple_of(3) { 1 << 31 } else { 0 };
    f32::from_bits(sign | row.saturating_sub(k % 2) << 23 | stored)
}

fn check_rows(rows: &[[f32; 8]], bits: Bits, device: Device) -> Result<bool> {
    let matrix = Tensor::f_from_slice(rows.as_flattened())?
        .f_reshape([rows.len() as i64, 8])?
        .f_to_device(device)?;
    let actual = quantise::rows(&matrix, bits, Route::Float64)?;
    let Integers::Float64(integers) = actual.integers else {
        return Ok(false);
    };
    let mut values = vec![0f64; rows.len() * 8];
    integers
        .f_to_device(Device::Cpu)?
        .f_copy_data(&mut values, rows.len() * 8)?;
    let mut scales = vec![0f32; rows.len()];
    actual
        .scale
        .f_to_device(Device::Cpu)?
        .f_copy_data(&mut scales, rows.len())?;
    let agree = rows
        .iter()
        .zip(values.chunks(8))
        .zip(scales)
        .all(|((row, values), scale)| {
            let expected = QuantisedRow::new(row.iter().map(|x| Binary32::from_bits(x.to_bits())), bits);
            let integers = values.iter().map(|value| *value as i64);
            Binary32::from_bits(scale.to_bits()) == expected.scale()
                && integers.eq(expected.integers().iter().map(|q| i64::from(*q)))
        });
    Ok(agree)
}
