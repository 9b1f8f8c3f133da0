//! Audits: seals of claims and answers, randomness that nobody knew in time, and the traits through which those who
//! keep claims, the police and the court meet. The rules of the draw and of the money are in `assay-police`.

use crate::{ClaimId, H256, ModelVersion};
use alloc::vec::Vec;
use assay_exact::digest::{DOMAIN_BYTES, Hash256};
pub use assay_police::{Assurance, Hazard};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};
use scale_info::TypeInfo;

/// Domain of the hash that seals the output of a claim.
pub const SEAL_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/seal/1\0\0\0\0";
/// Domain of the hash that draws audits and auditors.
pub const DRAW_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/draw/1\0\0\0\0";

/// Seals an output: `H(SEAL_DOMAIN ‖ claim ‖ who ‖ output digest ‖ salt)`, the fields in SCALE, with BLAKE2b-256.
///
/// `who` is the worker that claims, or the auditor that answers, so that nobody can copy a seal and its opening. The
/// salt keeps others from trying digests until the hash fits: draw all 32 bytes at random.
pub fn seal<H: Hash256, AccountId: Encode>(
    claim: ClaimId,
    who: &AccountId,
    output_digest: &H256,
    salt: &[u8; 32],
) -> H256 {
    H256(H::hash(&(SEAL_DOMAIN, claim, who, output_digest, salt).encode()))
}

/// Decisions that are drawn over a claim, each by numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Lot {
    /// Whether the claim is audited.
    #[codec(index = 0)]
    Audit,
    /// Whether it has a second auditor.
    #[codec(index = 1)]
    Second,
    /// Accounts that audit it, where this many were drawn before.
    #[codec(index = 2)]
    Auditor(u32),
}

/// The random number of a decision over a claim: the first 8 bytes, little-endian, of
/// `H(DRAW_DOMAIN ‖ seed ‖ claim ‖ lot)`, the fields in SCALE.
pub fn number_of<H: Hash256>(seed: &H256, claim: ClaimId, lot: Lot) -> u64 {
    let hash = H::hash(&(DRAW_DOMAIN, seed, claim, lot).encode());
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(hash).for_each(|(byte, of_hash)| *byte = of_hash);
    u64::from_le_bytes(bytes)
}

/// Whether a seed draws a claim of this hazard for an audit.
pub fn is_drawn<H: Hash256>(seed: &H256, claim: ClaimId, hazard: Hazard) -> bool {
    // Nothing is hashed for a claim that cannot be drawn.
    hazard.0 > 0 && hazard.is_drawn(number_of::<H>(seed, claim, Lot::Audit))
}

/// Knowledge of the seed of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// It is not known yet.
    Unknown,
    /// It is this.
    Known(H256),
    /// Nobody asked for it in time.
    Forgotten,
}

/// Seeds that nobody knew before a moment.
pub trait Randomness<BlockNumber> {
    /// The seed of what was fixed at this moment, once it is known: nobody knew it, nor could choose it, in a block of
    /// that moment. Whoever asks later has the same answer, until the seed is forgotten.
    fn seed(fixed_at: BlockNumber) -> Option<H256>;

    /// Whether the seed of this moment is forgotten. Who did not ask in time has no seed.
    fn is_forgotten(fixed_at: BlockNumber) -> bool;
}

/// A worker that could audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<AccountId, Balance> {
    /// The worker.
    pub worker: AccountId,
    /// Its whole stake.
    pub stake: Balance,
    /// The price at which it would do the job itself.
    pub price: Balance,
}

/// The workers of a model, as those see them who look for an auditor.
pub trait Auditors<AccountId, Balance> {
    /// The workers that offer a version and can take an audit now that locks `lock`, with their prices for this work.
    fn candidates(version: ModelVersion, lock: Balance, work: u64) -> Vec<Candidate<AccountId, Balance>>;

    /// A worker's whole stake; nothing of an account that is none.
    fn stake_of(worker: &AccountId) -> Balance;
}

/// A claim that was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedClaim<AccountId, Balance, BlockNumber> {
    /// The client.
    pub client: AccountId,
    /// The worker that has sealed it.
    pub worker: AccountId,
    /// The model version.
    pub model: ModelVersion,
    /// Payment of the worker if the claim stands.
    pub price: Balance,
    /// Amount that the claim locks.
    pub locked: Balance,
    /// Work of one execution.
    pub work: u64,
    /// The level that the client has paid for.
    pub assurance: Assurance,
    /// Block of the seal.
    pub sealed_at: BlockNumber,
    /// Hazard at the basic level when it was sealed, in units of 2^-32.
    pub hazard: u64,
}

