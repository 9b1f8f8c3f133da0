//! The money of a session: what is held of the client, and what a voucher is worth.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::traits::{AtLeast32BitUnsigned, Zero};
use scale_info::TypeInfo;

/// The money of a session. `redeemed` is never more than `budget`, and their difference is held of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct SessionAccount<Balance> {
    /// The most that the worker can be paid in all.
    pub budget: Balance,
    /// Paid to the worker so far.
    pub redeemed: Balance,
    /// Prices of receipts that are disputed, or whose worker was late. No voucher pays for them.
    pub withheld: Balance,
}

impl<Balance: AtLeast32BitUnsigned + Copy> SessionAccount<Balance> {
    /// An account with this budget, of which nothing is paid.
    pub fn new(budget: Balance) -> Self {
        Self {
            budget,
            redeemed: Zero::zero(),
            withheld: Zero::zero(),
        }
    }

    /// The amount held of the client.
    pub fn held(&self) -> Balance {
        self.budget.saturating_sub(self.redeemed) // It is at most the budget.
    }

    /// Value of a voucher of this sum now: its promise beyond what is withheld and paid, as far as the budget
    /// goes.
    pub fn payable(&self, owed: Balance) -> Balance {
        // Saturating: an older voucher, or one for nothing but what is withheld, is worth nothing.
        let due = owed.saturating_sub(self.withheld).min(self.budget);
        due.saturating_sub(self.redeemed)
    }

    /// Pays what a voucher of this sum is worth; returns that.
    pub fn redeem(&mut self, owed: Balance) -> Balance {
        let paid = self.payable(owed);
        self.redeemed = self.redeemed.saturating_add(paid); // At most the budget.
        paid
    }

    /// Adds to the budget; `None` if the sum would be more than `maximum`.
    pub fn top_up(&mut self, amount: Balance, maximum: Balance) -> Option<()> {
        let budget = self.budget.checked_add(&amount).filter(|budget| *budget <= maximum)?;
        self.budget = budget;
        Some(())
    }

    /// Gives back what is not redeemed; returns that. No voucher is worth anything afterwards.
    pub fn settle(&mut self) -> Balance {
        let rest = self.held();
        self.budget = self.redeemed;
        rest
    }

    /// Withholds the price of a receipt that is disputed.
    pub fn withhold(&mut self, price: Balance) {
        // Saturating: what saturates is more than any voucher promises.
        self.withheld = self.withheld.saturating_add(price);
    }

    /// Stops withholding the price of a receipt that stands.
    pub fn restore(&mut self, price: Balance) {
        self.withheld = self.withheld.saturating_sub(price); // It is part of the sum.
    }
}
