//! Jobs of the stories, up to their claims.

use super::*;
use assay_types::audit::seal;

/// The model's version, registered and offered by the worker if it is not yet.
fn version(parts: &ModelParts) -> ModelVersion {
    let root = H256(parts.root::<HostBlake2>());
    if let Some(version) = pallet_models::VersionByRoot::<Test>::get(root) {
        return version;
    }
    let name = format!("model-{root:?}");
    let name = name.into_bytes().into_iter().take(40).collect::<Vec<_>>();
    assert_ok!(Models::register(
        signed(PUBLISHER),
        name.try_into().expect("short"),
        parts.clone(),
    ));
    let version = pallet_models::VersionByRoot::<Test>::get(root).expect("was registered");
    let terms = OfferTerms {
        base: PRICE,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: 100,
    };
    assert_ok!(Workers::publish_offer(signed(WORKER), version, terms, 10));
    version
}

/// A job that the worker has claimed, for an execution that it has made or pretends to have made.
pub fn claimed(execution: &dyn Execution) -> JobId {
    let symbols = execution.trace().symbols.clone();
    let advice = execution.parts().kind.advice();
    let sequence = advice.map(|advice| execution.inputs()[usize::from(advice)].bytes().to_vec());
    claimed_with(execution.parts(), symbols, &committed(execution), sequence)
}

/// A job on a model that the worker has claimed, with what the claim commits to.
pub fn claimed_as(parts: &ModelParts, symbols: Vec<u32>, committed: &Committed) -> JobId {
    claimed_with(parts, symbols, committed, None)
}

/// The same with an output that is delivered with the claim.
fn claimed_with(parts: &ModelParts, symbols: Vec<u32>, committed: &Committed, output: Option<Vec<u8>>) -> JobId {
    let job = pallet_market::NextJobId::<Test>::get();
    let request = JobRequest {
        model: version(parts),
        input: JobInput::Digest {
            digest: committed.input_digest,
            symbols,
        },
        ceiling: CEILING,
        matching: Matching::Offers,
        deadline_blocks: 5,
        window_blocks: WINDOW,
        delivery: match output {
            Some(_) => Delivery::Inline,
            None => Delivery::Digest,
        },
    };
    assert_ok!(Market::submit(signed(CLIENT), request));
    let salt = [5; 32];
    let sealed = pallet_market::Seal {
        job,
        seal: seal::<HostBlake2, _>(job, &WORKER, &committed.output_digest, &salt),
    };
    assert_ok!(Market::seal(signed(WORKER), vec![sealed]));
    let claim = pallet_market::Claim {
        job,
        output_digest: committed.output_digest,
        output,
        salt,
    };
    assert_ok!(Market::claim(signed(WORKER), claim));
    job
}
