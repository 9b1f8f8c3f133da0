//! Claims, put together so that each transaction fits into a block.

use super::memory::Output;
use assay_client::chain::Claim;
use assay_types::{Delivery, JobId};
use polkadot_sdk::sp_runtime::BoundedVec;

/// Claims or seals of one call that the chain's lane for urgent calls takes.
pub(super) const URGENT_CLAIMS: usize = 8;
/// Bytes of inline outputs in one batch of claims.
const MAX_CLAIM_BYTES: usize = 256 * 1024;

/// The claim of a job; `None` if the client wants an output inline that is longer than a claim may be.
pub(super) fn claim(job: JobId, delivery: Delivery, output: &Output, salt: [u8; 32]) -> Option<Claim> {
    let inline = match delivery {
        Delivery::Digest => None,
        Delivery::Inline => Some(BoundedVec::try_from(output.bytes.clone()).ok()?),
    };
    Some(Claim {
        job,
        output_digest: output.digest,
        output: inline,
        salt,
    })
}

/// Cuts claims into batches of at most this many, and of not too many bytes.
pub(super) fn batches(claims: Vec<Claim>, largest: usize) -> Vec<Vec<Claim>> {
    let mut batches: Vec<Vec<Claim>> = Vec::new();
    let mut bytes = 0;
    for claim in claims {
        let more = claim.output.as_ref().map_or(0, |output| output.len());
        match batches.last_mut() {
            Some(batch) if batch.len() < largest && bytes + more <= MAX_CLAIM_BYTES => {
                bytes += more;
                batch.push(claim);
            }
            _ => {
                bytes = more;
                batches.push(vec![claim]);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::{H256, limits::MAX_INLINE_OUTPUT_BYTES};

    const SALT: [u8; 32] = [1; 32];

    fn output(bytes: usize) -> Output {
        Output {
            digest: H256::zero(),
            bytes: vec![0; bytes],
        }
    }

    #[test]
    fn an_output_that_is_too_long_for_a_claim_is_not_claimed() {
        let longest = MAX_INLINE_OUTPUT_BYTES as usize;
        assert!(claim(1, Delivery::Inline, &output(longest), SALT).is_some());
        assert!(claim(1, Delivery::Inline, &output(longest + 1), SALT).is_none());
        assert!(claim(1, Delivery::Digest, &output(longest + 1), SALT).is_some());
    }

    #[test]
    fn batches_are_bounded_in_number_and_in_bytes() {
        let claims = |count, bytes| -> Vec<Claim> {
            (0..count)
                .filter_map(|job| claim(job, Delivery::Inline, &output(bytes), SALT))
                .collect()
        };
        let sizes = |batches: Vec<Vec<Claim>>| batches.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(batches(claims(5, 10), 2)), [2, 2, 1]);
        assert_eq!(sizes(batches(claims(20, 16 * 1024), 64)), [16, 4]);
        assert_eq!(sizes(batches(Vec::new(), 64)), [0; 0]);
    }
}
