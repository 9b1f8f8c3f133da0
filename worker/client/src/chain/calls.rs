//! The calls that the worker sends, as enums whose variants are the pallets' calls.
//!
//! They carry no call index of their own: a variant is found in the node's metadata by its name, after
//! [`super::contract`] has made sure that the arguments are the same.

use super::types::{
    AccountId, Balance, H256, JobRequest, OfferTerms, SessionOffer, SessionRequest, SignedReceipt, SignedVoucher,
};
use assay_exact::judge::Proof;
use assay_types::{
    Announcement, ClaimId, JobId, ModelParts, ModelVersion, SessionId, SlashId,
    delivery::OutputPiece,
    dispute::{FindingOpening, Place, Statement},
    limits::{Batch, InlineOutputBytes, NameBytes, Steps, Symbols},
};
use codec::{Decode, Encode};
use polkadot_sdk::sp_runtime::BoundedVec;
use scale_info::{TypeDef, TypeInfo};

/// A call of one of the pallets.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Of the models pallet.
    Models(ModelsCall),
    /// Of the workers pallet.
    Workers(WorkersCall),
    /// Of the market pallet.
    Market(MarketCall),
    /// Of the disputes pallet.
    Disputes(DisputesCall),
    /// Of the sessions pallet.
    Sessions(SessionsCall),
    /// Of the audits pallet.
    Audits(AuditsCall),
    /// Of a pallet that the worker does not use.
    Other {
        /// The pallet's name in the metadata.
        pallet: &'static str,
        /// The call's name in the metadata.
        name: &'static str,
        /// The call's arguments in SCALE.
        arguments: Vec<u8>,
    },
}

/// See the models pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum ModelsCall {
    Register {
        name: BoundedVec<u8, NameBytes>,
        parts: Box<ModelParts>,
    },
    PublishVersion {
        model: u32,
        parts: Box<ModelParts>,
    },
    Deprecate {
        version: ModelVersion,
    },
}

/// See the workers pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum WorkersCall {
    Register {
        stake: Balance,
    },
    BondMore {
        amount: Balance,
    },
    Unbond {
        amount: Balance,
    },
    Withdraw,
    PublishOffer {
        version: ModelVersion,
        terms: OfferTerms,
        capacity: u32,
    },
    RemoveOffer {
        version: ModelVersion,
    },
    Pause,
    Resume,
    Drain,
    Leave,
    ApplySlash {
        slash: SlashId,
    },
    Announce {
        announcement: Option<Announcement>,
    },
}

/// See the market pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum MarketCall {
    Submit { request: JobRequest },
    SubmitBatch { requests: BoundedVec<JobRequest, Batch> },
    CommitBid { job: JobId, commitment: H256 },
    RevealBid { job: JobId, price: Balance, salt: [u8; 32] },
    Claim { claim: Claim },
    ClaimBatch { claims: BoundedVec<Claim, Batch> },
    Decline { job: JobId },
    Accept { job: JobId },
    AcceptBatch { jobs: BoundedVec<JobId, Batch> },
    AdvanceBatch { jobs: BoundedVec<JobId, Steps> },
    Reassign { job: JobId },
    Seal { seals: BoundedVec<Seal, Batch> },
    Draw { jobs: BoundedVec<JobId, Steps> },
    DemandOutput { job: JobId },
    DeliverOutput { job: JobId, piece: Box<OutputPiece> },
}

/// See the disputes pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum DisputesCall {
    Challenge {
        job: JobId,
        commitment: H256,
    },
    Reveal {
        job: JobId,
        statement: Box<Statement>,
    },
    Point {
        job: JobId,
        place: Place,
        entry: u32,
    },
    Prove {
        job: JobId,
        challenger: AccountId,
        proof: Box<Proof>,
        element: u64,
        finding: Option<Box<FindingOpening>>,
    },
    ClaimTimeout {
        job: JobId,
        challenger: AccountId,
    },
    AnswerLate {
        job: JobId,
        statement: Box<Statement>,
    },
    ClaimAward {
        slash: SlashId,
        finding: Box<FindingOpening>,
    },
}

