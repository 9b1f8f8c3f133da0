//! Reproducible chance.

/// A fixed stream of pseudo-random numbers (Marsaglia's xorshift64*, 2003). The seed is not 0.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number less than `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 20) % end
    }

    /// One of these, of which there is at least one.
    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A digest of nothing.
    pub fn digest(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| (self.next() >> 32) as u8)
    }
}
