//! Seals and claims of the stories.

use super::{Market, OUTPUT_BYTES, SALT, model::schema, signed};
use crate::{Claim, Seal};
use assay_types::{H256, HostBlake2, JobId, audit, schema::payload_digest};
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::DispatchResult};

pub fn digest_claim(job: JobId) -> Claim {
    Claim {
        job,
        output_digest: H256::repeat_byte(2),
        output: None,
        salt: SALT,
    }
}

pub fn bytes(count: usize) -> Vec<u8> {
    vec![3; count]
}

pub fn inline_claim(job: JobId, batch: u32) -> Claim {
    let output = bytes(batch as usize * OUTPUT_BYTES);
    let layouts = schema().output_layouts(&[batch]).expect("within its range");
    let output_digest = payload_digest::<HostBlake2>(&layouts, &output).expect("the right size");
    Claim {
        job,
        output_digest,
        output: Some(output),
        salt: SALT,
    }
}

/// The seal of a claim by this worker.
pub fn seal_of(worker: u64, claim: &Claim) -> Seal {
    Seal {
        job: claim.job,
        seal: audit::seal::<HostBlake2, _>(claim.job, &worker, &claim.output_digest, &claim.salt),
    }
}

/// A worker seals these claims; an event reports each that is refused.
pub fn seal(worker: u64, claims: &[Claim]) {
    let seals: Vec<Seal> = claims.iter().map(|claim| seal_of(worker, claim)).collect();
    assert_ok!(Market::seal(signed(worker), seals));
}

/// A worker seals a claim and makes it.
pub fn make(worker: u64, claim: Claim) -> DispatchResult {
    seal(worker, core::slice::from_ref(&claim));
    Market::claim(signed(worker), claim)
}

pub fn claim(worker: u64, job: JobId) {
    assert_ok!(make(worker, digest_claim(job)));
}