/// See the sessions pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum SessionsCall {
    PublishOffer {
        model: ModelVersion,
        offer: SessionOffer,
    },
    RemoveOffer {
        model: ModelVersion,
    },
    Open {
        request: Box<SessionRequest>,
    },
    TopUp {
        session: SessionId,
        amount: Balance,
    },
    Redeem {
        voucher: SignedVoucher,
    },
    Close {
        session: SessionId,
        last: Option<SignedVoucher>,
    },
    Advance {
        session: SessionId,
    },
    ChallengeReceipt {
        receipt: Box<SignedReceipt>,
        symbols: BoundedVec<u32, Symbols>,
        commitment: H256,
    },
    ConvictEquivocation {
        first: Box<SignedReceipt>,
        second: Box<SignedReceipt>,
    },
}

/// See the audits pallet.
#[derive(Clone, Debug, PartialEq, Encode, TypeInfo)]
#[allow(missing_docs, reason = "the pallet documents its calls and their arguments")]
pub enum AuditsCall {
    Answer {
        claim: ClaimId,
        seal: H256,
    },
    Open {
        claim: ClaimId,
        output_digest: H256,
        salt: [u8; 32],
        commitment: Option<H256>,
    },
    Advance {
        claim: ClaimId,
    },
    Fund {
        amount: Balance,
    },
}

/// A worker's claim of a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    /// List digest of the output tensors.
    pub output_digest: H256,
    /// The output, where the job asks for it.
    pub output: Option<BoundedVec<u8, InlineOutputBytes>>,
    /// The salt of the seal.
    pub salt: [u8; 32],
}

/// A worker's seal of its claim.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Seal {
    /// The job.
    pub job: JobId,
    /// The seal: see [`assay_types::audit::seal`].
    pub seal: H256,
}

impl Call {
    /// The pallet's name in the metadata.
    pub fn pallet(&self) -> &'static str {
        match self {
            Self::Models(_) => "Models",
            Self::Workers(_) => "Workers",
            Self::Market(_) => "Market",
            Self::Disputes(_) => "Disputes",
            Self::Sessions(_) => "Sessions",
            Self::Audits(_) => "Audits",
            Self::Other { pallet, .. } => pallet,
        }
    }

    /// The call's name in the metadata, and its arguments in SCALE.
    pub fn name_and_arguments(&self) -> (String, Vec<u8>) {
        match self {
            Self::Models(call) => split(call),
            Self::Workers(call) => split(call),
            Self::Market(call) => split(call),
            Self::Disputes(call) => split(call),
            Self::Sessions(call) => split(call),
            Self::Audits(call) => split(call),
            Self::Other { name, arguments, .. } => ((*name).into(), arguments.clone()),
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.pallet(), self.name_and_arguments().0)
    }
}

fn split<C: Encode + TypeInfo>(call: &C) -> (String, Vec<u8>) {
    let mut bytes = call.encode();
    let index = bytes.remove(0);
    (snake_case(variant_name::<C>(index)), bytes)
}

/// The name of an enum's variant.
pub(super) fn variant_name<E: TypeInfo>(index: u8) -> &'static str {
    match E::type_info().type_def {
        TypeDef::Variant(variants) => variants
            .variants
            .iter()
            .find(|variant| variant.index == index)
            .map_or("", |variant| variant.name),
        _ => "",
    }
}

/// `SubmitBatch` as the metadata writes it: `submit_batch`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_named_as_in_the_metadata_and_its_arguments_have_no_index() {
        let call = Call::Market(MarketCall::CommitBid {
            job: 7,
            commitment: H256::repeat_byte(1),
        });
        let (name, arguments) = call.name_and_arguments();
        assert_eq!(name, "commit_bid");
        assert_eq!(arguments, (7u64, H256::repeat_byte(1)).encode());
        assert_eq!(call.to_string(), "Market.commit_bid");
    }
}
