//! Claims: what a worker has committed to and can be convicted of. A claim is made on chain, by a job, or off the
//! chain, by a signed receipt of a session. Disputes know claims by their numbers and through [`Claims`].

use crate::{
    H256, JobId, ModelParts, ModelVersion, Penalty, SessionId, SlashId, Slashed,
    limits::{MAX_SEQUENCE, MAX_SESSIONS},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};
use scale_info::TypeInfo;

/// Number of a claim, under which it is disputed: that of its job, or the one of its receipt. See [`ClaimSource`].
pub type ClaimId = u64;

/// The bit that is set in the numbers of receipts, and in no number of a job.
const RECEIPT: u64 = 1 << 63;
/// Bits of a receipt's sequence in its number; those of the session are above them.
const SEQUENCE_BITS: u32 = 24;

/// The act by which a claim was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum ClaimSource {
    /// The worker claimed a job on chain.
    #[codec(index = 0)]
    Job(JobId),
    /// The worker signed a receipt of a session.
    #[codec(index = 1)]
    Receipt {
        /// The session.
        session: SessionId,
        /// Number of the request within the session.
        sequence: u32,
    },
}

impl ClaimSource {
    /// Number of the claim: a job's own, or `2^63 + session · 2^24 + sequence`. `None` for a session or a sequence
    /// beyond [`MAX_SESSIONS`] and [`MAX_SEQUENCE`], and for a job that would be taken for a receipt.
    pub fn id(self) -> Option<ClaimId> {
        match self {
            Self::Job(job) => Some(job).filter(|job| job & RECEIPT == 0),
            Self::Receipt { session, sequence } => {
                let is_known = session <= MAX_SESSIONS && sequence <= MAX_SEQUENCE;
                is_known.then(|| RECEIPT | (session << SEQUENCE_BITS) | u64::from(sequence))
            }
        }
    }

    /// The act by which the claim of this number was made.
    pub fn of(claim: ClaimId) -> Self {
        match claim & RECEIPT {
            0 => Self::Job(claim),
            _ => Self::Receipt {
                session: (claim & !RECEIPT) >> SEQUENCE_BITS,
                // The mask leaves 24 bits.
                sequence: (claim & u64::from(MAX_SEQUENCE)) as u32,
            },
        }
    }
}

/// A claim, as those see it who judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimInfo<AccountId, Balance> {
    /// The client, who pays for the result.
    pub client: AccountId,
    /// The worker that claimed.
    pub worker: AccountId,
    /// The model version that was to be run.
    pub model: ModelVersion,
    /// Its root.
    pub model_root: H256,
    /// Number of its definition, by which the claim is to be judged.
    pub definition: u32,
    /// List digest of the input tensors.
    pub input_digest: H256,
    /// List digest of the output tensors, as claimed.
    pub output_digest: H256,
    /// The worker's stake that secures the claim, which is the minimum that a conviction slashes.
    pub locked: Balance,
    /// Price that the worker is paid if the claim stands.
    pub price: Balance,
    /// Work of one execution, in the units of the model's parts.
    pub work: u64,
}

/// Reasons for which a claim cannot be challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum NotChallengeable {
    /// No such claim: the job was never submitted, or it is closed; or nobody has shown the receipt.
    #[codec(index = 0)]
    UnknownJob,
    /// Nobody has claimed the job yet.
    #[codec(index = 1)]
    NotClaimed,
    /// The challenge window is over.
    #[codec(index = 2)]
    WindowPassed,
    /// Its model version is no longer registered.
    #[codec(index = 3)]
    UnknownModel,
}

/// The claims, as those see and move them who judge disputes.
pub trait Claims<AccountId, Balance, BlockNumber> {
    /// The claim, if its challenge window is open or it is disputed already. Changes nothing.
    fn claimed(claim: ClaimId) -> Result<ClaimInfo<AccountId, Balance>, NotChallengeable>;

    /// The parts of a model version that a claim names.
    fn parts(model: ModelVersion) -> Option<ModelParts>;

    /// The claim is disputed from now on; nothing changes if it is already. It is neither paid nor accepted until one
    /// of the four that end a dispute: [`uphold`](Self::uphold), [`excuse`](Self::excuse), [`void`](Self::void) and
    /// [`convict`](Self::convict).
    fn dispute(claim: ClaimId) -> DispatchResult;

    /// Every challenge failed. The window ends where it did, and no earlier than `window_at_least` or this block, so
    /// that a challenger who was kept out gets a turn.
    fn uphold(claim: ClaimId, window_at_least: BlockNumber) -> DispatchResult;

    /// Gives the client back what it has promised for a disputed claim and the worker was not paid yet, because the
    /// worker is late. The claim stays disputed, and its lock stays locked. A second time changes nothing.
    fn refund(claim: ClaimId) -> DispatchResult;

    /// Takes what a late answer costs out of the lock of a disputed claim, as [`Outcome::Late`]; returns what was
    /// taken.
    ///
    /// [`Outcome::Late`]: crate::Outcome::Late
    fn charge(
        claim: ClaimId,
        beneficiary: &AccountId,
        cost: Slashed<Balance>,
    ) -> Result<Slashed<Balance>, DispatchError>;

