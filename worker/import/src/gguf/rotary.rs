//! Tables of cosines and sines for rotary position embedding.
//!
//! They are computed in binary64 from additions, multiplications and divisions alone, which every machine rounds alike,
//! and rounded to binary32 once. A system's own sine may differ in the last bit, and with it the package's root.

use std::f64::consts::FRAC_PI_2;

/// The part of π/2 that `FRAC_PI_2` is too small by.
const FRAC_PI_2_REST: f64 = 6.123_233_995_736_766e-17;

/// Growth of the angles of a model's heads.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotary {
    /// The base of the frequencies.
    pub base: f64,
    /// Divisor of every frequency.
    pub stretch: f64,
    /// Further divisor of each frequency; none of them if empty.
    pub factors: Vec<f64>,
    /// Frequencies: half of a head's width.
    pub frequencies: u32,
}

impl Rotary {
    /// Cosines and sines `[positions, frequencies]`.
    pub fn tables(&self, positions: u32) -> (Vec<f32>, Vec<f32>) {
        let root = root(self.base, self.frequencies);
        let mut frequency = 1.0;
        let mut frequencies = Vec::new();
        for i in 0..self.frequencies as usize {
            let factor = self.factors.get(i).copied().unwrap_or(1.0);
            frequencies.push(frequency / self.stretch / factor);
            frequency /= root;
        }
        let angles = (0..positions).flat_map(|at| frequencies.iter().map(move |frequency| f64::from(at) * frequency));
        angles
            .map(turned)
            .map(|(cosine, sine)| (cosine as f32, sine as f32))
            .unzip()
    }
}

/// The number whose `degree`-th power is this one, which is at least 1, by bisection.
fn root(of: f64, degree: u32) -> f64 {
    let (mut low, mut high) = (1.0, of.max(1.0));
    // Each step halves what is left of at most 2,100 binades and 52 bits in them.
    for _ in 0..2200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        let mut power = 1.0;
        for _ in 0..degree {
            power *= middle;
        }
        if power <= of { low = middle } else { high = middle }
    }
    low
}

/// Cosine and sine of an angle from 0 to 2^20.
fn turned(angle: f64) -> (f64, f64) {
    let quarters = (angle / FRAC_PI_2).round_ties_even();
    let rest = angle - quarters * FRAC_PI_2 - quarters * FRAC_PI_2_REST;
    let square = rest * rest;
    // Series up to the 20th power, of which the next term is below 2^-64.
    let (mut cosine, mut sine) = (1.0, 1.0);
    for n in (1..=10).rev() {
        let n = 2.0 * f64::from(n);
        cosine = 1.0 - square / (n * (n - 1.0)) * cosine;
        sine = 1.0 - square / (n * (n + 1.0)) * sine;
    }
    sine *= rest;
    match quarters.rem_euclid(4.0) as u8 {
        0 => (cosine, sine),
        1 => (-sine, cosine),
        2 => (-cosine, -sine),
        _ => (sine, -cosine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_those_of_the_system_s_functions() {
        let rotary = Rotary {
            base: 100_000.0,
            stretch: 1.0,
            factors: Vec::new(),
            frequencies: 32,
        };
        let (cosines, sines) = rotary.tables(2048);
        for at in [0usize, 1, 7, 100, 2047] {
            for i in [0usize, 1, 15, 31] {
                let angle = at as f64 * 100_000f64.powf(-(i as f64) / 32.0);
                let (cosine, sine) = (cosines[32 * at + i], sines[32 * at + i]);
                assert!((f64::from(cosine) - angle.cos()).abs() < 1e-7, "{at} {i} {cosine}");
                assert!((f64::from(sine) - angle.sin()).abs() < 1e-7, "{at} {i} {sine}");
            }
        }
    }

    #[test]
    fn angles_are_divided_by_stretch_and_factors() {
        let rotary = Rotary {
            base: 10_000.0,
            stretch: 2.0,
            factors: vec![1.0, 4.0],
            frequencies: 2,
        };
        let (cosines, sines) = rotary.tables(2);
        assert_eq!(cosines, [1.0, 1.0, 0.5f64.cos() as f32, 0.00125f64.cos() as f32]);
        assert_eq!(sines, [0.0, 0.0, 0.5f64.sin() as f32, 0.00125f64.sin() as f32]);
    }
}
