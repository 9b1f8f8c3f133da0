//! Benchmarks of audits: books as full as they can be, and an answer that begins a dispute.

use crate::{Agenda, Audits, BalanceOf, Call, Config, Pallet, Pool};
use alloc::vec::Vec;
use assay_police::Assurance;
use assay_types::{
    AssayTime, ClaimId, H256, HostBlake2, ModelVersion,
    audit::{AuditState, Police, SealedClaim, seal},
    benchmarking::{Scene, Seeds, Stage, largest_parts, symbols_of_largest},
    limits::MAX_OFFERS_PER_MODEL,
};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::Get,
    frame_system::{RawOrigin, pallet_prelude::BlockNumberFor},
    sp_runtime::traits::{One, Saturating},
};

/// Price of a claim, and of every offer.
const PRICE: u32 = 1_000_000;
const SALT: [u8; 32] = [7; 32];

/// A sealed claim of a real job, on a model that as many workers offer as there may be.
fn sealed<T: Config>() -> Result<ClaimId, BenchmarkError> {
    let worker: T::AccountId = account("worker", 0, 0);
    T::BenchmarkHelper::worker(&worker);
    let model = T::BenchmarkHelper::register(largest_parts(1));
    let [input, output] = [1, 2].map(H256::repeat_byte);
    let claim = T::BenchmarkHelper::claimed(&worker, model, symbols_of_largest(), input, output);
    // The seed of that claim is known; this one's is not.
    T::BenchmarkHelper::pass(2u32.into());
    for index in 1..MAX_OFFERS_PER_MODEL {
        let other: T::AccountId = account("auditor", index, 0);
        T::BenchmarkHelper::worker(&other);
        T::BenchmarkHelper::offer(&other, model, PRICE.into(), 1);
    }
    Pool::<T>::put(BalanceOf::<T>::from(PRICE.saturating_mul(2)));
    Pallet::<T>::sealed(claim, claim_of::<T>(worker, model))?;
    Ok(claim)
}

fn claim_of<T: Config>(
    worker: T::AccountId,
    model: ModelVersion,
) -> SealedClaim<T::AccountId, BalanceOf<T>, BlockNumberFor<T>> {
    SealedClaim {
        client: account("client", 0, 0),
        worker,
        model,
        price: PRICE.into(),
        locked: PRICE.into(),
        work: 1,
        assurance: Assurance::Full,
        sealed_at: T::Time::now(),
        hazard: 0,
    }
}

/// The same, of which an auditor was drawn.
fn drawn<T: Config>() -> Result<(ClaimId, T::AccountId), BenchmarkError> {
    let claim = sealed::<T>()?;
    T::BenchmarkHelper::reveal(T::Time::now());
    Pallet::<T>::do_advance(claim)?;
    Ok((claim, auditor_of::<T>(claim)?))
}

fn auditor_of<T: Config>(claim: ClaimId) -> Result<T::AccountId, BenchmarkError> {
    let audit = Audits::<T>::get(claim).ok_or("the claim is sealed")?;
    let auditor = audit.auditors.last().ok_or("an auditor was drawn")?;
    Ok(auditor.who.clone())
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn answer() -> Result<(), BenchmarkError> {
        let (claim, auditor) = drawn::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(auditor), claim, H256::zero());

        let state = Audits::<T>::get(claim).map(|audit| audit.state);
        assert!(matches!(state, Some(AuditState::Doubting { .. })));
        Ok(())
    }

    /// With an answer that differs.
    #[benchmark]
    fn open() -> Result<(), BenchmarkError> {
        let (claim, auditor) = drawn::<T>()?;
        let other = H256::repeat_byte(3);
        Pallet::<T>::do_answer(&auditor, claim, seal::<HostBlake2, _>(claim, &auditor, &other, &SALT))?;
        Audits::<T>::mutate(claim, |audit| {
            if let Some(audit) = audit {
                audit.state = AuditState::Ready;
            }
        });
        Pallet::<T>::opened(claim, H256::repeat_byte(2))?;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(auditor),
            claim,
            other,
            SALT,
            Some(H256::repeat_byte(4)),
        );

        let state = Audits::<T>::get(claim).map(|audit| audit.state);
        assert_eq!(state, Some(AuditState::Disputed));
        Ok(())
    }

    /// An auditor has missed, and another one is drawn.
    #[benchmark]
    fn advance() -> Result<(), BenchmarkError> {
        let (claim, missing) = drawn::<T>()?;
        T::BenchmarkHelper::pass(T::AnswerBlocks::get().saturating_add(One::one()));

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), claim);

        assert_ne!(auditor_of::<T>(claim)?, missing);
        Ok(())
    }

    #[benchmark]
    fn fund() {
        let caller: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&caller);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), PRICE.into());

        assert_eq!(Pool::<T>::get(), PRICE.into());
    }

    /// Reads of an audit in the drain.
    #[benchmark]
    fn look() -> Result<(), BenchmarkError> {
        let claim = sealed::<T>()?;
        let due = Audits::<T>::get(claim).and_then(|audit| audit.due);
        let due = due.ok_or("the claim waits for its draw")?;
        let found: Vec<ClaimId>;

        #[block]
        {
            found = Agenda::<T>::iter_key_prefix(due).take(1).collect();
        }

        assert_eq!(found, [claim]);
        Ok(())
    }
}
