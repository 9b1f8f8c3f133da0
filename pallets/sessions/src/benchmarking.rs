//! Benchmarks of sessions: full lists of offers, Sr25519 signatures, sessions that are due for every step at once, and
//! a court whose queue is nearly full.

use crate::{
    Agenda, BalanceOf, Call, Config, DisputedReceipts, NextSessionId, OfferOf, Offers, OffersOf, Pallet, ReceiptOf,
    RequestOf, Sessions, SetAside, Signed, SignedReceiptOf, SignedVoucherOf, TermsOf,
};
use alloc::{boxed::Box, vec::Vec};
use assay_types::{
    AssayTime, ClaimSource, H256, ModelRegistry, ModelVersion, Receipt, SessionId, SessionKey, SessionOffer,
    SessionRequest, SessionSignature, SessionTerms, Voucher,
    benchmarking::{Scene, Stage, largest_parts, symbols_of_largest},
    limits::{MAX_SESSION_OFFERS, SessionOffers},
    session::SessionPhase,
};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{
        BoundedVec,
        traits::{EnsureOrigin, Get},
    },
    frame_system::RawOrigin,
    sp_core::{crypto::KeyTypeId, sr25519},
    sp_io::crypto::{sr25519_generate, sr25519_sign},
    sp_runtime::traits::{Saturating, Zero},
};

/// The kind of the keys that sign messages here.
const KEYS: KeyTypeId = KeyTypeId(*b"assa");
/// The budget of every session.
const BUDGET: u32 = 1_000_000;
/// The price of a request.
const PRICE: u32 = 1_000;

/// A session, and the keys of its two sides.
struct Opened {
    id: SessionId,
    model: ModelVersion,
    client_key: sr25519::Public,
    worker_key: sr25519::Public,
}

fn terms<T: Config>() -> TermsOf<T> {
    SessionTerms {
        base: PRICE.into(),
        rate: Zero::zero(),
        min_budget: BUDGET.into(),
        max_budget: BUDGET.saturating_mul(2).into(),
        lock_percent: T::MinLockPercent::get(),
        max_blocks: T::MaxSessionBlocks::get(),
        window_blocks: T::MinWindow::get(),
    }
}

fn offer_of<T: Config>(key: sr25519::Public) -> OfferOf<T> {
    SessionOffer {
        terms: terms::<T>(),
        key: SessionKey::Sr25519(key),
        capacity: 2,
    }
}

/// Puts other versions on a worker's list of offers, so that one more has a place.
fn fill_list<T: Config>(worker: &T::AccountId) {
    let others = 1..MAX_SESSION_OFFERS;
    let others = others.map(|number| ModelVersion {
        model: u32::MAX,
        version: number,
    });
    let others: BoundedVec<ModelVersion, SessionOffers> = BoundedVec::truncate_from(others.collect::<Vec<_>>());
    OffersOf::<T>::insert(worker, others);
}

/// A worker with an offer on a model, beside all others that it may have.
fn published<T: Config>(worker: &T::AccountId, key: sr25519::Public) -> Result<ModelVersion, BenchmarkError> {
    T::BenchmarkHelper::worker(worker);
    fill_list::<T>(worker);
    let model = T::BenchmarkHelper::register(largest_parts(1));
    Pallet::<T>::do_publish_offer(worker.clone(), model, offer_of::<T>(key))?;
    Ok(model)
}

fn request_of<T: Config>(worker: &T::AccountId, model: ModelVersion, keys: [sr25519::Public; 2]) -> RequestOf<T> {
    let [worker_key, client_key] = keys.map(SessionKey::Sr25519);
    SessionRequest {
        worker: worker.clone(),
        model,
        budget: BUDGET.into(),
        blocks: T::MaxSessionBlocks::get(),
        terms: terms::<T>(),
        worker_key,
        client_key,
    }
}

/// A session between two accounts.
fn opened<T: Config>(client: &T::AccountId, worker: &T::AccountId) -> Result<Opened, BenchmarkError> {
    let (worker_key, client_key) = (sr25519_generate(KEYS, None), sr25519_generate(KEYS, None));
    let model = published::<T>(worker, worker_key)?;
    T::BenchmarkHelper::endow(client);
    let id = NextSessionId::<T>::get();
    Pallet::<T>::do_open(client.clone(), request_of::<T>(worker, model, [worker_key, client_key]))?;
    Ok(Opened {
        id,
        model,
        client_key,
        worker_key,
    })
}

fn signature(key: &sr25519::Public, message: &[u8]) -> Result<SessionSignature, BenchmarkError> {
    let signature = sr25519_sign(KEYS, key, message).ok_or("the key is not there")?;
    Ok(SessionSignature::Sr25519(signature))
}

/// A voucher of half the budget.
fn voucher_of<T: Config>(session: &Opened) -> Result<SignedVoucherOf<T>, BenchmarkError> {
    let message = Voucher::<BalanceOf<T>> {
        genesis: T::Genesis::get(),
        session: session.id,
        owed: (BUDGET / 2).into(),
    };
    let signature = signature(&session.client_key, &message.message())?;
    Ok(Signed { message, signature })
}

