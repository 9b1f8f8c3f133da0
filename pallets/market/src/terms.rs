//! Pure rules of the market: bounds of a job's terms, weights of batches, costs of a failure. Nothing here touches
//! storage.

use crate::{Claim, WeightInfo};
use alloc::collections::BTreeMap;
use assay_exact::digest::CHUNK_BYTES;
use assay_types::{
    JobInput, JobRequest, Matching, ModelVersion, Slashed,
    delivery::OutputPiece,
    limits::{MAX_BATCH, MAX_DRAWS, MAX_OFFERS_PER_MODEL, MAX_STEPS},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
    frame_support::weights::Weight,
    sp_runtime::{Perbill, traits::AtLeast32BitUnsigned},
};
use scale_info::TypeInfo;

/// Bounds of a job's terms, both ends included, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<BlockNumber> {
    /// From assignment to claim.
    pub deadline: (BlockNumber, BlockNumber),
    /// From claim to settlement.
    pub window: (BlockNumber, BlockNumber),
    /// For commitments, and for reveals.
    pub auction_phase: (BlockNumber, BlockNumber),
}

/// Faults of a job's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermsError {
    /// The ceiling is zero.
    CeilingIsZero,
    /// The deadline is outside its bounds.
    DeadlineOutOfRange,
    /// The challenge window is outside its bounds.
    WindowOutOfRange,
    /// A phase of the auction is outside its bounds.
    AuctionPhaseOutOfRange,
}

impl<BlockNumber: Copy + PartialOrd> Terms<BlockNumber> {
    /// Checks what a request asks for.
    pub fn check<Balance: Default + PartialEq>(
        &self,
        request: &JobRequest<Balance, BlockNumber>,
    ) -> Result<(), TermsError> {
        let within =
            |value: BlockNumber, (least, greatest): (BlockNumber, BlockNumber)| least <= value && value <= greatest;
        if request.ceiling == Balance::default() {
            return Err(TermsError::CeilingIsZero);
        }
        if !within(request.deadline_blocks, self.deadline) {
            return Err(TermsError::DeadlineOutOfRange);
        }
        if !within(request.window_blocks, self.window) {
            return Err(TermsError::WindowOutOfRange);
        }
        match request.matching {
            Matching::Auction {
                bidding_blocks,
                reveal_blocks,
            } if !within(bidding_blocks, self.auction_phase) || !within(reveal_blocks, self.auction_phase) => {
                Err(TermsError::AuctionPhaseOutOfRange)
            }
            Matching::Auction { .. } | Matching::Offers => Ok(()),
        }
    }
}

/// Cost of a missed deadline for a worker that has `locked` behind the job. The client gets `compensation`, what it can
/// show that it lost, and no more than half; the rest is burned. Nobody gains by missing a deadline towards itself, and
/// no client by deadlines that are missed.
pub fn non_delivery<Balance: AtLeast32BitUnsigned + Copy>(
    locked: Balance,
    rate: Perbill,
    compensation: Balance,
) -> Slashed<Balance> {
    let slashed = rate.mul_floor(locked);
    let paid = compensation.min(slashed / Balance::from(2u32));
    // `paid` is at most half of `slashed`, so this cannot saturate.
    Slashed {
        paid,
        burned: slashed.saturating_sub(paid),
    }
}

/// The chain's part of a job's terms: those in force when the job was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct JobRules<Balance> {
    /// Part of the lock that a missed deadline costs.
    pub missed: Perbill,
    /// Part of the lock that declining a job with an inline input costs at least.
    pub declined: Perbill,
    /// The most that the client gets when the first worker misses the deadline.
    pub compensation: Balance,
    /// Minimum stake of the worker that has the job, below which it can be relieved of it.
    pub min_stake: Balance,
}

/// Way in which a job was held that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Blocks since the assignment.
    pub blocks: u64,
    /// Blocks from the assignment to the deadline.
    pub of: u64,
    /// Whether the input is on chain, so that there was nothing to look for.
    pub is_inline: bool,
}

