//! Findings: what a challenger commits to when it challenges, and what it shows when the worker is convicted.
//!
//! The award of a proof belongs to whoever found the fault, and not to whoever sent the proof. A challenger that has
//! executed the job knows its own trace before the worker has revealed anything, and commits to its digest. The oldest
//! challenge whose commitment opens to the element that convicts, as the runtime computed it, has found the fault.

use super::{ALL_GAMES, Committed};
use crate::{ClaimId, H256, limits::Symbols};
use assay_exact::{
    bounded::Bounded,
    digest::{CHUNK_BYTES, DOMAIN_BYTES, DataType, Digest, Hash256, leaf, tensor_digest_of_root},
    judge::Shape,
    tree::{Membership, Path, Tree, chunk_count, chunk_size, place_of},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{sp_core::ConstU32, sp_runtime::BoundedVec};
use scale_info::TypeInfo;

/// Domain of the hash that seals a finding.
pub const FINDING_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/finding/1\0";

/// Seals a finding: `H(FINDING_DOMAIN ‖ claim ‖ challenger ‖ trace digest ‖ salt)`, the fields in SCALE, with
/// BLAKE2b-256.
///
/// The trace digest is the list digest of the challenger's own trace. The challenger is part of the hash, so that
/// nobody can copy another's commitment and its opening. The salt keeps the worker, which knows the right trace, from
/// seeing whether the challenger knows it too.
pub fn commitment<H: Hash256, AccountId: Encode>(
    job: ClaimId,
    challenger: &AccountId,
    trace_digest: &Digest,
    salt: &[u8; 32],
) -> H256 {
    H256(H::hash(&(FINDING_DOMAIN, job, challenger, trace_digest, salt).encode()))
}

/// The element by which a worker was convicted, as the runtime computed it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct WrongElement {
    /// Operators of the graph, which are as many as a trace has entries.
    pub operators: u32,
    /// Position of the operator in the graph.
    pub operator: u32,
    /// Type of the operator's output.
    pub dtype: DataType,
    /// Its dimensions.
    pub shape: Shape,
    /// Position of the element in row-major order.
    pub element: u64,
    /// The element's little-endian bytes.
    pub computed: Bounded<u8, 8>,
}

/// Proof that the trace behind a commitment has a given element.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct FindingOpening {
    /// List digest of the challenger's trace.
    pub trace_digest: H256,
    /// The salt of the commitment.
    pub salt: [u8; 32],
    /// Membership of the operator's output in the trace.
    pub membership: Membership,
    /// Root of the tree over the output's chunks.
    pub root: H256,
    /// The chunk that the element lies in.
    pub chunk: Bounded<u8, { CHUNK_BYTES as u32 }>,
    /// The chunk's path.
    pub path: Path,
}

/// Reasons for which an opening shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingError {
    /// The commitment is another one.
    Commitment,
    /// The output is not the entry of the trace.
    Membership,
    /// The chunk is not one of the output.
    Chunk,
    /// The element is not the one that was computed.
    Element,
}

impl FindingOpening {
    /// Checks that `challenger` has committed to a trace in which the element is what the runtime computed.
    pub fn check<H: Hash256, AccountId: Encode>(
        &self,
        job: ClaimId,
        challenger: &AccountId,
        committed: &H256,
        wrong: &WrongElement,
    ) -> Result<(), FindingError> {
        if commitment::<H, _>(job, challenger, &self.trace_digest.0, &self.salt) != *committed {
            return Err(FindingError::Commitment);
        }
        let output = tensor_digest_of_root::<H>(wrong.dtype, &wrong.shape, &self.root.0);
        if self.membership.count != wrong.operators
            || self.membership.list_digest::<H>(&output, wrong.operator) != Some(self.trace_digest.0)
        {
            return Err(FindingError::Membership);
        }
        let (index, bytes) = place_of(wrong.dtype, wrong.element).ok_or(FindingError::Chunk)?;
        let chunks = chunk_count(wrong.dtype, &wrong.shape).ok_or(FindingError::Chunk)?;
        let is_whole = chunk_size(wrong.dtype, &wrong.shape, index) == Some(self.chunk.len());
        let root = Tree::Chunks.climb::<H>(&leaf::<H>(&self.chunk), index, chunks, &self.path);
        if !is_whole || root != Some(self.root.0) {
            return Err(FindingError::Chunk);
        }
        match self.chunk.get(bytes) {
            Some(element) if *element == *wrong.computed => Ok(()),
            _ => Err(FindingError::Element),
        }
    }
}

/// A challenger that may still show that it has found the fault.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct Finder<AccountId> {
    /// The challenger.
    pub challenger: AccountId,
    /// Its commitment.
    pub commitment: H256,
}

