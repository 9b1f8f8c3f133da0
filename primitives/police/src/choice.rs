//! The choice of an auditor among the workers of a model, weighted by stake.

/// Position of the worker that a random number chooses, with a chance in proportion to its stake. `None` where nobody
/// has a stake. `random` is uniform over 64 bits; a chance is off by at most 2^-64 of a whole.
pub fn choose_by_stake(stakes: &[u128], random: u64) -> Option<usize> {
    // Saturating: no chain has as much money, and the last ones would have smaller chances.
    let total = stakes.iter().fold(0u128, |sum, stake| sum.saturating_add(*stake));
    // The upper part of the product, in two halves, so that it fits: a number below the total.
    let random = u128::from(random);
    let (high, low) = (total >> 64, total & u128::from(u64::MAX));
    let place = high.saturating_mul(random).saturating_add((low * random) >> 64);
    let mut below = 0u128;
    stakes.iter().position(|stake| {
        below = below.saturating_add(*stake);
        place < below
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chances_are_in_proportion_to_stakes() {
        let stakes = [10, 0, 30, 60];
        let mut chosen = [0u32; 4];
        for step in 0..1_000u64 {
            let random = step * (u64::MAX / 1_000);
            if let Some(place) = choose_by_stake(&stakes, random) {
                chosen[place] += 1;
            }
        }
        assert_eq!(chosen[1], 0);
        for (count, stake) in chosen.iter().zip(stakes) {
            assert!(u128::from(*count).abs_diff(10 * stake) <= 1, "{chosen:?}");
        }
    }

    #[test]
    fn nobody_is_chosen_where_nobody_has_a_stake() {
        assert_eq!(choose_by_stake(&[], 7), None);
        assert_eq!(choose_by_stake(&[0, 0], u64::MAX), None);
    }

    proptest! {
        #[test]
        fn a_stake_in_parts_is_chosen_as_often(
            stakes in prop::collection::vec(1u128..(1 << 90), 1..32),
            random: u64,
            split in 0usize..32,
        ) {
            let split = split % stakes.len();
            let mut parts = stakes.clone();
            let half = parts[split] / 2;
            parts[split] -= half;
            parts.insert(split + 1, half);
            let whole = choose_by_stake(&stakes, random).expect("there are stakes");
            let part = choose_by_stake(&parts, random).expect("there are stakes");
            prop_assert_eq!(whole, if part > split { part - 1 } else { part });
        }
    }
}
