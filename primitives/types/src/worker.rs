//! Workers and their offers, as others see them.

use crate::{
    OfferInfo,
    limits::{AddressBytes, Addresses, PeerBytes},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::BoundedVec;
use scale_info::TypeInfo;

/// Whether a worker takes new jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum WorkerStatus {
    /// It does.
    #[codec(index = 0)]
    Active,
    /// Not for now; its offers stay in the books and count again once it resumes.
    #[codec(index = 1)]
    Paused,
    /// No more: its offers are gone, it finishes what it has and may then leave.
    #[codec(index = 2)]
    Draining,
    /// It has left: the rest of its stake is unbonding.
    #[codec(index = 3)]
    Left,
}

impl WorkerStatus {
    /// Every step that a worker can take. It begins in `Active`.
    pub const TRANSITIONS: &'static [(WorkerStatus, WorkerStatus)] = &[
        (WorkerStatus::Active, WorkerStatus::Paused),
        (WorkerStatus::Active, WorkerStatus::Draining),
        (WorkerStatus::Active, WorkerStatus::Left),
        (WorkerStatus::Paused, WorkerStatus::Active),
        (WorkerStatus::Paused, WorkerStatus::Draining),
        (WorkerStatus::Paused, WorkerStatus::Left),
        (WorkerStatus::Draining, WorkerStatus::Active),
        (WorkerStatus::Draining, WorkerStatus::Left),
        (WorkerStatus::Left, WorkerStatus::Active),
    ];

    /// Whether a worker can step from here to `next`.
    pub fn may_become(self, next: WorkerStatus) -> bool {
        Self::TRANSITIONS.contains(&(self, next))
    }
}

/// A worker's announcement of its place in the workers' network. The chain knows nothing of that network: whoever reads
/// this checks that it can be understood, and that whoever answers there has this identity.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Announcement {
    /// The identity of the worker's node: the bytes of a libp2p `PeerId`.
    pub peer: BoundedVec<u8, PeerBytes>,
    /// Addresses at which others reach it: the bytes of a `Multiaddr` each, without the identity at their ends. None of
    /// a node that is found by its identity alone.
    pub addresses: BoundedVec<BoundedVec<u8, AddressBytes>, Addresses>,
}

/// A worker as the runtime API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct WorkerInfo<Balance, BlockNumber> {
    /// Whether it takes new jobs.
    pub status: WorkerStatus,
    /// Stake that secures jobs, free and locked together, without what is unbonding.
    pub stake: Balance,
    /// The part of the stake that is locked by jobs and bids.
    pub locked: Balance,
    /// Stake that unbonds: how much, and the block from which it can be withdrawn.
    pub unbonding: Vec<(Balance, BlockNumber)>,
    /// Former stake that waits to be slashed. It secures nothing, and comes back only if a slash is cancelled.
    pub slashing: Balance,
    /// Block from which it takes jobs again, if it has given one back or missed one lately.
    pub rests_until: Option<BlockNumber>,
    /// Its offers.
    pub offers: Vec<OfferInfo<Balance, BlockNumber>>,
    /// Jobs that it claimed and was paid for.
    pub completed: u64,
    /// Jobs that it let pass their deadline.
    pub missed: u64,
    /// Jobs that it declined.
    pub declined: u64,
    /// Disputes that it lost, those whose slash was cancelled left out.
    pub convicted: u64,
}
