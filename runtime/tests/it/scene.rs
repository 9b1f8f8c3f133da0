//! A small market to tell stories about: Alice's model, Bob's offer, Charlie's jobs and Dave's doubts.

use crate::chain::{pass, signed};
use assay_adversary::{InMemory, Random, graphs};
use assay_player::{Execution, committed};
use assay_runtime::{
    AccountId, Balance, BlockNumber, Executive, Market, Models, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin,
    Sessions, System, Time, Workers,
    units::{MINUTES, UNIT},
};
use assay_types::{
    Delivery, H256, HostBlake2, JobId, JobInput, JobRequest, Matching, ModelVersion, OfferTerms, SessionId, SessionKey,
    SessionOffer, SessionRequest, SessionSignature, SessionTerms, Voucher, audit,
};
use pallet_sessions::{Signed, SignedVoucherOf};
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{assert_ok, dispatch::DispatchClass, traits::Get},
    pallet_transaction_payment,
    sp_core::{Pair, sr25519},
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie},
    sp_runtime::{ApplyExtrinsicResult, traits::Dispatchable},
};

/// Blocks until an offer takes effect.
const OFFER_BLOCKS: u32 = 10;
const VERSION: ModelVersion = ModelVersion { model: 0, version: 1 };

pub fn origin(who: Sr25519Keyring) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.to_account_id())
}

/// A small model, executed.
pub fn execution() -> InMemory {
    graphs::random(&mut Random(1), 3)
}

/// Has Bob offer the model of this execution, and waits until the offer takes effect.
pub fn offered(execution: &InMemory) {
    let name = b"model".to_vec().try_into().expect("short");
    assert_ok!(Models::register(origin(Alice), name, execution.parts().clone()));
    assert_ok!(Workers::register(origin(Bob), 1_000 * UNIT));
    let terms = OfferTerms {
        base: UNIT,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: 30 * MINUTES,
    };
    assert_ok!(Workers::publish_offer(origin(Bob), VERSION, terms, 8));
    pass(OFFER_BLOCKS);
}

/// Makes somebody a worker that could audit Bob's claims, and that asks for more than Bob.
pub fn auditor(who: Sr25519Keyring) {
    assert_ok!(Workers::register(origin(who), 1_000 * UNIT));
    let terms = OfferTerms {
        base: 2 * UNIT,
        rate: 0,
        min_deadline: 0,
        min_window: 0,
        max_window: 30 * MINUTES,
    };
    assert_ok!(Workers::publish_offer(origin(who), VERSION, terms, 8));
    pass(OFFER_BLOCKS);
}

/// A job of Charlie's that Bob has, with the shortest deadline and window.
pub fn assigned(execution: &InMemory) -> JobId {
    submitted(execution, Matching::Offers)
}

/// A job of Charlie's that finds its worker so.
pub fn submitted(execution: &InMemory, matching: Matching<BlockNumber>) -> JobId {
    let job = pallet_market::NextJobId::<assay_runtime::Runtime>::get();
    let request = JobRequest {
        model: VERSION,
        input: JobInput::Digest {
            digest: committed(execution).input_digest,
            symbols: execution.trace().symbols.clone(),
        },
        ceiling: 2 * UNIT,
        matching,
        deadline_blocks: MINUTES,
        window_blocks: MINUTES,
        delivery: Delivery::Digest,
    };
    assert_ok!(Market::submit(origin(Charlie), request));
    job
}

/// A voucher for a session, signed by this key.
pub fn voucher_of(session: SessionId, owed: Balance, key: &sr25519::Pair) -> SignedVoucherOf<Runtime> {
    let message = Voucher {
        genesis: System::block_hash(0),
        session,
        owed,
    };
    let signature = SessionSignature::Sr25519(key.sign(&message.message()));
    Signed { message, signature }
}