/// Amount that a settlement brings the police.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Dues<Balance> {
    /// Part of the price, which the worker is not paid.
    pub levy: Balance,
    /// Surcharge of the client's assurance level on the price.
    pub surcharge: Balance,
}

/// The police, as those see it who keep claims. It knows the claims that are audited; any other may be made as soon as
/// its seed is known and does not draw it.
pub trait Police<AccountId, Balance> {
    /// The number of a block.
    type BlockNumber;

    /// Hazard at the basic level of a claim of this price that locks `locked` and is sealed now, in units of 2^-32.
    fn hazard(worker: &AccountId, price: Balance, locked: Balance) -> u64;

    /// The seed of a seal's block.
    fn seed(sealed_at: Self::BlockNumber) -> Seed;

    /// A sealed claim is to be audited: its seed draws it, or is forgotten.
    fn sealed(claim: ClaimId, sealed: SealedClaim<AccountId, Balance, Self::BlockNumber>) -> DispatchResult;

    /// Whether the claim may be opened: it is not audited, or its auditors have sealed their answers.
    fn may_open(claim: ClaimId) -> bool;

    /// Block since which an audited claim may be opened, if it may be.
    fn open_since(claim: ClaimId) -> Option<Self::BlockNumber>;

    /// The claim was opened, and says this.
    fn opened(claim: ClaimId, output_digest: H256) -> DispatchResult;

    /// The claim was not opened in time, and ends without a result. Returns the share of its stake that the worker
    /// loses, if somebody was there to audit the claim.
    fn abandoned(claim: ClaimId) -> Result<Option<Perbill>, DispatchError>;

    /// Whether the claim may be settled as far as the police is concerned: it is open, and no auditor is waited for.
    fn may_settle(claim: ClaimId) -> bool;

    /// Amount that the settlement of a claim of this price and hazard brings the police.
    fn dues(price: Balance, hazard: u64, assurance: Assurance) -> Dues<Balance>;

    /// This much was burned for audits.
    fn paid_in(amount: Balance);

    /// The claim is settled: pays the auditors, and forgets the claim.
    fn settled(claim: ClaimId) -> DispatchResult;

    /// The court has decided over the claim: it stands, or its worker is convicted. Nothing happens for a claim without
    /// an audit.
    fn decided(claim: ClaimId, stands: bool) -> DispatchResult;

    /// The claim ends, is not paid for, and nobody is found to be wrong: pays the auditors that have answered, and
    /// forgets the claim.
    fn dropped(claim: ClaimId) -> DispatchResult;
}

/// No police, for tests: every seed is known, nothing is drawn, and nothing is due.
impl<AccountId, Balance: Default> Police<AccountId, Balance> for () {
    type BlockNumber = u64;

    fn hazard(_worker: &AccountId, _price: Balance, _locked: Balance) -> u64 {
        0
    }

    fn seed(_sealed_at: u64) -> Seed {
        Seed::Known(H256::zero())
    }

    fn sealed(_claim: ClaimId, _sealed: SealedClaim<AccountId, Balance, u64>) -> DispatchResult {
        Ok(())
    }

    fn may_open(_claim: ClaimId) -> bool {
        true
    }

    fn open_since(_claim: ClaimId) -> Option<u64> {
        None
    }

    fn opened(_claim: ClaimId, _output_digest: H256) -> DispatchResult {
        Ok(())
    }

    fn abandoned(_claim: ClaimId) -> Result<Option<Perbill>, DispatchError> {
        Ok(None)
    }

    fn may_settle(_claim: ClaimId) -> bool {
        true
    }

    fn dues(_price: Balance, _hazard: u64, _assurance: Assurance) -> Dues<Balance> {
        Dues::default()
    }

    fn paid_in(_amount: Balance) {}

    fn settled(_claim: ClaimId) -> DispatchResult {
        Ok(())
    }

    fn decided(_claim: ClaimId, _stands: bool) -> DispatchResult {
        Ok(())
    }

    fn dropped(_claim: ClaimId) -> DispatchResult {
        Ok(())
    }
}

/// The court, as the police sees it.
pub trait SeniorCourt<AccountId> {
    /// Opens a game over a claim that is older than all others, and for which nothing is held. `commitment` is that of
    /// the auditor's own trace.
    fn accuse(auditor: AccountId, claim: ClaimId, commitment: H256) -> DispatchResult;
}

