//! Helpers that this crate's tests share.

use crate::{
    digest::{Digest, Hash256},
    graph::{Dimension, Formula, MAX_SYMBOLS, Monomial},
};
use alloc::vec::Vec;

/// BLAKE2b-256 in plain code.
pub struct Blake2b;

impl Hash256 for Blake2b {
    fn hash(bytes: &[u8]) -> Digest {
        let hash = blake2b_simd::Params::new().hash_length(32).hash(bytes);
        hash.as_bytes().try_into().expect("asked for 32 bytes; qed")
    }
}

/// A fixed stream of pseudo-random numbers (Marsaglia's xorshift64*, 2003).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
}

/// Number of cases of a test that compares with the hardware: `usual`, or 10⁸ if `ASSAY_LONG=1` is set.
pub fn cases(usual: usize) -> usize {
    if long() { 100_000_000 } else { usual }
}

/// Whether `ASSAY_LONG=1` is set.
pub fn long() -> bool {
    std::env::var_os("ASSAY_LONG").is_some_and(|value| value == "1")
}

/// A dimension of these terms as they are, each a coefficient and the symbols that it is multiplied with.
pub fn formula(terms: &[(i32, &[u8])]) -> Dimension {
    let terms = terms.iter().map(|(coefficient, symbols)| {
        let mut powers = [0; MAX_SYMBOLS];
        symbols.iter().for_each(|symbol| powers[usize::from(*symbol)] += 1);
        Monomial {
            coefficient: *coefficient,
            powers,
        }
    });
    let terms: Vec<Monomial> = terms.collect();
    Dimension::Computed(Formula::new(&terms).expect("few terms"))
}

/// `factor` times a symbol, and `offset` more, as it is: not canonical if the factor is 0, or 1 without an offset.
pub fn affine(symbol: u8, factor: i32, offset: i32) -> Dimension {
    match offset {
        0 => formula(&[(factor, &[symbol])]),
        _ => formula(&[(offset, &[]), (factor, &[symbol])]),
    }
}
