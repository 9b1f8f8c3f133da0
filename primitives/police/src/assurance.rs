//! Assurance levels: how much a client wants to know that its result is right, and what that costs.

use crate::Hazard;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Level of assurance of a job.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[scale_info(capture_docs = "always")]
pub enum Assurance {
    /// Drawn by the ordinary rules.
    #[default]
    #[codec(index = 0)]
    Basic,
    /// Drawn four times as often.
    #[codec(index = 1)]
    High,
    /// Always drawn.
    #[codec(index = 2)]
    Full,
}

impl Assurance {
    /// The hazard of a claim at this level whose hazard by the ordinary rules is this one.
    pub fn hazard(self, ordinary: Hazard) -> Hazard {
        match self {
            Self::Basic => ordinary,
            Self::High => ordinary.times(4),
            Self::Full => Hazard::CERTAIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_level_is_drawn_more_often() {
        let ordinary = Hazard(Hazard::ONE.0 / 50);
        let chances = [Assurance::Basic, Assurance::High, Assurance::Full].map(|level| level.hazard(ordinary).chance());
        assert_eq!(chances, [19_802, 76_884, crate::MILLION]);
    }
}
