//! Rules that have been changed, kept for what began under them. Nothing here knows which rules there are.
//!
//! Jobs, sessions and disputes are numbered in the order in which they begin. So the rules of each follow from its
//! number and from a short list of the rules that were changed: no record has to hold them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    sp_core::ConstU32,
    sp_runtime::{BoundedVec, traits::AtLeast32BitUnsigned},
};
use scale_info::TypeInfo;

/// Earlier rules that are kept at a time.
pub const MAX_KEPT: u32 = 8;

/// Rules that applied up to a change.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct FormerRules<Rules, BlockNumber> {
    /// The first number to which the rules do not apply any more.
    pub before: u64,
    /// Block of the change.
    pub changed_at: BlockNumber,
    /// The rules.
    pub rules: Rules,
}

/// Earlier rules, the oldest first.
pub type AllKept<Rules, BlockNumber> = BoundedVec<FormerRules<Rules, BlockNumber>, ConstU32<MAX_KEPT>>;

/// The refusal of a change, since as many earlier rules are in use as can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyKept;

/// The rules of what has this number, if they are not those in force.
pub fn kept_for<Rules: Clone, BlockNumber>(kept: &[FormerRules<Rules, BlockNumber>], number: u64) -> Option<Rules> {
    let earlier = kept.iter().find(|earlier| number < earlier.before);
    earlier.map(|earlier| earlier.rules.clone())
}

/// Keeps the rules in force, because they are about to change: for everything that has begun, which is what has a
/// number below `next`. What was kept for longer than anything can last, `outlived` blocks, is forgotten.
pub fn keep<Rules, BlockNumber: AtLeast32BitUnsigned + Copy>(
    kept: &mut AllKept<Rules, BlockNumber>,
    next: u64,
    (now, outlived): (BlockNumber, BlockNumber),
    in_force: impl FnOnce() -> Rules,
) -> Result<(), TooManyKept> {
    // Saturating: block numbers end far beyond anything that lasts.
    kept.retain(|earlier| now <= earlier.changed_at.saturating_add(outlived));
    let known = kept.last().map_or(0, |latest| latest.before);
    if next <= known {
        // Nothing has begun under the rules in force.
        return Ok(());
    }
    let latest = FormerRules {
        before: next,
        changed_at: now,
        rules: in_force(),
    };
    kept.try_push(latest).map_err(|_| TooManyKept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules_of(kept: &AllKept<u8, u32>, in_force: u8, number: u64) -> u8 {
        kept_for(kept, number).unwrap_or(in_force)
    }

    #[test]
    fn what_began_before_a_change_keeps_its_rules() {
        let mut kept = AllKept::<u8, u32>::default();
        assert_eq!(keep(&mut kept, 3, (10, 100), || 1), Ok(()));
        assert_eq!(keep(&mut kept, 5, (20, 100), || 2), Ok(()));
        let of = |number| rules_of(&kept, 3, number);
        assert_eq!((0..7).map(of).collect::<Vec<_>>(), [1, 1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn rules_under_which_nothing_began_are_not_kept() {
        let mut kept = AllKept::<u8, u32>::default();
        assert_eq!(keep(&mut kept, 0, (10, 100), || 1), Ok(()));
        assert!(kept.is_empty());
        assert_eq!(keep(&mut kept, 3, (10, 100), || 2), Ok(()));
        assert_eq!(keep(&mut kept, 3, (11, 100), || 3), Ok(()));
        assert_eq!(kept.len(), 1);
        assert_eq!(rules_of(&kept, 4, 2), 2);
        assert_eq!(rules_of(&kept, 4, 3), 4);
    }

    #[test]
    fn rules_are_forgotten_once_nothing_can_need_them_and_refused_while_all_may_be_needed() {
        let mut kept = AllKept::<u8, u32>::default();
        for change in 1..=MAX_KEPT {
            assert_eq!(keep(&mut kept, change.into(), (change, 100), || change as u8), Ok(()));
        }
        let next = u64::from(MAX_KEPT) + 1;
        assert_eq!(keep(&mut kept, next, (101, 100), || 9), Err(TooManyKept));
        assert_eq!(keep(&mut kept, next, (102, 100), || 9), Ok(()));
        assert_eq!(kept.first().map(|oldest| oldest.rules), Some(2));
    }

    proptest! {
        #[test]
        fn every_number_has_the_rules_that_were_in_force_when_it_was_given(
            steps in prop::collection::vec(0u64..4, 0..8),
        ) {
            let (mut kept, mut expected, mut in_force) = (AllKept::<u8, u32>::default(), Vec::new(), 0u8);
            for begun in steps {
                expected.extend((0..begun).map(|_| in_force));
                prop_assert_eq!(keep(&mut kept, expected.len() as u64, (1, 100), || in_force), Ok(()));
                in_force += 1;
            }
            for (number, rules) in expected.iter().enumerate() {
                prop_assert_eq!(rules_of(&kept, in_force, number as u64), *rules);
            }
            prop_assert_eq!(rules_of(&kept, in_force, expected.len() as u64), in_force);
        }
    }
}
