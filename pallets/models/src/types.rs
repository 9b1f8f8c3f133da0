//! Records of models and their versions.

use crate::Config;
use assay_types::{DEFINITION_NUMBER, H256, HostBlake2, ModelParts, VersionNumber, limits::NameBytes};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{frame_system::pallet_prelude::BlockNumberFor, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// The name of a model.
pub type ModelName = BoundedVec<u8, NameBytes>;

/// The record of a model in this runtime.
pub type ModelRecordOf<T> = ModelRecord<<T as polkadot_sdk::frame_system::Config>::AccountId, TicketOf<T>>;

/// The record of a version in this runtime.
pub type VersionRecordOf<T> = VersionRecord<BlockNumberFor<T>>;

/// The proof of a deposit in this runtime.
pub type TicketOf<T> = <T as Config>::Consideration;

/// A model line: who owns it and what stands under its name.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ModelRecord<AccountId, Ticket> {
    /// The owner, who may publish and deprecate versions, and whose deposit is held.
    pub owner: AccountId,
    /// Its name, which no other model has.
    pub name: ModelName,
    /// The number of the last version published; the next one gets the number after it.
    pub latest_version: VersionNumber,
    /// Versions that are stored, deprecated ones included. Never zero.
    pub live_versions: u32,
    /// Bytes of those versions and the name that the deposit is for.
    pub stored_bytes: u64,
    /// To whom the owner offers the model.
    pub pending_owner: Option<AccountId>,
    /// The owner's deposit.
    pub ticket: Ticket,
}

/// Whether new jobs and offers may name a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum VersionStatus<BlockNumber> {
    /// They may.
    #[codec(index = 0)]
    Active,
    /// They may not; jobs that were submitted before go on.
    #[codec(index = 1)]
    Deprecated {
        /// Block of the deprecation.
        at: BlockNumber,
    },
}

/// One version of a model: what is run, how precisely, on what.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct VersionRecord<BlockNumber> {
    /// Hash of the version's parts ([`ModelParts::root`]).
    pub root: H256,
    /// Everything that decides what a job on it gives, takes and costs.
    pub parts: ModelParts,
    /// Whether new jobs and offers may name it.
    pub status: VersionStatus<BlockNumber>,
}

impl<BlockNumber> VersionRecord<BlockNumber> {
    /// A version that jobs may name.
    pub fn new(parts: ModelParts) -> Self {
        Self {
            root: H256(parts.root::<HostBlake2>()),
            parts,
            status: VersionStatus::Active,
        }
    }

    /// Whether it has not been deprecated.
    pub fn is_active(&self) -> bool {
        matches!(self.status, VersionStatus::Active)
    }

    /// Whether new jobs and offers may name it: it has not been deprecated, and this runtime judges by its definition.
    pub fn is_offered(&self) -> bool {
        self.is_active() && self.parts.definition == DEFINITION_NUMBER
    }

    /// Encoded bytes that the deposit is for: all but the status, so that deprecating changes no deposit.
    pub fn deposit_bytes(&self) -> u64 {
        // Saturating: parts are bounded.
        self.root.encoded_size().saturating_add(self.parts.encoded_size()) as u64
    }
}