/// A receipt of the first request, with this output.
fn receipt_of<T: Config>(session: &Opened, output: u8) -> Result<SignedReceiptOf<T>, BenchmarkError> {
    let version = T::Models::version(session.model).ok_or("the model is not there")?;
    let message: ReceiptOf<T> = Receipt {
        genesis: T::Genesis::get(),
        session: session.id,
        sequence: 0,
        model_root: version.root,
        input_digest: H256::repeat_byte(1),
        output_digest: H256::repeat_byte(output),
        units: 1,
        owed: PRICE.into(),
        block: T::Time::now(),
    };
    let signature = signature(&session.worker_key, &message.message())?;
    Ok(Signed { message, signature })
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn publish_offer() {
        let worker: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::worker(&worker);
        fill_list::<T>(&worker);
        let model = T::BenchmarkHelper::register(largest_parts(1));
        let key = sr25519_generate(KEYS, None);

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), model, offer_of::<T>(key));

        assert!(Offers::<T>::contains_key(model, worker));
    }

    #[benchmark]
    fn remove_offer() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        let model = published::<T>(&worker, sr25519_generate(KEYS, None))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker.clone()), model);

        assert!(!Offers::<T>::contains_key(model, worker));
        Ok(())
    }

    #[benchmark]
    fn open() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = account("worker", 0, 0);
        let keys = [sr25519_generate(KEYS, None), sr25519_generate(KEYS, None)];
        let model = published::<T>(&worker, keys[0])?;
        let client: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&client);
        let id = NextSessionId::<T>::get();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(client),
            Box::new(request_of::<T>(&worker, model, keys)),
        );

        assert!(Sessions::<T>::contains_key(id));
        Ok(())
    }

    #[benchmark]
    fn top_up() -> Result<(), BenchmarkError> {
        let client: T::AccountId = whitelisted_caller();
        let session = opened::<T>(&client, &account("worker", 0, 0))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(client), session.id, PRICE.into());

        let budget = Sessions::<T>::get(session.id).map(|session| session.account.budget);
        assert_eq!(budget, Some(BUDGET.saturating_add(PRICE).into()));
        Ok(())
    }

    #[benchmark]
    fn redeem() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        let session = opened::<T>(&account("client", 0, 0), &worker)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker), voucher_of::<T>(&session)?);

        assert!(Sessions::<T>::get(session.id).is_some_and(|session| !session.account.redeemed.is_zero()));
        Ok(())
    }

    /// By the worker, with its last voucher.
    #[benchmark]
    fn close() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        let session = opened::<T>(&account("client", 0, 0), &worker)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker), session.id, Some(voucher_of::<T>(&session)?));

        let phase = Sessions::<T>::get(session.id).map(|session| session.state.phase());
        assert_eq!(phase, Some(SessionPhase::Settled));
        Ok(())
    }

    /// Of a session that is due for all its steps.
    #[benchmark]
    fn advance() -> Result<(), BenchmarkError> {
        let session = opened::<T>(&account("client", 0, 0), &account("worker", 0, 0))?;
        for blocks in [T::MaxSessionBlocks::get(), T::ClosingBlocks::get(), T::MinWindow::get()] {
            T::BenchmarkHelper::pass(blocks.saturating_add(1u32.into()));
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), session.id);

        assert!(!Sessions::<T>::contains_key(session.id));
        Ok(())
    }

    /// Of a worker whose queue of defences has one place left.
    #[benchmark]
    fn challenge_receipt() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = account("worker", 0, 0);
        let session = opened::<T>(&account("client", 0, 0), &worker)?;
        T::BenchmarkHelper::fill_queue(&worker);
        let challenger: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&challenger);
        let symbols = symbols_of_largest();
        let source = ClaimSource::Receipt {
            session: session.id,
            sequence: 0,
        };

        #[extrinsic_call]
        _(
            RawOrigin::Signed(challenger),
            Box::new(receipt_of::<T>(&session, 2)?),
            symbols,
            H256::repeat_byte(3),
        );

        let claim = source.id().ok_or("the session has no number")?;
        assert!(DisputedReceipts::<T>::contains_key(claim));
        Ok(())
    }

    #[benchmark]
    fn convict_equivocation() -> Result<(), BenchmarkError> {
        let session = opened::<T>(&account("client", 0, 0), &account("worker", 0, 0))?;
        let receipts = [receipt_of::<T>(&session, 2)?, receipt_of::<T>(&session, 3)?];
        let [first, second] = receipts.map(Box::new);

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), first, second);

        assert!(!Sessions::<T>::contains_key(session.id));
        Ok(())
    }

    /// Of a session whose client is owed more than is held, so that its step fails.
    #[benchmark]
    fn force_end() -> Result<(), BenchmarkError> {
        let session = opened::<T>(&account("client", 0, 0), &account("worker", 0, 0))?;
        let record = Sessions::<T>::get(session.id).ok_or("the session is open")?;
        Agenda::<T>::remove(record.ends_after().ok_or("no receipt is disputed")?, session.id);
        Sessions::<T>::mutate_extant(session.id, |record| {
            record.account.budget = record.account.budget.saturating_mul(2u32.into());
        });
        SetAside::<T>::insert(session.id, ());
        for blocks in [T::MaxSessionBlocks::get(), T::ClosingBlocks::get(), T::MinWindow::get()] {
            T::BenchmarkHelper::pass(blocks.saturating_add(1u32.into()));
        }
        let origin = T::ForceOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, session.id);

        assert!(!Sessions::<T>::contains_key(session.id));
        Ok(())
    }

    /// The reads of a session in the drain.
    #[benchmark]
    fn look() -> Result<(), BenchmarkError> {
        let session = opened::<T>(&account("client", 0, 0), &account("worker", 0, 0))?;
        let until = Sessions::<T>::get(session.id).and_then(|session| session.ends_after());
        let until = until.ok_or("the session is open")?;
        let found: Option<SessionId>;

        #[block]
        {
            found = Agenda::<T>::iter_key_prefix(until).next();
        }

        assert_eq!(found, Some(session.id));
        Ok(())
    }
}
