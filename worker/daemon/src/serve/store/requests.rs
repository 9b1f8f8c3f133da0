//! Requests of sessions whose receipts were signed: their inputs and outputs, until no receipt of the session can be
//! challenged any more.

use super::{Copied, Store, StoreError, there};
use crate::job_input::lists;
use assay_client::chain::H256;
use assay_ops::tensor::{Tensor, tensors_digest};
use assay_types::{
    ClaimId, ClaimSource, SessionId,
    limits::{MAX_SEQUENCE, MAX_SESSIONS},
};
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use std::ops::RangeInclusive;

/// Digest of a list of tensors.
type Key = [u8; 32];

/// Digests of the lists of a receipt, by its claim: of the inputs and of the outputs.
const REQUESTS: TableDefinition<'_, ClaimId, (Key, Key)> = TableDefinition::new("requests-of-receipts");
/// Number of the uses of a list, and its bytes.
const LISTS: TableDefinition<'_, Key, (u64, &[u8])> = TableDefinition::new("lists-of-tensors");
/// Maximum bytes of all lists.
pub(super) const MAX_BYTES: u64 = 16 << 30;
/// Requests that are dropped in one transaction.
const DROPPED_AT_ONCE: usize = 4_096;

impl Store {
    /// Keeps the inputs and outputs of a request, before its receipt is sent; they are on disk when this returns. A
    /// second time changes nothing. The claim is that of a receipt.
    pub fn keep_request(&self, claim: ClaimId, inputs: &[Tensor], outputs: &[Tensor]) -> Result<Copied, StoreError> {
        self.keep_request_within(claim, inputs, outputs, MAX_BYTES)
    }

    pub(super) fn keep_request_within(
        &self,
        claim: ClaimId,
        inputs: &[Tensor],
        outputs: &[Tensor],
        most: u64,
    ) -> Result<Copied, StoreError> {
        let lists = [inputs, outputs].map(|tensors| (tensors_digest(tensors), lists::encode(tensors)));
        self.write(|transaction| {
            let mut requests = transaction.open_table(REQUESTS)?;
            if requests.get(claim)?.is_some() {
                return Ok(Copied::Kept);
            }
            let mut table = transaction.open_table(LISTS)?;
            let more: u64 = lists.iter().map(|(_, bytes)| bytes.len() as u64).sum();
            if table.stats()?.stored_bytes().saturating_add(more) > most {
                return Ok(Copied::NoRoom);
            }
            requests.insert(claim, (lists[0].0, lists[1].0))?;
            for (digest, bytes) in &lists {
                let uses = table.get(*digest)?.map_or(0, |list| list.value().0);
                table.insert(*digest, (uses + 1, bytes.as_slice()))?;
            }
            Ok(Copied::Kept)
        })
    }

    /// The list of tensors of this digest as it is kept, if it is.
    pub fn tensors(&self, digest: H256) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|transaction| {
            let Some(table) = there(transaction.open_table(LISTS))? else {
                return Ok(None);
            };
            Ok(table.get(digest.0)?.map(|list| list.value().1.to_vec()))
        })
    }

    /// The sessions of which requests are kept.
    pub fn sessions_with_requests(&self) -> Result<Vec<SessionId>, StoreError> {
        self.read(|transaction| {
            let Some(requests) = there(transaction.open_table(REQUESTS))? else {
                return Ok(Vec::new());
            };
            let mut sessions = Vec::new();
            let mut from = 0;
            // One look a session, however many requests each has.
            while let Some(entry) = requests.range(from..=ClaimId::MAX)?.next() {
                let ClaimSource::Receipt { session, .. } = ClaimSource::of(entry?.0.value()) else {
                    break;
                };
                sessions.push(session);
                let Some(next) = claims_of(session + 1).map(|claims| *claims.start()) else {
                    break;
                };
                from = next;
            }
            Ok(sessions)
        })
    }

    /// Drops what is kept of a session's requests, unless another session has the same.
    pub fn drop_requests(&self, session: SessionId) -> Result<(), StoreError> {
        let Some(claims) = claims_of(session) else {
            return Ok(());
        };
        while self.write(|transaction| drop_some(transaction, claims.clone()))? {}
        Ok(())
    }
}

