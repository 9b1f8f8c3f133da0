//! Every call of Assay's own pallets in one table: who makes it, whom it costs money not to make it in time, and
//! whether a key that lies on a machine may make it for its account. What a proxy may do follows from the table.

use crate::RuntimeCall;
use polkadot_sdk::frame_support::traits::{CallMetadata, GetCallMetadata};

/// Role in which an account makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Owns a model.
    Owner,
    /// Does jobs.
    Worker,
    /// Pays for jobs.
    Client,
    /// Doubts claims.
    Challenger,
    /// Makes calls that keep the chain going, for nobody's sake in particular.
    Anyone,
    /// Governance.
    Governance,
}

/// Which key of an account a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The account's own: the call moves a stake, a deposit, a bond or an ownership.
    Owning,
    /// A key that lies on a machine, as a proxy.
    Working,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallClass {
    /// The pallet's name in the runtime.
    pub pallet: &'static str,
    /// The call's name.
    pub call: &'static str,
    /// The roles that make the call.
    pub made_by: &'static [Role],
    /// The roles that lose money, or wait for it, when nobody makes the call in time.
    pub omission_costs: &'static [Role],
    /// Which key it needs.
    pub key: Key,
}

impl CallClass {
    /// Whether a proxy that acts in this role may make the call.
    pub fn is_for_proxy_of(&self, role: Role) -> bool {
        self.key == Key::Working && self.made_by.contains(&role)
    }
}

const fn line(
    pallet: &'static str,
    call: &'static str,
    made_by: &'static [Role],
    omission_costs: &'static [Role],
    key: Key,
) -> CallClass {
    CallClass {
        pallet,
        call,
        made_by,
        omission_costs,
        key,
    }
}

use Key::{Owning, Working};
use Role::{Anyone, Challenger, Client, Governance, Owner, Worker};

/// Every call of the pallets that this chain is for. A test compares it with the runtime's metadata.
pub const CALLS: &[CallClass] = &[
    line("Models", "register", &[Owner], &[], Owning),
    line("Models", "publish_version", &[Owner], &[], Owning),
    line("Models", "deprecate", &[Owner], &[], Owning),
    line("Models", "transfer", &[Owner], &[], Owning),
    line("Models", "accept_transfer", &[Owner], &[], Owning),
    line("Models", "remove_version", &[Owner], &[], Owning),
    line("Workers", "register", &[Worker], &[], Owning),
    line("Workers", "bond_more", &[Worker], &[], Owning),
    line("Workers", "unbond", &[Worker], &[], Owning),
    line("Workers", "withdraw", &[Worker], &[], Owning),
    line("Workers", "publish_offer", &[Worker], &[], Working),
    // A worker that cannot do its jobs loses stake for each that it still gets.
    line("Workers", "remove_offer", &[Worker], &[Worker], Working),
    line("Workers", "pause", &[Worker], &[Worker], Working),
    line("Workers", "resume", &[Worker], &[], Working),
    line("Workers", "drain", &[Worker], &[Worker], Working),
    line("Workers", "leave", &[Worker], &[], Owning),
    line("Workers", "announce", &[Worker], &[], Working),
    line("Workers", "apply_slash", &[Anyone], &[], Working),
    line("Workers", "cancel_slash", &[Governance], &[], Owning),
    line("Market", "submit", &[Client], &[], Working),
    line("Market", "submit_batch", &[Client], &[], Working),
    line("Market", "commit_bid", &[Worker], &[], Working),
    line("Market", "reveal_bid", &[Worker], &[Worker], Working),
    line("Market", "seal", &[Worker], &[Worker], Working),
    // Until somebody says that a claim was drawn, nobody audits it, and it cannot be made.
    line("Market", "draw", &[Worker, Client], &[Worker, Client], Working),
    line("Market", "claim", &[Worker], &[Worker], Working),
    line("Market", "claim_batch", &[Worker], &[Worker], Working),
    // Declining costs less than missing the deadline.
    line("Market", "decline", &[Worker], &[Worker], Working),
    line("Market", "accept", &[Client], &[], Working),
    line("Market", "accept_batch", &[Client], &[], Working),
    // Payment and refund wait for the step when blocks have no weight left.
    line("Market", "advance", &[Worker, Client], &[Worker, Client], Working),
    line("Market", "advance_batch", &[Worker, Client], &[Worker, Client], Working),
    line("Market", "reassign", &[Client], &[], Working),
    line("Market", "demand_output", &[Client], &[], Working),
    // The job is refunded, and a missed deadline's cost is taken.
    line("Market", "deliver_output", &[Worker], &[Worker], Working),
    line("Disputes", "challenge", &[Challenger], &[], Owning),
    // Silence costs the pay and fees, and after a day it convicts.
    line("Disputes", "reveal", &[Worker], &[Worker], Working),
    line("Disputes", "point", &[Challenger], &[Challenger], Working),
    line("Disputes", "prove", &[Challenger], &[Challenger], Working),
    // Until somebody says that the other side is late, the claim is not paid and the bond is held.
    line(
        "Disputes",
        "claim_timeout",
        &[Worker, Challenger],
        &[Worker, Challenger],
        Working,
    ),
    line("Disputes", "sweep", &[Anyone], &[], Working),
    // What is late and stays unanswered convicts.
    line("Disputes", "answer_late", &[Worker], &[Worker], Working),
    line("Disputes", "claim_award", &[Challenger], &[Challenger], Working),
    line("Sessions", "publish_offer", &[Worker], &[], Working),
    line("Sessions", "remove_offer", &[Worker], &[], Working),
    line("Sessions", "open", &[Client], &[], Working),
    line("Sessions", "top_up", &[Client], &[], Working),
    // After the time for the last voucher, the rest of the budget goes back to the client.
    line("Sessions", "redeem", &[Worker], &[Worker], Working),
    line("Sessions", "close", &[Worker, Client], &[], Working),
    // The client's money and the worker's stake wait for the step when blocks have no weight left.
    line("Sessions", "advance", &[Worker, Client], &[Worker, Client], Working),
    line("Sessions", "challenge_receipt", &[Challenger], &[], Owning),
    line("Sessions", "convict_equivocation", &[Challenger], &[], Working),
    line("Sessions", "force_end", &[Governance], &[], Owning),
    // An auditor that does not answer loses a part of its lock.
    line("Audits", "answer", &[Worker], &[Worker], Working),
    line("Audits", "open", &[Worker], &[Worker], Working),
    // The claim waits for the step when blocks have no weight left.
    line("Audits", "advance", &[Worker, Client], &[Worker, Client], Working),
    line("Audits", "fund", &[Anyone], &[], Owning),
    line("Governance", "enact", &[Governance], &[], Owning),
    line("Governance", "cancel", &[Governance], &[], Owning),
    line("Governance", "set_parameter", &[Governance], &[], Owning),
];

/// The line of a call, if it is one of our pallets'.
pub fn class_of(call: &RuntimeCall) -> Option<&'static CallClass> {
    let CallMetadata {
        function_name,
        pallet_name,
    } = call.get_call_metadata();
    CALLS
        .iter()
        .find(|class| class.pallet == pallet_name && class.call == function_name)
}