/// A session of Charlie's with Bob, whose vouchers this key signs.
pub fn session(key: &sr25519::Pair) -> SessionId {
    let terms = SessionTerms {
        base: UNIT,
        rate: 0,
        min_budget: UNIT,
        max_budget: 20 * UNIT,
        lock_percent: 100,
        max_blocks: MINUTES,
        window_blocks: MINUTES,
    };
    let worker_key = SessionKey::Sr25519(sr25519::Pair::from_seed(&[7; 32]).public());
    let offer = SessionOffer {
        terms,
        key: worker_key.clone(),
        capacity: 8,
    };
    assert_ok!(Sessions::publish_offer(origin(Bob), VERSION, offer));
    let session = pallet_sessions::NextSessionId::<Runtime>::get();
    let request = SessionRequest {
        worker: Bob.to_account_id(),
        model: VERSION,
        budget: 10 * UNIT,
        blocks: MINUTES,
        terms,
        worker_key,
        client_key: SessionKey::Sr25519(key.public()),
    };
    assert_ok!(Sessions::open(origin(Charlie), Box::new(request)));
    session
}

/// The salt of every seal.
const SALT: [u8; 32] = [3; 32];

/// Makes the seed of this moment known, as relay blocks would.
pub fn know_seed() {
    let now = Time::moment();
    let note = |relay_block: u32, moment| {
        let round = pallet_seeds::Round {
            relay_block,
            moment,
            randomness: Some(H256::from_low_u64_be(relay_block.into())),
        };
        let number = pallet_seeds::NextRound::<Runtime>::get();
        pallet_seeds::Rounds::<Runtime>::insert(number, round);
        pallet_seeds::NextRound::<Runtime>::put(number + 1);
    };
    let last = pallet_seeds::NextRound::<Runtime>::get().checked_sub(1);
    let last = last.and_then(pallet_seeds::Rounds::<Runtime>::get);
    let latest = last.map_or(1, |round| round.relay_block);
    if last.is_none() {
        note(latest, now);
    }
    let margin: u32 = <Runtime as pallet_seeds::Config>::Margin::get();
    for relay_block in [latest + margin, latest + margin + 1] {
        note(relay_block, now + 1);
    }
}

/// Bob's claim of a job, which has this output.
pub fn claim_of(job: JobId, execution: &InMemory) -> pallet_market::Claim {
    pallet_market::Claim {
        job,
        output_digest: committed(execution).output_digest,
        output: None,
        salt: SALT,
    }
}

/// Bob's seal of a job.
pub fn seal(job: JobId, execution: &InMemory) -> RuntimeCall {
    let bob = Bob.to_account_id();
    let sealed = pallet_market::Seal {
        job,
        seal: audit::seal::<HostBlake2, _>(job, &bob, &claim_of(job, execution).output_digest, &SALT),
    };
    let seals = vec![sealed];
    pallet_market::Call::seal { seals }.into()
}

/// Bob's claim of a job, which Bob has sealed and whose seed is known.
pub fn claim(job: JobId, execution: &InMemory) -> RuntimeCall {
    assert_ok!(seal(job, execution).dispatch(origin(Bob)));
    know_seed();
    pallet_market::Call::claim {
        claim: claim_of(job, execution),
    }
    .into()
}

/// Applies a transaction; its result, and the class that it was admitted in, if it was.
pub fn apply(who: Sr25519Keyring, call: RuntimeCall) -> (ApplyExtrinsicResult, Option<DispatchClass>) {
    let weights =
        || [DispatchClass::Normal, DispatchClass::Operational].map(|class| *System::block_weight().get(class));
    let before = weights();
    let result = Executive::apply_extrinsic(signed(who, call, CheckMetadataHash::new(false)));
    let after = weights();
    let class = match (after[0] != before[0], after[1] != before[1]) {
        (true, false) => Some(DispatchClass::Normal),
        (false, true) => Some(DispatchClass::Operational),
        _ => None,
    };
    (result, class)
}

/// The class of a transaction that was applied without an error.
pub fn applied(who: Sr25519Keyring, call: RuntimeCall) -> DispatchClass {
    let (result, class) = apply(who, call);
    assert_eq!(result, Ok(Ok(())));
    class.expect("it has a weight")
}

/// The fee that the latest transaction of this account in the block has paid.
pub fn fee_of(who: &AccountId) -> Balance {
    let mut fees = System::events()
        .into_iter()
        .rev()
        .filter_map(|record| match record.event {
            RuntimeEvent::TransactionPayment(pallet_transaction_payment::Event::TransactionFeePaid {
                who: payer,
                actual_fee,
                ..
            }) if payer == *who => Some(actual_fee),
            _ => None,
        });
    fees.next().expect("a fee was paid")
}
