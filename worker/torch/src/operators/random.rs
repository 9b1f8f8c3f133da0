//! Numbers as good as random: Philox4x32-10, as `assay_exact::operators` defines it, on Int64 tensors.

use crate::{array::Array, fault::Result, machine::Machine};
use assay_exact::digest::DataType;
use assay_ops::layout::Dims;
use tch::{Kind, Tensor};

/// Number of times that the words are mixed.
const ROUNDS: usize = 10;
/// Factors of the first and the third word of a counter.
const MULTIPLIERS: [i64; 2] = [0xd251_1f53, 0xcd9e_8d57];
/// Numbers that are added to the key's words between two rounds.
const STEPS: [i64; 2] = [0x9e37_79b9, 0xbb67_ae85];
/// The low 32 bits.
const WORD: i64 = 0xffff_ffff;
/// `2^-24`.
const STEP: f64 = 1.0 / (1u32 << 24) as f64;

/// The numbers of keys, counters and lanes, all three repeated to `shape`.
pub(crate) fn random(_machine: &mut Machine, [key, counter, lane]: [&Array; 3], shape: Dims) -> Result<Array> {
    let [mut first_key, mut second_key] = words(&key.repeated(shape)?)?;
    let [mut first, mut second] = words(&counter.repeated(shape)?)?;
    let [mut third, mut fourth] = words(&lane.repeated(shape)?)?;
    for _ in 0..ROUNDS {
        // Products wrap at 64 bits, which they fit.
        let [of_first_low, of_first_high] = words(&first.f_mul_scalar(MULTIPLIERS[0])?)?;
        let [of_third_low, of_third_high] = words(&third.f_mul_scalar(MULTIPLIERS[1])?)?;
        first = of_third_high
            .f_bitwise_xor_tensor(&second)?
            .f_bitwise_xor_tensor(&first_key)?;
        third = of_first_high
            .f_bitwise_xor_tensor(&fourth)?
            .f_bitwise_xor_tensor(&second_key)?;
        (second, fourth) = (of_third_low, of_first_low);
        first_key = first_key.f_add_scalar(STEPS[0])?.f_bitwise_and(WORD)?;
        second_key = second_key.f_add_scalar(STEPS[1])?.f_bitwise_and(WORD)?;
    }
    // An odd integer below 2^24, so neither step rounds.
    let numerators = first
        .f_bitwise_right_shift_tensor_scalar(9)?
        .f_mul_scalar(2)?
        .f_add_scalar(1)?;
    let numbers = numerators.f_to_kind(Kind::Float)?.f_mul_scalar(STEP)?;
    Array::new(&numbers, DataType::Float32, shape)
}

/// The low and the high 32 bits.
fn words(integers: &Tensor) -> Result<[Tensor; 2]> {
    let high = integers.f_bitwise_right_shift_tensor_scalar(32)?;
    Ok([integers.f_bitwise_and(WORD)?, high.f_bitwise_and(WORD)?])
}
