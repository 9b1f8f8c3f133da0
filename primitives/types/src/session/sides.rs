//! The rules of both sides of a session off the chain: what each must know and keep before it sends a message, so that
//! neither risks more than one request.
//!
//! The client asks for one request at a time, and signs a voucher for it once it has the answer and a receipt that says
//! what it expects. The worker begins a request only if all earlier ones are paid up to its credit. Each side *keeps*
//! its state, in a store that outlives a crash, before it sends what follows from it; then every message can be sent
//! again, and a message that comes a second time changes nothing.
//!
//! Signatures are checked before: whoever calls these functions has a message of the other side.

use codec::{Decode, Encode};
use polkadot_sdk::sp_runtime::traits::{AtLeast32BitUnsigned, Zero};
use scale_info::TypeInfo;

/// A request that the client has made and that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Asked<Balance> {
    /// Number of the request.
    pub sequence: u32,
    /// Its price by the session's terms.
    pub price: Balance,
}

/// Refusals of a message, by the side that has received it or is about to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SideError {
    /// The budget does not cover the request: add to it.
    BudgetTooSmall,
    /// The request before it is not answered: ask for that one again.
    StillOpen,
    /// The request before it is not paid: send the voucher.
    NotPaid,
    /// The message is about a request that is not the next one.
    AnotherRequest,
    /// The receipt asks for more or less than the price of the request.
    AnotherPrice,
}

/// The client's side, as the client keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Payer<Balance> {
    /// The session's budget.
    pub budget: Balance,
    /// Sum of the latest voucher that was signed.
    pub signed: Balance,
    /// Number of the next request, or of the open one.
    pub sequence: u32,
    /// The open request.
    pub asked: Option<Asked<Balance>>,
}

impl<Balance: AtLeast32BitUnsigned + Copy> Payer<Balance> {
    /// The client's side of a new session.
    pub fn new(budget: Balance) -> Self {
        Self {
            budget,
            signed: Zero::zero(),
            sequence: 0,
            asked: None,
        }
    }

    /// Begins a request of this price, to be kept before it is sent. An open request is sent again as it was, and no
    /// other one is begun meanwhile.
    pub fn ask(&mut self, price: Balance) -> Result<Asked<Balance>, SideError> {
        if self.asked.is_some() {
            return Err(SideError::StillOpen);
        }
        let owed = self.signed.checked_add(&price).filter(|owed| *owed <= self.budget);
        owed.ok_or(SideError::BudgetTooSmall)?;
        let asked = Asked {
            sequence: self.sequence,
            price,
        };
        self.asked = Some(asked);
        Ok(asked)
    }

    /// Takes a receipt; returns the sum of the voucher to sign, after the state is kept. The caller has compared the
    /// receipt's digests and units with its own request and with the answer that it has in full. A receipt of an
    /// earlier request is answered with the latest voucher.
    pub fn receive(&mut self, sequence: u32, owed: Balance) -> Result<Balance, SideError> {
        if sequence < self.sequence {
            return Ok(self.signed);
        }
        let asked = self.asked.filter(|asked| asked.sequence == sequence);
        let asked = asked.ok_or(SideError::AnotherRequest)?;
        let due = self.signed.saturating_add(asked.price); // At most the budget, as `ask` has seen.
        if owed != due {
            return Err(SideError::AnotherPrice);
        }
        self.signed = due;
        self.sequence = self.sequence.saturating_add(1); // A session has fewer requests.
        self.asked = None;
        Ok(due)
    }
}

/// The worker's decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// It executes it.
    Execute,
    /// It has done so before: it sends the receipt and the answer again, as it has kept them.
    SendAgain,
}

/// The worker's side, as the worker keeps it, beside its latest receipt and the voucher to redeem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Payee<Balance> {
    /// The session's budget.
    pub budget: Balance,
    /// Sum of the receipts that were signed.
    pub owed: Balance,
    /// Sum of the latest voucher that has come.
    pub vouchered: Balance,
    /// Amount that may be unpaid when a request begins. Zero trusts the client with one request.
    pub credit: Balance,
    /// Number of the next request.
    pub sequence: u32,
}

impl<Balance: AtLeast32BitUnsigned + Copy> Payee<Balance> {
    /// The worker's side of a new session.
    pub fn new(budget: Balance, credit: Balance) -> Self {
        Self {
            budget,
            owed: Zero::zero(),
            vouchered: Zero::zero(),
            credit,
            sequence: 0,
        }
    }

    /// Whether the worker begins a request of this price, or answers it again. It compares the input of the latest
    /// request that comes again with the one that it knows, and refuses another one: two receipts of one request
    /// convict it.
    pub fn begin(&self, sequence: u32, price: Balance) -> Result<Begin, SideError> {
        if Some(sequence) == self.sequence.checked_sub(1) {
            return Ok(Begin::SendAgain);
        }
        if sequence != self.sequence {
            return Err(SideError::AnotherRequest);
        }
        // Saturating: no more is paid than is owed.
        if self.owed.saturating_sub(self.vouchered) > self.credit {
            return Err(SideError::NotPaid);
        }
        let owed = self.owed.checked_add(&price).filter(|owed| *owed <= self.budget);
        owed.ok_or(SideError::BudgetTooSmall)?;
        Ok(Begin::Execute)
    }

    /// Notes that a request which was begun is executed; returns the sum for its receipt. The state is kept with the
    /// signed receipt, before that is sent.
    pub fn finish(&mut self, price: Balance) -> Balance {
        self.owed = self.owed.saturating_add(price); // At most the budget, as `begin` has seen.
        self.sequence = self.sequence.saturating_add(1); // A session has fewer requests.
        self.owed
    }

    /// Takes a voucher; whether it is worth more than the one before, and is to be kept in its place.
    pub fn accept(&mut self, owed: Balance) -> bool {
        let is_more = owed > self.vouchered;
        if is_more {
            self.vouchered = owed;
        }
        is_more
    }
}
