//! Things that all benchmarks measure with: numbers to compute on, and the largest slices that a judge is shown.

pub mod slices;

/// About normally distributed numbers: sums of eight from a multiplicative hash of the position (Knuth).
pub fn numbers(count: usize) -> Vec<f32> {
    let number = |i: u32| -> f32 {
        let parts = (0..8u32).map(|part| (i * 8 + part).wrapping_mul(2_654_435_761) >> 8);
        parts.map(|part| part as f32 / 16_777_216.0 - 0.5).sum()
    };
    (0..count as u32).map(number).collect()
}