/// The numbers of a session's receipts; none of a session that has no number.
fn claims_of(session: SessionId) -> Option<RangeInclusive<ClaimId>> {
    if session > MAX_SESSIONS {
        return None;
    }
    let of = |sequence| ClaimSource::Receipt { session, sequence }.id();
    Some(of(0)?..=of(MAX_SEQUENCE)?)
}

/// Drops some of these requests; whether there may be more.
fn drop_some(transaction: &WriteTransaction, claims: RangeInclusive<ClaimId>) -> Result<bool, redb::Error> {
    let (mut requests, mut table) = (transaction.open_table(REQUESTS)?, transaction.open_table(LISTS)?);
    let mut dropped = Vec::new();
    for entry in requests.range(claims)?.take(DROPPED_AT_ONCE) {
        let (claim, digests) = entry?;
        dropped.push((claim.value(), digests.value()));
    }
    for (claim, (inputs, outputs)) in &dropped {
        requests.remove(*claim)?;
        for digest in [inputs, outputs] {
            let list = table.get(*digest)?;
            let kept = list.map(|list| (list.value().0, list.value().1.to_vec()));
            match kept {
                Some((uses, bytes)) if uses > 1 => drop(table.insert(*digest, (uses - 1, bytes.as_slice()))?),
                Some(_) => drop(table.remove(*digest)?),
                None => {}
            }
        }
    }
    Ok(dropped.len() == DROPPED_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::chain::AccountId;
    use assay_ops::tensor::DataType;
    use std::path::Path;

    fn open(folder: &Path) -> Store {
        Store::open(folder, H256::repeat_byte(7), &AccountId::new([1; 32])).expect("opened")
    }

    fn tensors(byte: u8) -> Vec<Tensor> {
        vec![Tensor::new(DataType::Uint8, vec![100], vec![byte; 100]).expect("a hundred bytes")]
    }

    fn receipt(session: SessionId, sequence: u32) -> ClaimId {
        ClaimSource::Receipt { session, sequence }
            .id()
            .expect("within the bounds")
    }

    fn kept(store: &Store, byte: u8) -> bool {
        let digest = H256(tensors_digest(&tensors(byte)));
        let found = store.tensors(digest).expect("read");
        found.is_some_and(|bytes| lists::decode(digest, &bytes) == Ok(tensors(byte)))
    }

    #[test]
    fn a_request_is_kept_until_its_session_is_over_and_lists_are_shared() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = open(folder.path());
        let keep = |claim, input, output| {
            let copied = store.keep_request(claim, &tensors(input), &tensors(output));
            assert_eq!(copied.expect("written"), Copied::Kept);
        };
        keep(receipt(3, 0), 1, 2);
        keep(receipt(3, 1), 1, 3);
        keep(receipt(3, 1), 1, 3);
        keep(receipt(MAX_SESSIONS, MAX_SEQUENCE), 1, 4);
        drop(store);
        let store = open(folder.path());
        assert_eq!(store.sessions_with_requests().expect("read"), [3, MAX_SESSIONS]);
        assert!([1, 2, 3, 4].iter().all(|byte| kept(&store, *byte)));
        store.drop_requests(3).expect("dropped");
        assert_eq!([1, 2, 3, 4].map(|byte| kept(&store, byte)), [true, false, false, true]);
        store.drop_requests(MAX_SESSIONS).expect("dropped");
        assert!(![1, 2, 3, 4].iter().any(|byte| kept(&store, *byte)));
        assert!(store.sessions_with_requests().expect("read").is_empty());
    }

    #[test]
    fn requests_are_bounded_in_total() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = open(folder.path());
        let keep = |sequence: u8| {
            let (claim, tensors) = (receipt(1, sequence.into()), tensors(sequence));
            store.keep_request_within(claim, &tensors, &tensors, 500)
        };
        assert_eq!(keep(1).expect("written"), Copied::Kept);
        assert_eq!(keep(2).expect("written"), Copied::Kept);
        assert_eq!(keep(3).expect("written"), Copied::NoRoom);
        assert!(!kept(&store, 3));
        store.drop_requests(1).expect("dropped");
        assert_eq!(keep(3).expect("written"), Copied::Kept);
    }
}
