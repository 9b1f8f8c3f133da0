//! The arithmetic of a dispute's money: what a challenge holds, and who gets what is lost.

use crate::Slashed;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{Perbill, traits::AtLeast32BitUnsigned};
use scale_info::TypeInfo;

/// Parts of a lost bond; together they are the bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostBond<Balance> {
    /// Paid to the worker, for its transactions and its wait.
    pub paid: Balance,
    /// Burned.
    pub burned: Balance,
}

/// Parts of what a convicted worker loses that others get. The rest is burned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SlashShares {
    /// The finder's part: of the whole slash, or of the lock where nothing was proved.
    pub challenger: Perbill,
    /// The client's part, of the lock.
    pub client: Perbill,
}

impl SlashShares {
    /// Whether at least half is burned, so that a cheat gains nothing by challenging itself or by being its own client.
    pub fn burn_half(&self) -> bool {
        let shared = u64::from(self.challenger.deconstruct()).saturating_add(self.client.deconstruct().into());
        shared.saturating_mul(2) <= u64::from(Perbill::one().deconstruct())
    }
}

/// The bond of the first challenge to a job: at least `floor`, at least `cost`, which is what a game causes, and at
/// least `part` of what the job locks.
pub fn base_bond<B: AtLeast32BitUnsigned + Copy>(locked: B, floor: B, part: Perbill, cost: B) -> B {
    floor.max(part * locked).max(cost)
}

/// The bond of a challenge when `others` challengers are playing over the same job, and `elsewhere` over other jobs of
/// the same worker: `base · 2^others · 1.5^elsewhere`.
///
/// It doubles with every game, so that filling all places costs 2^n bonds and not n, and it grows with the worker's
/// other games, so that a worker's queue is not filled either. It saturates: a bond that does not fit the type is more
/// than anybody has.
pub fn bond<B: AtLeast32BitUnsigned + Copy>(base: B, others: u32, elsewhere: u32) -> B {
    let mut bond = base;
    for _ in 0..others {
        bond = bond.saturating_add(bond);
    }
    for _ in 0..elsewhere {
        bond = bond.saturating_add(bond / B::from(2u32));
    }
    bond
}

/// Costs of a late answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct LateTerms<Balance> {
    /// The minimum, as far as the lock goes.
    pub floor: Balance,
    /// Part of the lock.
    pub part: Perbill,
    /// Part of the cost that the challenger gets; the rest is burned.
    pub to_challenger: Perbill,
}

/// Parts the cost of a late answer for which `locked` is at stake.
pub fn late_fee<B: AtLeast32BitUnsigned + Copy>(locked: B, terms: &LateTerms<B>) -> Slashed<B> {
    let fee = terms.part.mul_floor(locked).max(terms.floor).min(locked);
    let paid = terms.to_challenger.mul_floor(fee);
    Slashed {
        paid,
        burned: fee.saturating_sub(paid), // A part is at most the whole.
    }
}

/// Parts a lost bond: `part` of it is paid to the worker.
pub fn lost_bond<B: AtLeast32BitUnsigned + Copy>(bond: B, part: Perbill) -> LostBond<B> {
    let paid = part * bond;
    LostBond {
        paid,
        burned: bond.saturating_sub(paid), // A part is at most the whole.
    }
}

/// The finder's and the client's part of a slash of `amount` for a job that locked `locked`.
///
/// A proof shows who found the fault, and brings the finder its part of all that the worker loses. Silence shows
/// nothing, so nobody is to gain more by a worker's silence than the job was worth: then the part is of the lock. The
/// client's part is of the lock in any case, for its loss does not grow with the worker's stake.
pub fn slash_awards<B: AtLeast32BitUnsigned + Copy>(
    amount: B,
    locked: B,
    is_proved: bool,
    shares: SlashShares,
) -> (B, B) {
    let lock = locked.min(amount);
    let found = if is_proved { amount } else { lock };
    // Rounded down, so that the rest is not less than its part.
    (shares.challenger.mul_floor(found), shares.client.mul_floor(lock))
}
