//! Rounds: how they are noted, and which of them make the seed of a moment.

use crate::{Config, NextRound, OldestRound, Pallet, Rounds, StandIn, WeightInfo};
use assay_types::{AssayTime, H256, audit::Randomness};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::{traits::Get, weights::Weight},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_io::hashing::blake2_256,
};
use scale_info::TypeInfo;

/// Domain of the hash of two rounds.
const SEED_DOMAIN: &[u8; 16] = b"assay/seed/1\0\0\0\0";
/// Domain of numbers that are made up.
const STAND_IN_DOMAIN: &[u8; 16] = b"assay/standin/1\0";
/// Rounds that are looked through for two numbers. On a relay chain with random functions every round has one.
const MAX_LOOKED_AT: u64 = 64;

/// A relay parent with the random number of its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Round<BlockNumber> {
    /// Number of the relay block.
    pub relay_block: u32,
    /// The moment of the first block that was built on it.
    pub moment: BlockNumber,
    /// The number that the relay block's author could not choose; none where its slot has no such number.
    pub randomness: Option<H256>,
}

/// Knowledge of a moment's seed.
enum Search {
    /// It is not known yet.
    Unknown,
    /// It is this.
    Known(H256),
    /// The rounds that it is made of are not kept any more, or there were none.
    Forgotten,
}

impl<T: Config> Pallet<T> {
    /// Notes the relay parent of this block, unless an earlier block has noted it. Returns what that weighs.
    pub fn note(relay_block: u32, randomness: Option<[u8; 32]>) -> Weight {
        let number = NextRound::<T>::get();
        let last = number.checked_sub(1).and_then(Rounds::<T>::get);
        if last.is_some_and(|last| relay_block <= last.relay_block) {
            return T::WeightInfo::note();
        }
        let round = Round {
            relay_block,
            moment: T::Time::now(),
            randomness: randomness.map(H256).or_else(|| Self::made_up(relay_block)),
        };
        Rounds::<T>::insert(number, round);
        let next = number.saturating_add(1); // There are no more rounds than relay blocks.
        NextRound::<T>::put(next);
        let oldest = OldestRound::<T>::get();
        if next.saturating_sub(oldest) > u64::from(T::KeptRounds::get()) {
            Rounds::<T>::remove(oldest);
            OldestRound::<T>::put(oldest.saturating_add(1)); // As above.
        }
        T::WeightInfo::note()
    }

    /// A number of this chain's own, if its genesis allows that.
    fn made_up(relay_block: u32) -> Option<H256> {
        let parent = frame_system::Pallet::<T>::parent_hash();
        let number = || H256(blake2_256(&(STAND_IN_DOMAIN, relay_block, parent).encode()));
        StandIn::<T>::get().then(number)
    }

    /// The number of the first kept round that came after a moment; that of the next round if there is none.
    fn first_after(moment: BlockNumberFor<T>) -> u64 {
        // Moments of rounds do not descend. Saturating: the middle lies between the two.
        let (mut low, mut high) = (OldestRound::<T>::get(), NextRound::<T>::get());
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            match Rounds::<T>::get(middle) {
                Some(round) if round.moment > moment => high = middle,
                _ => low = middle.saturating_add(1),
            }
        }
        low
    }

    /// Looks for the two rounds that make a moment's seed.
    fn search(moment: BlockNumberFor<T>) -> Search {
        let (first, next) = (Self::first_after(moment), NextRound::<T>::get());
        if first == next {
            return Search::Unknown;
        }
        let Some(latest) = first.checked_sub(1).and_then(Rounds::<T>::get) else {
            return Search::Forgotten;
        };
        // Saturating: relay blocks are numbered up to there.
        let from = latest.relay_block.saturating_add(T::Margin::get());
        let mut numbers: Option<H256> = None;
        for number in (first..next).take(MAX_LOOKED_AT as usize) {
            let Some(round) = Rounds::<T>::get(number).filter(|round| round.relay_block >= from) else {
                continue;
            };
            match (numbers, round.randomness) {
                (_, None) => {}
                (None, Some(one)) => numbers = Some(one),
                (Some(one), Some(two)) => {
                    return Search::Known(H256(blake2_256(&(SEED_DOMAIN, one, two).encode())));
                }
            }
        }
        match next.saturating_sub(first) < MAX_LOOKED_AT {
            true => Search::Unknown,
            false => Search::Forgotten,
        }
    }
}

impl<T: Config> Randomness<BlockNumberFor<T>> for Pallet<T> {
    fn seed(fixed_at: BlockNumberFor<T>) -> Option<H256> {
        match Self::search(fixed_at) {
            Search::Known(seed) => Some(seed),
            Search::Unknown | Search::Forgotten => None,
        }
    }

    fn is_forgotten(fixed_at: BlockNumberFor<T>) -> bool {
        matches!(Self::search(fixed_at), Search::Forgotten)
    }
}