/// Cost of giving a job back for a worker that has `locked` behind it; all of it is burned.
///
/// It grows in proportion to the time for which the job was held, and is that of a missed deadline, `missed`, at the
/// deadline. An inline job costs `least` at once. Any other job costs nothing within a quarter of its time, in which an
/// honest worker finds that it does not have the input.
pub fn decline<Balance: AtLeast32BitUnsigned + Copy>(
    locked: Balance,
    least: Perbill,
    missed: Perbill,
    held: Held,
) -> Balance {
    // A job without blocks has been held for all of them.
    let share = match held.of {
        0 => Perbill::one(),
        of => Perbill::from_rational(held.blocks.min(of), of),
    };
    let rate = match held.is_inline {
        true => (missed * share).max(least),
        false if share <= Perbill::from_percent(25) => Perbill::zero(),
        false => missed * share,
    };
    rate.mul_floor(locked)
}

/// Whether this many items are taken in one call.
pub fn is_batch<Item>(items: &[Item]) -> bool {
    items.len() <= MAX_BATCH as usize
}

/// Whether this many jobs are taken in a call that does what is due for each.
pub fn are_steps<Item>(items: &[Item]) -> bool {
    items.len() <= MAX_STEPS as usize
}

/// Items of a batch that are weighed: a longer one is refused before any of its items is looked at.
pub fn batch<Item>(items: &[Item]) -> u32 {
    weighed(items, MAX_BATCH).len() as u32
}

/// The same of a call that does what is due for each job.
pub fn steps<Item>(items: &[Item]) -> u32 {
    weighed(items, MAX_STEPS).len() as u32
}

/// The first items of a list, at most so many.
fn weighed<Item>(items: &[Item], most: u32) -> &[Item] {
    items.get(..most as usize).unwrap_or(items)
}

/// Weight of submitting these requests, where every offer is looked at.
pub fn submission_weight<W: WeightInfo, Balance, BlockNumber>(requests: &[JobRequest<Balance, BlockNumber>]) -> Weight {
    let mut by_offers = BTreeMap::<ModelVersion, u32>::new();
    let (mut auctions, mut inputs) = (0u32, Weight::zero());
    // Saturating: a batch has few requests.
    for request in weighed(requests, MAX_BATCH) {
        let count = match request.matching {
            Matching::Offers => by_offers.entry(request.model).or_default(),
            Matching::Auction { .. } => &mut auctions,
        };
        *count = count.saturating_add(1);
        if let JobInput::Inline(payload) = &request.input {
            inputs = inputs.saturating_add(W::input(saturated(&payload.bytes)));
        }
    }
    by_offers
        .into_values()
        .map(|jobs| W::submissions(jobs, MAX_OFFERS_PER_MODEL))
        .fold(inputs.saturating_add(W::auctions(auctions)), Weight::saturating_add)
}