/// Where an audit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub enum AuditState<BlockNumber> {
    /// The claim is sealed, and the seed that draws it is not known yet.
    #[codec(index = 0)]
    Sealed,
    /// It was not drawn, or nobody is left who could audit it.
    #[codec(index = 1)]
    Spared,
    /// The auditor that was drawn last executes, and seals its answer up to this block.
    #[codec(index = 2)]
    Answering {
        /// Last block for the seal.
        until: BlockNumber,
    },
    /// The first auditor has sealed its answer, and the seed that draws a second one is not known yet.
    #[codec(index = 3)]
    Doubting {
        /// Block of the first auditor's seal.
        since: BlockNumber,
    },
    /// All answers are sealed: the worker opens its claim.
    #[codec(index = 4)]
    Ready,
    /// The worker has opened its claim; the auditors open their answers up to this block.
    #[codec(index = 5)]
    Opening {
        /// Last block for the openings.
        until: BlockNumber,
    },
    /// An answer differs: the court decides.
    #[codec(index = 6)]
    Disputed,
    /// All auditors agree with the worker.
    #[codec(index = 7)]
    Passed,
}

impl<BlockNumber: Copy> AuditState<BlockNumber> {
    /// Position of the state in [`TRANSITIONS`].
    fn index(&self) -> u8 {
        match self {
            Self::Sealed => 0,
            Self::Spared => 1,
            Self::Answering { .. } => 2,
            Self::Doubting { .. } => 3,
            Self::Ready => 4,
            Self::Opening { .. } => 5,
            Self::Disputed => 6,
            Self::Passed => 7,
        }
    }

    /// Whether an audit can step from here to `next`.
    pub fn may_become(&self, next: &Self) -> bool {
        TRANSITIONS.contains(&(self.index(), next.index()))
    }

    /// Last block of the state, where it has one.
    pub fn until(&self) -> Option<BlockNumber> {
        match self {
            Self::Answering { until } | Self::Opening { until } => Some(*until),
            Self::Sealed | Self::Spared | Self::Doubting { .. } | Self::Ready | Self::Disputed | Self::Passed => None,
        }
    }
}

/// Every step of an audit, by the numbers of the states. An answer that is not sealed or not opened leads to another
/// auditor, and to no audit where nobody is left.
const TRANSITIONS: &[(u8, u8)] = &[
    (0, 1),
    (0, 2),
    (2, 1),
    (2, 2),
    (2, 3),
    (2, 4),
    (2, 5),
    (3, 2),
    (3, 4),
    (4, 5),
    (5, 1),
    (5, 2),
    (5, 6),
    (5, 7),
    (6, 7),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostBlake2;

    #[test]
    fn a_seal_is_of_one_claim_one_account_and_one_output() {
        let of = |claim, who: u64, digest, salt| seal::<HostBlake2, _>(claim, &who, &H256::repeat_byte(digest), &salt);
        let first = of(1, 2, 3, [4; 32]);
        for other in [
            of(2, 2, 3, [4; 32]),
            of(1, 3, 3, [4; 32]),
            of(1, 2, 4, [4; 32]),
            of(1, 2, 3, [5; 32]),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn every_lot_has_a_number_of_its_own() {
        let seed = H256::repeat_byte(7);
        let lots = [Lot::Audit, Lot::Second, Lot::Auditor(0), Lot::Auditor(1)];
        let numbers = lots.map(|lot| number_of::<HostBlake2>(&seed, 5, lot));
        for (place, number) in numbers.iter().enumerate() {
            assert!(!numbers[..place].contains(number));
        }
        assert_ne!(number_of::<HostBlake2>(&seed, 6, Lot::Audit), numbers[0]);
    }

    #[test]
    fn what_cannot_be_drawn_is_not_and_what_is_certain_is() {
        let draws = |hazard| is_drawn::<HostBlake2>(&H256::repeat_byte(7), 5, hazard);
        assert!(!draws(Hazard(0)));
        assert!(draws(Hazard::CERTAIN));
    }

    #[test]
    fn an_audit_ends_spared_or_passed() {
        let ends = (0..8).filter(|from| TRANSITIONS.iter().all(|(of, _)| of != from));
        assert_eq!(ends.collect::<Vec<_>>(), [1, 7]);
        let sealed = AuditState::<u32>::Sealed;
        assert!(sealed.may_become(&AuditState::Answering { until: 3 }));
        assert!(!sealed.may_become(&AuditState::Passed));
    }
}
