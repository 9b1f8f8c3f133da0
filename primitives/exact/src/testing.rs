//! What this crate's tests share.

use crate::digest::{Digest, Hash256};

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

/// How many cases a test that compares with the hardware takes: `usual`, or 10⁸ if `ASSAY_LONG=1` is set.
pub fn cases(usual: usize) -> usize {
    if long() { 100_000_000 } else { usual }
}

/// Whether `ASSAY_LONG=1` is set.
pub fn long() -> bool {
    std::env::var_os("ASSAY_LONG").is_some_and(|value| value == "1")
}