    /// Every challenge failed, but the client was refunded meanwhile: the worker is not paid for the claim, and its
    /// lock is free.
    fn excuse(claim: ClaimId) -> DispatchResult;

    /// Nobody can judge the claim any more. The client has back what it has promised for it and the worker was not paid
    /// yet, the worker is not paid for it, and its lock is free.
    fn void(claim: ClaimId) -> DispatchResult;

    /// The claim is wrong. The client has back what the worker was not paid yet, and what secures the claim is released
    /// as [`Outcome::Convicted`].
    ///
    /// [`Outcome::Convicted`]: crate::Outcome::Convicted
    fn convict(
        claim: ClaimId,
        share: Perbill,
        awards: [(AccountId, Balance); 2],
    ) -> Result<Penalty<Balance>, DispatchError>;

    /// See [`WorkerRegistry::award`](crate::WorkerRegistry::award).
    fn award(slash: SlashId, awards: [(AccountId, Balance); 2]) -> DispatchResult;
}

/// The court, as those see it who keep claims that it does not know yet.
pub trait Court<AccountId> {
    /// Opens a game over a claim that [`Claims::claimed`] shows, as if the challenger had called for it. `commitment`
    /// is that of the challenger's own trace.
    fn challenge(challenger: AccountId, claim: ClaimId, commitment: H256) -> DispatchResult;
}

/// All claims of a chain: those on jobs, and those by receipts.
pub struct JobsAndReceipts<Jobs, Receipts>(PhantomData<(Jobs, Receipts)>);

/// Hands a question on to those who keep the claim.
macro_rules! of_its_source {
    ($claim:ident, $jobs:ident, $receipts:ident, $method:ident($($argument:expr),*)) => {
        match ClaimSource::of($claim) {
            ClaimSource::Job(_) => $jobs::$method($claim $(, $argument)*),
            ClaimSource::Receipt { .. } => $receipts::$method($claim $(, $argument)*),
        }
    };
}

impl<AccountId, Balance, BlockNumber, Jobs, Receipts> Claims<AccountId, Balance, BlockNumber>
    for JobsAndReceipts<Jobs, Receipts>
where
    Jobs: Claims<AccountId, Balance, BlockNumber>,
    Receipts: Claims<AccountId, Balance, BlockNumber>,
{
    fn claimed(claim: ClaimId) -> Result<ClaimInfo<AccountId, Balance>, NotChallengeable> {
        of_its_source!(claim, Jobs, Receipts, claimed())
    }

    fn parts(model: ModelVersion) -> Option<ModelParts> {
        Jobs::parts(model)
    }

    fn dispute(claim: ClaimId) -> DispatchResult {
        of_its_source!(claim, Jobs, Receipts, dispute())
    }

    fn uphold(claim: ClaimId, window_at_least: BlockNumber) -> DispatchResult {
        of_its_source!(claim, Jobs, Receipts, uphold(window_at_least))
    }

    fn refund(claim: ClaimId) -> DispatchResult {
        of_its_source!(claim, Jobs, Receipts, refund())
    }

    fn charge(
        claim: ClaimId,
        beneficiary: &AccountId,
        cost: Slashed<Balance>,
    ) -> Result<Slashed<Balance>, DispatchError> {
        of_its_source!(claim, Jobs, Receipts, charge(beneficiary, cost))
    }

    fn excuse(claim: ClaimId) -> DispatchResult {
        of_its_source!(claim, Jobs, Receipts, excuse())
    }

    fn void(claim: ClaimId) -> DispatchResult {
        of_its_source!(claim, Jobs, Receipts, void())
    }

    fn convict(
        claim: ClaimId,
        share: Perbill,
        awards: [(AccountId, Balance); 2],
    ) -> Result<Penalty<Balance>, DispatchError> {
        of_its_source!(claim, Jobs, Receipts, convict(share, awards))
    }

    fn award(slash: SlashId, awards: [(AccountId, Balance); 2]) -> DispatchResult {
        Jobs::award(slash, awards)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_which_claim_it_is() {
        let receipt = |session, sequence| ClaimSource::Receipt { session, sequence };
        for source in [
            ClaimSource::Job(0),
            ClaimSource::Job(RECEIPT - 1),
            receipt(0, 0),
            receipt(7, 3),
            receipt(MAX_SESSIONS, MAX_SEQUENCE),
        ] {
            let id = source.id().expect("it is within the bounds");
            assert_eq!(ClaimSource::of(id), source);
        }
        assert_eq!(ClaimSource::of(u64::MAX), receipt(MAX_SESSIONS, MAX_SEQUENCE));
    }

    #[test]
    fn what_is_beyond_the_bounds_has_no_number() {
        assert_eq!(ClaimSource::Job(RECEIPT).id(), None);
        let receipt = |session, sequence| ClaimSource::Receipt { session, sequence }.id();
        assert_eq!(receipt(MAX_SESSIONS + 1, 0), None);
        assert_eq!(receipt(0, MAX_SEQUENCE + 1), None);
    }
}