/// Length of what a call carries.
fn saturated(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Weight of one claim.
pub fn claim_weight<W: WeightInfo>(claim: &Claim) -> Weight {
    W::claim().saturating_add(outputs_weight::<W>(core::slice::from_ref(claim)))
}

/// Weight of these claims, where each has places of its own on the agenda, bids, and a seal of another block or an
/// audit.
pub fn claims_weight<W: WeightInfo>(claims: &[Claim]) -> Weight {
    let claims = weighed(claims, MAX_BATCH);
    let count = claims.len() as u32; // At most `MAX_BATCH`.
    outputs_weight::<W>(claims)
        .saturating_add(claim_items_weight::<W>(count, u64::from(count).saturating_mul(2)))
        .saturating_add(W::removal().saturating_mul(count.into()))
        .saturating_add(W::seed().saturating_mul(count.min(MAX_DRAWS).saturating_sub(1).into()))
}

/// Weight of this many seals, where each has places of its own on the agenda and another model.
pub fn seals_weight<W: WeightInfo>(seals: u32) -> Weight {
    seal_items_weight::<W>(seals, u64::from(seals).saturating_mul(3))
}

/// Weight of this many seals, which touch `items` places on the agenda and loads of models.
pub(crate) fn seal_items_weight<W: WeightInfo>(seals: u32, items: u64) -> Weight {
    // Two places and one load are part of the first weight.
    W::seal(seals).saturating_add(W::item().saturating_mul(items.saturating_sub(3)))
}

/// Weight of this many claims without outputs, which touch `items` places on the agenda.
pub(crate) fn claim_items_weight<W: WeightInfo>(claims: u32, items: u64) -> Weight {
    // Two places are part of the first weight.
    W::claim_batch(claims).saturating_add(W::item().saturating_mul(items.saturating_sub(2)))
}

/// Weight of the outputs that claims deliver.
pub(crate) fn outputs_weight<W: WeightInfo>(claims: &[Claim]) -> Weight {
    claims
        .iter()
        .filter_map(|claim| claim.output.as_ref())
        .map(|output| W::output(saturated(output)))
        .fold(Weight::zero(), Weight::saturating_add)
}

/// Weight of delivering this piece of an output.
pub fn piece_weight<W: WeightInfo>(piece: &OutputPiece) -> Weight {
    // A longer one is refused before it is hashed, and decoding it is weighed all the same.
    W::deliver_output(u32::try_from(piece.bytes.len().div_ceil(CHUNK_BYTES)).unwrap_or(u32::MAX))
}

/// Storage items that the end of an audit touches at most: the audit, its place on an agenda and what is set aside, and
/// of two auditors the record, the account and its holds.
pub(crate) const AUDIT_ITEMS: u64 = 12;

/// Weight of accepting this many results, each of another worker, with all that can be kept of the jobs, of which at
/// most [`MAX_DRAWS`] were audited.
pub fn acceptance_weight<W: WeightInfo>(jobs: u32) -> Weight {
    let others = u64::from(jobs.saturating_sub(1));
    let audited = u64::from(jobs.min(MAX_DRAWS)).saturating_mul(AUDIT_ITEMS);
    let removals = u64::from(jobs).saturating_mul(2).saturating_add(audited);
    W::settlements(0, jobs)
        .saturating_add(W::item().saturating_mul(others))
        .saturating_add(W::removal().saturating_mul(removals))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn non_delivery_never_costs_more_than_is_locked(
            locked: u128, parts in 0u32..=1_000_000_000, compensation: u128,
        ) {
            let rate = Perbill::from_parts(parts);
            let cost = non_delivery(locked, rate, compensation);
            prop_assert!(cost.paid + cost.burned <= locked);
            prop_assert_eq!(cost.paid + cost.burned, rate.mul_floor(locked));
        }

        #[test]
        fn non_delivery_pays_the_compensation_at_most_and_burns_at_least_half(
            locked: u128, parts in 0u32..=1_000_000_000, compensation: u128,
        ) {
            let cost = non_delivery(locked, Perbill::from_parts(parts), compensation);
            prop_assert!(cost.burned >= cost.paid);
            prop_assert!(cost.paid <= compensation);
            prop_assert!(cost.paid == compensation || cost.burned - cost.paid <= 1);
        }

        #[test]
        fn declining_costs_more_with_time_and_never_more_than_missing(
            locked: u128, low in 0u32..=1_000_000_000, more in 0u32..=1_000_000_000,
            blocks in 0..2_000u64, further in 0..2_000u64, of in 0..2_000u64, is_inline: bool,
        ) {
            let high = Perbill::from_parts(low.saturating_add(more).min(1_000_000_000));
            let cost = |blocks| decline(locked, Perbill::from_parts(low), high, Held { blocks, of, is_inline });
            let missed = non_delivery(locked, high, locked);
            prop_assert!(cost(blocks) <= cost(blocks + further));
            prop_assert!(cost(blocks + further) <= missed.paid + missed.burned);
            prop_assert_eq!(cost(of), missed.paid + missed.burned);
            if is_inline {
                prop_assert!(cost(0) >= Perbill::from_parts(low).mul_floor(locked));
            } else if of > 0 {
                prop_assert_eq!(cost(of / 4), 0);
            }
        }
    }
}
