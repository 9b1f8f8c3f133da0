//! The operations on the machine's own numbers, with the domains that the sequences promise to keep.

use crate::functions::Arithmetic;

impl Arithmetic for f32 {
    type Mask = bool;

    fn constant(bits: u32) -> Self {
        Self::from_bits(bits)
    }

    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }

    fn less(self, other: Self) -> bool {
        self < other
    }

    fn equal(self, other: Self) -> bool {
        self == other
    }

    fn select(mask: bool, yes: Self, no: Self) -> Self {
        if mask { yes } else { no }
    }

    fn power_of_two(self) -> Self {
        assert!(
            (-126.0..=127.0).contains(&self) && self.fract() == 0.0,
            "2^{self} is no normal power"
        );
        Self::from_bits(((self as i32 + 127) as u32) << 23)
    }

    fn exponent(self) -> Self {
        assert!(self.is_normal() && self > 0.0, "{self} has no exponent");
        ((self.to_bits() >> 23) as i32 - 127) as f32
    }

    fn significand(self) -> Self {
        assert!(self.is_normal() && self > 0.0, "{self} has no significand");
        Self::from_bits(self.to_bits() & 0x007f_ffff | 0x3f80_0000)
    }
}
