//! The record of an audit, as the chain keeps it until the claim is settled.

use super::{Assurance, AuditState, Hazard};
use crate::{H256, Lock, ModelVersion, limits::OffersPerModel};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::ConstU32, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// Auditors of one claim at a time.
pub const MAX_AUDITORS: u32 = 2;

/// An auditor of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Auditor<AccountId, Balance> {
    /// The worker that was drawn.
    pub who: AccountId,
    /// Its stake that secures its answer.
    pub locked: Balance,
    /// Its pay, which is set aside.
    pub fee: Balance,
    /// The seal of its answer.
    pub seal: Option<H256>,
    /// Its answer: list digest of the output tensors.
    pub answer: Option<H256>,
}

impl<AccountId, Balance: Copy> Auditor<AccountId, Balance> {
    /// The lock that secures the answer to a claim on `model`.
    pub fn lock(&self, model: ModelVersion) -> Lock<'_, AccountId, Balance> {
        Lock {
            worker: &self.who,
            model,
            stake: self.locked,
        }
    }
}

/// A claim with its audit, from its seal to its settlement.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Audit<AccountId, Balance, BlockNumber> {
    /// The client.
    pub client: AccountId,
    /// The worker that made the claim.
    pub worker: AccountId,
    /// The model version.
    pub model: ModelVersion,
    /// Payment of the worker if the claim stands.
    pub price: Balance,
    /// Work of one execution.
    pub work: u64,
    /// The level that the client has paid for.
    pub assurance: Assurance,
    /// Hazard of the claim at the basic level, when it was sealed, in units of 2^-32.
    pub ordinary: u64,
    /// Whether it is audited whatever the draw says, because nobody looked at its draw in time.
    pub is_certain: bool,
    /// Block of the seal that the draw waits for.
    pub sealed_at: BlockNumber,
    /// The seed of the latest draw.
    pub seed: H256,
    /// Where the audit stands.
    pub state: AuditState<BlockNumber>,
    /// Block since which it stands there.
    pub entered_at: BlockNumber,
    /// The claim's statement, once the worker has opened it.
    pub output: Option<H256>,
    /// The auditors that have not missed; the last one may be without an answer.
    pub auditors: BoundedVec<Auditor<AccountId, Balance>, ConstU32<MAX_AUDITORS>>,
    /// Everybody who was drawn for this claim, in order.
    pub tried: BoundedVec<AccountId, OffersPerModel>,
    /// The block of the agenda at which the audit stands.
    pub due: Option<BlockNumber>,
}

impl<AccountId, Balance, BlockNumber> Audit<AccountId, Balance, BlockNumber> {
    /// The hazard by which the claim is drawn.
    pub fn hazard(&self) -> Hazard {
        match self.is_certain {
            true => Hazard::CERTAIN,
            false => self.assurance.hazard(Hazard(self.ordinary)),
        }
    }
}