/// The award of a conviction by proof, which the oldest finder gets.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct OpenAward<AccountId, Balance, BlockNumber> {
    /// The claim.
    pub job: ClaimId,
    /// The digests that the claim committed to.
    pub committed: Committed,
    /// The values of the graph's symbols, in its order.
    pub symbols: BoundedVec<u32, Symbols>,
    /// The element that convicted.
    pub wrong: WrongElement,
    /// The amount of the award.
    pub amount: Balance,
    /// The client, and its part of the slash.
    pub client: (AccountId, Balance),
    /// The challengers that may claim the award, the oldest first: each of them is older than whoever has claimed it.
    pub finders: BoundedVec<Finder<AccountId>, ConstU32<ALL_GAMES>>,
    /// The last block in which it may be claimed.
    pub until: BlockNumber,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostBlake2;
    use alloc::{vec, vec::Vec};
    use assay_exact::{digest::list_digest, tree::chunk_leaves};

    const SALT: [u8; 32] = [7; 32];
    const JOB: ClaimId = 4;

    /// A trace of three outputs, the second of which is `bytes`, opened at element `element` of it.
    fn opened(bytes: &[u8], element: u64) -> (FindingOpening, WrongElement) {
        let shape = Shape::new(vec![bytes.len() as u32]).expect("one dimension");
        let leaves = chunk_leaves::<HostBlake2>(bytes);
        let root = Tree::Chunks.fold::<HostBlake2>(&leaves);
        let output = tensor_digest_of_root::<HostBlake2>(DataType::Uint8, &shape, &root);
        let trace = [[1; 32], output, [2; 32]];
        let (index, range) = place_of(DataType::Uint8, element).expect("a small number");
        let start = index as usize * CHUNK_BYTES;
        let chunk: Vec<u8> = bytes[start..].iter().copied().take(CHUNK_BYTES).collect();
        let computed = Bounded::new(chunk[range].to_vec()).expect("one byte");
        let opening = FindingOpening {
            trace_digest: H256(list_digest::<HostBlake2>(&trace)),
            salt: SALT,
            membership: Membership::of::<HostBlake2>(&trace, 1).expect("it is there"),
            root: H256(root),
            chunk: Bounded::new(chunk).expect("one chunk"),
            path: Tree::Chunks.path::<HostBlake2>(&leaves, index).expect("it is there"),
        };
        let wrong = WrongElement {
            operators: 3,
            operator: 1,
            dtype: DataType::Uint8,
            shape,
            element,
            computed,
        };
        (opening, wrong)
    }

    fn bytes() -> Vec<u8> {
        (0..3_000u32).map(|byte| (byte % 251) as u8).collect()
    }

    fn check(opening: &FindingOpening, wrong: &WrongElement, challenger: u32) -> Result<(), FindingError> {
        let sealed = commitment::<HostBlake2, _>(JOB, &9u32, &opening.trace_digest.0, &SALT);
        opening.check::<HostBlake2, _>(JOB, &challenger, &sealed, wrong)
    }

    #[test]
    fn a_right_element_opens_wherever_it_lies() {
        for element in [0, 1_023, 1_024, 2_999] {
            let (opening, wrong) = opened(&bytes(), element);
            assert_eq!(check(&opening, &wrong, 9), Ok(()), "{element}");
        }
    }

    #[test]
    fn whoever_did_not_commit_to_it_shows_nothing() {
        let (opening, wrong) = opened(&bytes(), 5);
        assert_eq!(check(&opening, &wrong, 8), Err(FindingError::Commitment));
        let other_salt = FindingOpening {
            salt: [8; 32],
            ..opening.clone()
        };
        assert_eq!(check(&other_salt, &wrong, 9), Err(FindingError::Commitment));
        let sealed = commitment::<HostBlake2, _>(JOB + 1, &9u32, &opening.trace_digest.0, &SALT);
        let of_another_job = opening.check::<HostBlake2, _>(JOB, &9u32, &sealed, &wrong);
        assert_eq!(of_another_job, Err(FindingError::Commitment));
    }

    #[test]
    fn what_is_not_in_the_trace_shows_nothing() {
        let (opening, wrong) = opened(&bytes(), 5);
        let elsewhere = WrongElement {
            operator: 0,
            ..wrong.clone()
        };
        assert_eq!(check(&opening, &elsewhere, 9), Err(FindingError::Membership));
        let longer = WrongElement {
            operators: 4,
            ..wrong.clone()
        };
        assert_eq!(check(&opening, &longer, 9), Err(FindingError::Membership));
        let of_another_type = WrongElement {
            dtype: DataType::Int8,
            ..wrong.clone()
        };
        assert_eq!(check(&opening, &of_another_type, 9), Err(FindingError::Membership));
        let mut chunk = opening.chunk.to_vec();
        chunk[5] ^= 1;
        let altered = FindingOpening {
            chunk: Bounded::new(chunk).expect("as long as before"),
            ..opening.clone()
        };
        assert_eq!(check(&altered, &wrong, 9), Err(FindingError::Chunk));
        let other = WrongElement {
            computed: Bounded::new(vec![200]).expect("one byte"),
            ..wrong
        };
        assert_eq!(check(&opening, &other, 9), Err(FindingError::Element));
    }
}
