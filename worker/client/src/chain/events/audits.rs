//! The events of the audits pallet that the worker reads.

use crate::chain::types::{AccountId, Balance, BlockNumber, H256};
use assay_types::{ClaimId, SlashId};
use codec::Decode;
use scale_info::TypeInfo;

/// See the audits pallet.
#[derive(Clone, Debug, PartialEq, Decode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its events and their fields")]
pub enum AuditsEvent {
    AuditorDrawn {
        claim: ClaimId,
        auditor: AccountId,
        until: BlockNumber,
        locked: Balance,
        fee: Balance,
    },
    Answered {
        claim: ClaimId,
        auditor: AccountId,
    },
    AnswersExpected {
        claim: ClaimId,
        until: BlockNumber,
    },
    AnswerOpened {
        claim: ClaimId,
        auditor: AccountId,
        output_digest: H256,
        agrees: bool,
    },
    Missed {
        claim: ClaimId,
        auditor: AccountId,
        lost: Balance,
    },
    Passed {
        claim: ClaimId,
        worker: AccountId,
    },
    AuditorPaid {
        claim: ClaimId,
        auditor: AccountId,
        fee: Balance,
    },
    AuditorConvicted {
        claim: ClaimId,
        auditor: AccountId,
        slash: SlashId,
        slashed: Balance,
    },
}

impl AuditsEvent {
    /// The claim that the event is about.
    pub fn claim(&self) -> ClaimId {
        match self {
            Self::AuditorDrawn { claim, .. }
            | Self::Answered { claim, .. }
            | Self::AnswersExpected { claim, .. }
            | Self::AnswerOpened { claim, .. }
            | Self::Missed { claim, .. }
            | Self::Passed { claim, .. }
            | Self::AuditorPaid { claim, .. }
            | Self::AuditorConvicted { claim, .. } => *claim,
        }
    }
}
