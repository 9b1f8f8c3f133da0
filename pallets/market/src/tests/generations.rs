//! Generations: jobs whose claims deliver a sequence, of which only the maximum length is known before.

use crate::{Claim, Error, Jobs, Outputs, mock::*};
use assay_types::{
    Delivery, H256, HostBlake2, JobId, JobInput, ModelVersion, OfferTerms, Payload, Phase, offer::WORK_PER_RATE,
    payload::delivered,
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok},
    sp_runtime::BoundedVec,
};

const LANGUAGE: ModelVersion = ModelVersion { model: 1, version: 1 };

/// Price of a sequence without tokens.
const BASE: u64 = 10;

/// A chain with a language model, and a worker that asks 1 more for each token that a sequence may have.
fn with_language(story: impl FnOnce()) {
    TestExt::new().worker(CHEAP).execute_with(|| {
        let name = b"language".to_vec().try_into().expect("short");
        assert_ok!(Models::register(signed(PUBLISHER), name, generation()));
        let terms = OfferTerms { rate: 1, ..at(BASE) };
        assert_ok!(Workers::publish_offer(signed(CHEAP), LANGUAGE, terms, 5));
        story();
    });
}

/// The inputs that the client gives: this prompt, sampling of the best 4 tokens, and at most so many new ones.
fn given(prompt: &[i64], max_tokens: i64) -> Vec<u8> {
    let mut bytes: Vec<u8> = prompt.iter().flat_map(|token| token.to_le_bytes()).collect();
    for number in [0.5f32, 1.0] {
        bytes.extend(number.to_le_bytes());
    }
    for integer in [4, 7, max_tokens] {
        bytes.extend(i64::to_le_bytes(integer));
    }
    bytes
}

fn asking(prompt: &[i64], max_tokens: i64, declared: u32) -> Request {
    Request {
        model: LANGUAGE,
        input: JobInput::Inline(Payload {
            symbols: vec![prompt.len() as u32, declared],
            bytes: given(prompt, max_tokens),
        }),
        delivery: Delivery::Inline,
        ..request(100)
    }
}

fn sequence_claim(job: JobId, tokens: &[i64]) -> Claim {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
    let known = Jobs::<Test>::get(job).expect("open");
    let digest = delivered(&generation(), &known.symbols, &bytes).and_then(|outputs| outputs.digest::<HostBlake2>());
    Claim {
        job,
        output_digest: digest.expect("a length that the job allows"),
        output: Some(bytes),
        salt: SALT,
    }
}

#[test]
fn a_generation_is_priced_by_the_longest_sequence_that_it_may_have() {
    with_language(|| {
        for (max_tokens, longest) in [(3, 5), (6, 8), (7, MAX_SEQUENCE)] {
            let job = submit(asking(&[1, 2], max_tokens, longest));
            assert_eq!(worker_of(job), Some((CHEAP, BASE + u64::from(longest))));
            assert_eq!(
                Jobs::<Test>::get(job).map(|job| job.work),
                Some(u64::from(longest) * WORK_PER_RATE)
            );
        }
    });
}

#[test]
fn a_request_that_declares_another_length_is_refused() {
    with_language(|| {
        let refused = |request: Request, error: Error<Test>| {
            assert_noop!(Market::submit(signed(CLIENT), request), error);
        };
        for declared in [3, 4, 6, MAX_SEQUENCE] {
            refused(asking(&[1, 2], 3, declared), Error::SequenceLengthMismatch);
        }
        refused(asking(&[1; 8], 3, MAX_SEQUENCE), Error::SymbolOutOfRange);
        refused(asking(&[1, 2], 3, MAX_SEQUENCE + 1), Error::SymbolOutOfRange);
        for max_tokens in [0, -1, 8, i64::MAX] {
            refused(asking(&[1, 2], max_tokens, MAX_SEQUENCE), Error::InputOutOfRange);
        }
        refused(asking(&[1, 10], 3, 5), Error::InputOutOfRange);
        refused(asking(&[-1, 1], 3, 5), Error::InputOutOfRange);
    });
}

#[test]
fn where_only_the_digest_is_known_a_token_must_fit_after_the_prompt() {
    with_language(|| {
        let with = |prompt, declared| Request {
            input: JobInput::Digest {
                digest: H256::repeat_byte(9),
                symbols: vec![prompt, declared],
            },
            ..asking(&[1], 1, 2)
        };
        for (prompt, declared) in [(2, 2), (3, 2)] {
            assert_noop!(
                Market::submit(signed(CLIENT), with(prompt, declared)),
                Error::<Test>::SequenceLengthMismatch
            );
        }
        assert_ok!(Market::submit(signed(CLIENT), with(2, 3)));
    });
}

#[test]
fn a_sequence_is_part_of_the_claim() {
    with_language(|| {
        let hidden = Request {
            delivery: Delivery::Digest,
            ..asking(&[1, 2], 3, 5)
        };
        assert_noop!(Market::submit(signed(CLIENT), hidden), Error::<Test>::SequenceNotInline);
    });
}

#[test]
fn a_claim_has_the_sequence_and_says_that_it_is_valid() {
    with_language(|| {
        let job = submit(asking(&[1, 2], 3, 5));
        let good = sequence_claim(job, &[1, 2, 9]);
        seal(CHEAP, core::slice::from_ref(&good));
        let refused = |claim: Claim, error: Error<Test>| {
            assert_noop!(Market::claim(signed(CHEAP), claim), error);
        };
        let with = |tokens: usize, more: usize| Claim {
            output: Some(vec![0; 8 * tokens + more]),
            ..good.clone()
        };
        // Nothing was generated, more than was asked for, and half a token.
        for (tokens, more) in [(0, 0), (2, 0), (6, 0), (3, 4)] {
            refused(with(tokens, more), Error::OutputSizeMismatch);
        }
        refused(with(3, 0), Error::OutputDigestMismatch);
        refused(
            Claim {
                output: None,
                ..good.clone()
            },
            Error::OutputMissing,
        );
        assert_ok!(Market::claim(signed(CHEAP), good.clone()));
        assert_eq!(phase(job), Some(Phase::Claimed));
        assert_eq!(Outputs::<Test>::get(job).map(BoundedVec::into_inner), good.output);
    });
}

#[test]
fn a_claim_that_admits_an_invalid_sequence_is_refused() {
    use assay_exact::digest::{DataType, list_digest, tensor_digest};
    with_language(|| {
        let job = submit(asking(&[1, 2], 3, 5));
        let good = sequence_claim(job, &[1, 2, 9]);
        let bytes = good.output.clone().expect("inline");
        let digest_saying = |valid: u8| {
            let sequence = tensor_digest::<HostBlake2>(DataType::Int64, &[1, 3], &bytes);
            let valid = tensor_digest::<HostBlake2>(DataType::Bool, &[1], &[valid]);
            H256(list_digest::<HostBlake2>(&[sequence, valid]))
        };
        assert_eq!(good.output_digest, digest_saying(1));
        let admits = Claim {
            output_digest: digest_saying(0),
            ..good
        };
        seal(CHEAP, core::slice::from_ref(&admits));
        assert_noop!(
            Market::claim(signed(CHEAP), admits),
            Error::<Test>::OutputDigestMismatch
        );
    });
}
