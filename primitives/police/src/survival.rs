//! The chance that no audit is drawn, `e^(−hazard)`, in fixed point.
//!
//! A hazard is an expected number of draws, and hazards add up where work is split: `e^(−a) · e^(−b) = e^(−(a + b))`.
//! So a price that is drawn by its hazard is drawn with the same chance in one part or in a hundred.

/// Expected number of draws, in units of 2^-32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hazard(pub u64);

/// `⌊2^64 · e^(−2^(k − 32))⌋` for k = 0 to 36, computed with 60 decimal places.
const POWERS: [u64; 37] = [
    0xffff_ffff_0000_0000,
    0xffff_fffe_0000_0001,
    0xffff_fffc_0000_0007,
    0xffff_fff8_0000_001f,
    0xffff_fff0_0000_007f,
    0xffff_ffe0_0000_01ff,
    0xffff_ffc0_0000_07ff,
    0xffff_ff80_0000_1fff,
    0xffff_ff00_0000_7fff,
    0xffff_fe00_0001_ffff,
    0xffff_fc00_0007_ffff,
    0xffff_f800_001f_ffff,
    0xffff_f000_007f_fffd,
    0xffff_e000_01ff_ffea,
    0xffff_c000_07ff_ff55,
    0xffff_8000_1fff_faaa,
    0xffff_0000_7fff_d555,
    0xfffe_0001_fffe_aaab,
    0xfffc_0007_fff5_555f,
    0xfff8_001f_ffaa_ab55,
    0xfff0_007f_fd55_5fff,
    0xffe0_01ff_eaab_5551,
    0xffc0_07ff_555f_ff77,
    0xff80_1ffa_ab55_4445,
    0xff00_7fd5_5ffd_de38,
    0xfe01_feab_5511_27cb,
    0xfc07_f55f_f77d_2493,
    0xf81f_ab54_45ae_bc8a,
    0xf07d_5fde_3815_1e72,
    0xe1eb_5127_6c11_0c3c,
    0xc75f_7cf5_6410_5743,
    0x9b45_97e3_7cb0_4ff3,
    0x5e2d_58d8_b3bc_df1a,
    0x22a5_5547_7f03_973f,
    0x04b0_556e_084f_3d1d,
    0x0015_fc21_0410_27ac,
    0x0000_01e3_55bb_aee8,
];

impl Hazard {
    /// One expected draw.
    pub const ONE: Self = Self(1 << 32);

    /// The hazard with which a draw is certain.
    pub const CERTAIN: Self = Self(u64::MAX);

    /// Chance that nothing is drawn, in units of 2^-64, rounded down: a claim is rather drawn than spared. Each of the
    /// at most 37 factors is rounded down by less than one unit. It is nothing from a hazard of 32 on.
    pub fn survival(self) -> u64 {
        if self.0 >> POWERS.len() != 0 {
            return 0;
        }
        // The empty product is a whole, which 64 bits do not hold: the maximum stands for it.
        let set = POWERS.iter().enumerate().filter(|(bit, _)| (self.0 >> bit) & 1 == 1);
        set.fold(u64::MAX, |chance, (_, power)| {
            // The upper half of a product of 64 bits each.
            ((u128::from(chance) * u128::from(*power)) >> 64) as u64
        })
    }

    /// Whether a random number draws the claim. `random` is uniform over 64 bits.
    pub fn is_drawn(self, random: u64) -> bool {
        self.0 > 0 && random >= self.survival()
    }

    /// The chance of a draw in millionths, rounded up.
    pub fn chance(self) -> u32 {
        if self.0 == 0 {
            return 0;
        }
        let drawn = u128::from(u64::MAX - self.survival()) + 1;
        // At most a million, since the chance is at most 2^64.
        (drawn * u128::from(crate::MILLION)).div_ceil(1 << 64) as u32
    }

    /// The sum; it saturates at certainty.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This many times the hazard; it saturates at certainty.
    pub fn times(self, factor: u32) -> Self {
        Self(self.0.saturating_mul(factor.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chances_are_those_of_the_exponential_function() {
        assert_eq!(Hazard(0).chance(), 0);
        assert_eq!(Hazard::ONE.chance(), 632_121);
        assert_eq!(Hazard(Hazard::ONE.0 / 100).chance(), 9_951);
        assert_eq!(Hazard::CERTAIN.chance(), crate::MILLION);
        assert_eq!(Hazard::ONE.times(32).chance(), crate::MILLION);
    }

    #[test]
    fn no_hazard_draws_nothing_and_certainty_draws_everything() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Hazard(0).is_drawn(random));
            assert!(Hazard::CERTAIN.is_drawn(random));
        }
        assert!(Hazard(1).is_drawn(u64::MAX));
    }

    proptest! {
        #[test]
        fn a_hazard_in_parts_is_survived_as_rarely_as_the_whole(
            parts in prop::collection::vec(0u64..(1 << 33), 1..20),
        ) {
            let whole = Hazard(parts.iter().sum()).survival();
            let split = parts.iter().fold(u64::MAX, |chance, part| {
                ((u128::from(chance) * u128::from(Hazard(*part).survival())) >> 64) as u64
            });
            // Rounding alone: a unit of 2^-64 for each factor, of which there are at most 37 in each part.
            prop_assert!(whole.abs_diff(split) <= 38 * (parts.len() as u64 + 1));
        }

        #[test]
        fn more_hazard_is_never_survived_more_often(hazard in 0u64..(1 << 37), more in 1u64..(1 << 33)) {
            let (less, more) = (Hazard(hazard).survival(), Hazard(hazard + more).survival());
            prop_assert!(more <= less.saturating_add(37));
        }
    }
}
