//! The draw: whether a claim is audited, by whom, and what follows when an auditor misses.

use crate::{AuditOf, Auditor, AuditorOf, Audits, BalanceOf, Config, Error, Event, Pallet, Records};
use alloc::vec::Vec;
use assay_police::choose_by_stake;
use assay_types::{
    AssayTime, ClaimId, HostBlake2, Outcome, Purpose, WorkerRegistry,
    audit::{AuditState, Auditors, Candidate, Lot, Randomness, number_of},
};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        DispatchError, DispatchResult, SaturatedConversion,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_advance(claim: ClaimId) -> DispatchResult {
        match Self::step(claim)? {
            true => Ok(()),
            false => Err(Error::<T>::SeedNotKnown.into()),
        }
    }

    /// Takes the step that is due for an audit; false if the seed that it needs is not known yet.
    pub(crate) fn step(claim: ClaimId) -> Result<bool, DispatchError> {
        let audit = Audits::<T>::get(claim).ok_or(Error::<T>::UnknownAudit)?;
        match audit.state {
            AuditState::Sealed => Self::draw(claim, audit),
            AuditState::Doubting { since } => Self::draw_second(claim, audit, since),
            AuditState::Answering { until } => {
                ensure!(until < T::Time::now(), Error::<T>::NotDue);
                Self::replace_silent(claim, audit).map(|()| true)
            }
            AuditState::Opening { until } => {
                ensure!(until < T::Time::now(), Error::<T>::NotDue);
                Self::close_openings(claim, audit).map(|()| true)
            }
            AuditState::Spared | AuditState::Ready | AuditState::Disputed | AuditState::Passed => {
                Err(Error::<T>::NotDue.into())
            }
        }
    }

    /// Draws a sealed claim, or spares it.
    fn draw(claim: ClaimId, mut audit: AuditOf<T>) -> Result<bool, DispatchError> {
        if T::Randomness::is_forgotten(audit.sealed_at) {
            // Nobody looked at the draw in time. Another seed says who audits, and no longer whether.
            audit.is_certain = true;
            audit.sealed_at = T::Time::now();
            let due = Self::due_of(&audit);
            Self::store(claim, audit, due);
            return Ok(true);
        }
        let Some(seed) = T::Randomness::seed(audit.sealed_at) else {
            return Ok(false);
        };
        audit.seed = seed;
        if audit
            .hazard()
            .is_drawn(number_of::<HostBlake2>(&seed, claim, Lot::Audit))
        {
            Self::appoint(claim, audit)?;
        } else {
            Self::deposit_event(Event::Spared { claim });
            Self::enter(claim, audit, AuditState::Spared)?;
        }
        Ok(true)
    }

    /// Draws a second auditor, or goes on with one. Where the seed is forgotten there is a second one in any case.
    fn draw_second(claim: ClaimId, mut audit: AuditOf<T>, since: BlockNumberFor<T>) -> Result<bool, DispatchError> {
        if !T::Randomness::is_forgotten(since) {
            let Some(seed) = T::Randomness::seed(since) else {
                return Ok(false);
            };
            audit.seed = seed;
            if !T::Draw::get().has_second(number_of::<HostBlake2>(&seed, claim, Lot::Second)) {
                Self::ready(claim, audit)?;
                return Ok(true);
            }
        }
        Self::appoint(claim, audit)?;
        Ok(true)
    }

    /// All answers are sealed.
    pub(crate) fn ready(claim: ClaimId, audit: AuditOf<T>) -> DispatchResult {
        Self::deposit_event(Event::ReadyToOpen { claim });
        Self::enter(claim, audit, AuditState::Ready)
    }

    /// Draws an auditor among those who could be it and were not drawn before.
    fn appoint(claim: ClaimId, mut audit: AuditOf<T>) -> DispatchResult {
        let lock = T::Workers::stake_for(audit.price);
        let mut candidates = T::Auditors::candidates(audit.model, lock, audit.work);
        candidates.retain(|candidate| {
            let is_party = candidate.worker == audit.worker || candidate.worker == audit.client;
            !is_party && !audit.tried.contains(&candidate.worker)
        });
        // Each turn takes a place on the bounded list of those who were drawn.
        while let Some(chosen) = Self::choose(claim, &audit, &candidates) {
            candidates.retain(|candidate| candidate.worker != chosen.worker);
            if audit.tried.try_push(chosen.worker.clone()).is_err() {
                break;
            }
            let purpose = Purpose::Audit { price: audit.price };
            if let Ok(locked) = T::Workers::take(&chosen.worker, audit.model, purpose) {
                return Self::begin(claim, audit, chosen, locked);
            }
        }
        Self::give_up(claim, audit)
    }

    /// The candidate that the seed chooses next, with chances in proportion to stakes.
    fn choose(
        claim: ClaimId,
        audit: &AuditOf<T>,
        candidates: &[Candidate<T::AccountId, BalanceOf<T>>],
    ) -> Option<Candidate<T::AccountId, BalanceOf<T>>> {
        let stakes: Vec<u128> = candidates
            .iter()
            .map(|candidate| candidate.stake.saturated_into())
            .collect();
        // The list is bounded.
        let lot = Lot::Auditor(audit.tried.len() as u32);
        let place = choose_by_stake(&stakes, number_of::<HostBlake2>(&audit.seed, claim, lot))?;
        candidates.get(place).cloned()
    }

    /// The auditor that was drawn has the audit from now on.
    fn begin(
        claim: ClaimId,
        mut audit: AuditOf<T>,
        chosen: Candidate<T::AccountId, BalanceOf<T>>,
        locked: BalanceOf<T>,
    ) -> DispatchResult {
        let fee = Self::reserve(audit.price, chosen.price);
        // Saturating: block numbers end far beyond any audit.
        let until = T::Time::now().saturating_add(T::AnswerBlocks::get());
        let auditor = Auditor {
            who: chosen.worker.clone(),
            locked,
            fee,
            seal: None,
            answer: None,
        };
        audit.auditors.try_push(auditor).map_err(|_| Error::<T>::Inconsistent)?;
        Self::deposit_event(Event::AuditorDrawn {
            claim,
            auditor: chosen.worker,
            until,
            locked,
            fee,
        });
        Self::enter(claim, audit, AuditState::Answering { until })
    }

    /// Goes on without another auditor, because nobody is left.
    fn give_up(claim: ClaimId, audit: AuditOf<T>) -> DispatchResult {
        if !audit.auditors.is_empty() {
            return Self::ready(claim, audit);
        }
        Self::deposit_event(Event::Unaudited { claim });
        Self::enter(claim, audit, AuditState::Spared)
    }

    /// Replaces an auditor that has not sealed an answer.
    fn replace_silent(claim: ClaimId, mut audit: AuditOf<T>) -> DispatchResult {
        let silent = audit.auditors.pop().ok_or(Error::<T>::Inconsistent)?;
        Self::miss(claim, &audit, silent)?;
        Self::appoint(claim, audit)
    }

    /// Ends the time for openings: those who have not opened have missed. Where nobody has opened an answer, another
    /// auditor is drawn, since an auditor could be paid to stay silent.
    fn close_openings(claim: ClaimId, mut audit: AuditOf<T>) -> DispatchResult {
        let silent: Vec<AuditorOf<T>> = audit
            .auditors
            .iter()
            .filter(|auditor| auditor.answer.is_none())
            .cloned()
            .collect();
        audit.auditors.retain(|auditor| auditor.answer.is_some());
        for auditor in silent {
            Self::miss(claim, &audit, auditor)?;
        }
        match audit.auditors.is_empty() {
            true => Self::appoint(claim, audit),
            false => Self::pass(claim, audit),
        }
    }

    /// An auditor has missed: it loses a part of its lock, and its pay goes back.
    fn miss(claim: ClaimId, audit: &AuditOf<T>, auditor: AuditorOf<T>) -> DispatchResult {
        let cost = T::MissCost::get().mul_floor(auditor.locked);
        let released = T::Workers::release(auditor.lock(audit.model), Outcome::AuditMissed { cost })?;
        Self::put_back(auditor.fee);
        Records::<T>::mutate(&auditor.who, |record| record.fault());
        Self::deposit_event(Event::Missed {
            claim,
            auditor: auditor.who,
            lost: released.slashed.burned,
        });
        Ok(())
    }

    /// All auditors agree with the worker.
    pub(crate) fn pass(claim: ClaimId, audit: AuditOf<T>) -> DispatchResult {
        let full_price = T::Draw::get().full_price;
        let price: u128 = audit.price.saturated_into();
        Records::<T>::mutate(&audit.worker, |record| record.pass(price, full_price));
        Self::deposit_event(Event::Passed {
            claim,
            worker: audit.worker.clone(),
        });
        Self::enter(claim, audit, AuditState::Passed)
    }

    /// The hazard at the basic level of a claim of this price that locks `locked`, by a worker as it stands now.
    pub(crate) fn hazard_now(worker: &T::AccountId, price: BalanceOf<T>, locked: BalanceOf<T>) -> u64 {
        let stake = T::Auditors::stake_of(worker);
        let at_risk = T::FaultSlash::get().mul_floor(stake).max(locked).min(stake);
        let claim = assay_police::Exposure {
            price: price.saturated_into(),
            at_risk: at_risk.saturated_into(),
        };
        if price.is_zero() {
            return 0;
        }
        T::Draw::get().hazard(&claim, &Records::<T>::get(worker)).0
    }
}
