//! The arithmetic of a dispute's money: what a challenge holds, and who gets what is lost.

use polkadot_sdk::sp_runtime::{Perbill, traits::AtLeast32BitUnsigned};

/// Where a lost bond goes; the two parts make up the bond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostBond<Balance> {
    /// Paid to the worker, for its transactions and its wait.
    pub paid: Balance,
    /// Burned.
    pub burned: Balance,
}

/// Who gets how much of a convicted worker's stake. The rest is burned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlashShares {
    /// The challenger's part.
    pub challenger: Perbill,
    /// The client's part.
    pub client: Perbill,
}

impl SlashShares {
    /// Whether at least half is burned, so that a cheat gains nothing by challenging itself or by being its own client.
    pub fn burn_half(&self) -> bool {
        let shared = u64::from(self.challenger.deconstruct()).saturating_add(self.client.deconstruct().into());
        shared.saturating_mul(2) <= u64::from(Perbill::one().deconstruct())
    }
}

/// The bond of a challenge to a job that locks `locked`, when `others` challengers are playing already:
/// `max(floor, part · locked) · 2^others`.
///
/// It doubles with every game, so that filling all places costs 2^n bonds and not n. It saturates: a bond that does not
/// fit the type is more than anybody has.
pub fn bond<B: AtLeast32BitUnsigned + Copy>(locked: B, floor: B, part: Perbill, others: u32) -> B {
    let mut bond = floor.max(part * locked);
    for _ in 0..others {
        bond = bond.saturating_add(bond);
    }
    bond
}

/// Parts a lost bond: `part` of it is paid to the worker.
pub fn lost_bond<B: AtLeast32BitUnsigned + Copy>(bond: B, part: Perbill) -> LostBond<B> {
    let paid = part * bond;
    LostBond {
        paid,
        burned: bond.saturating_sub(paid), // A part is at most the whole.
    }
}

/// What the challenger and the client get of `slashed`.
pub fn slash_awards<B: AtLeast32BitUnsigned + Copy>(slashed: B, shares: SlashShares) -> (B, B) {
    // Rounded down, so that the rest is not less than its part.
    (shares.challenger.mul_floor(slashed), shares.client.mul_floor(slashed))
}
