//! Ends of a game, by a proof or by the clock, and the payments that follow.

use crate::{
    AwardOf, BalanceOf, Config, DisputeOf, Disputes, Ended, Error, Event, GameOf, HoldReason, Pallet, Reveals,
    WeightInfo,
};
use alloc::vec::Vec;
use assay_exact::{
    bounded::Bounded,
    judge::{Proof, Question, Verdict, judge},
    tree::place_of,
};
use assay_types::{
    ClaimId, Claims, DataType, HostBlake2, Penalty,
    dispute::{
        After, Fault, Finder, FindingOpening, LostBond, MoveKind, OpenAward, Place, Revealed, Side, WrongElement,
        lost_bond, may, slash_awards,
    },
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        storage::with_storage_layer,
        traits::{
            fungible::{Inspect, MutateHold},
            tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
        },
        weights::Weight,
    },
    sp_runtime::{
        BoundedVec, DispatchError, DispatchResult, Perbill,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    /// `finding` is what `challenger` has found, for its award. One that does not open is left out, for the proof may
    /// be sent by somebody else.
    pub(crate) fn do_prove(
        job: ClaimId,
        challenger: &T::AccountId,
        proof: &Proof,
        element: u64,
        finding: Option<&FindingOpening>,
    ) -> DispatchResult {
        let dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        Self::ensure_judged(dispute.definition)?;
        let index = Self::position(&dispute, challenger)?;
        let game = dispute.games.get(index).ok_or(Error::<T>::NoSuchGame)?;
        Self::ensure_challengers_turn(game, Self::now())?;
        ensure!(
            may(game.place.kind(), Side::Challenger, MoveKind::Prove) == Some(After::Convicted),
            Error::<T>::NothingToProve
        );
        ensure!(dispute.goes_before(index).is_none(), Error::<T>::OlderGameFirst);

        let operator = game.place.operator().ok_or(Error::<T>::Inconsistent)?;
        let head = dispute.trace.as_ref().ok_or(Error::<T>::Inconsistent)?;
        let opened = Reveals::<T>::get(dispute.id, Place::Tensor { operator });
        let Some(Revealed::Tensor {
            operator: opened,
            output,
            ..
        }) = opened
        else {
            return Err(Error::<T>::Inconsistent.into());
        };
        let question = Self::question(&dispute, game, output.dtype, element)?;
        let verdict = judge::<HostBlake2>(&head.symbols, &opened, &output, proof, &question);
        match verdict.map_err(Error::<T>::from)? {
            Verdict::Right => Err(Error::<T>::NotWrong.into()),
            Verdict::Wrong { computed } => {
                let wrong = WrongElement {
                    operators: head.model.operators,
                    operator,
                    dtype: output.dtype,
                    shape: output.shape,
                    element,
                    computed: Bounded::new(computed.clone()).ok_or(Error::<T>::Inconsistent)?,
                };
                let fault = Fault::Element {
                    operator,
                    element,
                    claimed: question.claimed.into_inner(),
                    computed,
                };
                let penalty = Self::convict(job, &dispute, challenger, fault)?;
                let award = Self::award_of(job, &dispute, &penalty, wrong)?;
                Self::open_award(penalty.slash, award.clone());
                if let Some(finding) = finding {
                    let given =
                        with_storage_layer(|| Self::give_award(penalty.slash, award, challenger.clone(), finding));
                    let _left_out = given.is_err();
                }
                Ok(())
            }
        }
    }

    /// The award of a conviction, for which all challengers of the dispute may have found the fault.
    fn award_of(
        job: ClaimId,
        dispute: &DisputeOf<T>,
        penalty: &Penalty<BalanceOf<T>>,
        wrong: WrongElement,
    ) -> Result<AwardOf<T>, Error<T>> {
        let head = dispute.trace.as_ref().ok_or(Error::<T>::Inconsistent)?;
        let rules = Self::rules_of(dispute.id);
        let (amount, to_client) = slash_awards(penalty.amount, dispute.locked, true, rules.shares);
        let finders = dispute.games.iter().map(|game| Finder {
            challenger: game.challenger.clone(),
            commitment: game.commitment,
        });
        let finders: Vec<Finder<T::AccountId>> = finders.collect();
        Ok(OpenAward {
            job,
            committed: dispute.committed.clone(),
            symbols: head.symbols.clone(),
            wrong,
            amount,
            client: (dispute.client.clone(), to_client),
            finders: BoundedVec::try_from(finders).map_err(|_| Error::<T>::Inconsistent)?,
            // Saturating: block numbers end far beyond any claim.
            until: Self::now().saturating_add(rules.award_blocks),
        })
    }

    /// The question for the judge: the element as the worker has revealed it.
    fn question(dispute: &DisputeOf<T>, game: &GameOf<T>, dtype: DataType, index: u64) -> Result<Question, Error<T>> {
        let Place::Chunk { chunk, .. } = game.place else {
            return Err(Error::<T>::ElementElsewhere);
        };
        let (lies_in, bytes) = place_of(dtype, index).ok_or(Error::<T>::ElementElsewhere)?;
        ensure!(lies_in == chunk, Error::<T>::ElementElsewhere);
        let Some(Revealed::Chunk(revealed)) = Reveals::<T>::get(dispute.id, game.place) else {
            return Err(Error::<T>::Inconsistent);
        };
        let claimed = revealed.get(bytes).ok_or(Error::<T>::ElementElsewhere)?.to_vec();
        let claimed = Bounded::new(claimed).ok_or(Error::<T>::Inconsistent)?;
        Ok(Question { index, claimed })
    }

    /// Returns the weight of what the timeout has led to.
    pub(crate) fn do_claim_timeout(job: ClaimId, challenger: &T::AccountId) -> Result<Weight, DispatchError> {
        let dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        let index = Self::position(&dispute, challenger)?;
        let games = dispute.games.len() as u32; // At most `ALL_GAMES`.
        if Self::ensure_judged(dispute.definition).is_err() {
            return Self::void(job, &dispute).map(|()| T::WeightInfo::claim_timeout(games));
        }
        let game = dispute.games.get(index).ok_or(Error::<T>::NoSuchGame)?;
        ensure!(game.clock.is_over(Self::now()), Error::<T>::DeadlineNotPassed);
        ensure!(!dispute.is_kept(index), Error::<T>::OlderGameFirst);
        match may(game.place.kind(), game.turn, MoveKind::Timeout) {
            Some(After::Late) => {
                let place = game.place;
                Self::late(job, dispute, place)
            }
            Some(After::Lost) => Self::lose(job, dispute, index).map(|()| T::WeightInfo::claim_timeout(games)),
            _ => Err(Error::<T>::IllegalMove.into()),
        }
    }

    /// The worker is late: the client is refunded, the first time; and the worker is convicted, if its time for a late
    /// answer is over. The award is that of the oldest challenger, for silence shows nobody's trace.
    fn late(job: ClaimId, mut dispute: DisputeOf<T>, place: Place) -> Result<Weight, DispatchError> {
        let Some(until) = dispute.late_until else {
            Self::note_late(job, &mut dispute)?;
            Disputes::<T>::insert(job, dispute);
            return Ok(T::WeightInfo::late());
        };
        ensure!(until < Self::now(), Error::<T>::MayAnswerLate);
        let oldest = dispute.games.first().ok_or(Error::<T>::NoSuchGame)?;
        let oldest = oldest.challenger.clone();
        Self::convict(job, &dispute, &oldest, Fault::Silence { place })?;
        Ok(T::WeightInfo::claim_timeout(dispute.games.len() as u32)) // At most `ALL_GAMES`.
    }

    /// The claim is wrong: the job is refunded, the stake is to be slashed, and every bond goes back.
    fn convict(
        job: ClaimId,
        dispute: &DisputeOf<T>,
        challenger: &T::AccountId,
        fault: Fault,
    ) -> Result<Penalty<BalanceOf<T>>, DispatchError> {
        let nothing = BalanceOf::<T>::zero();
        let awards =
            |to_challenger, to_client| [(challenger.clone(), to_challenger), (dispute.client.clone(), to_client)];
        let rules = Self::rules_of(dispute.id);
        let penalty = T::Claims::convict(job, rules.fault_slash, awards(nothing, nothing))?;
        let is_proved = matches!(fault, Fault::Element { .. });
        let (to_challenger, to_client) = slash_awards(penalty.amount, dispute.locked, is_proved, rules.shares);
        // The award of a proof is the finder's, who has to show that it is one.
        let due = if is_proved { nothing } else { to_challenger };
        T::Claims::award(penalty.slash, awards(due, to_client))?;
        Self::deposit_event(Event::WorkerConvicted {
            job,
            worker: dispute.worker.clone(),
            challenger: challenger.clone(),
            fault,
            slash: penalty.slash,
            slashed: penalty.amount,
            to_challenger,
            to_client,
        });
        Self::return_bonds(job, dispute)?;
        Self::end(job, dispute);
        Ok(penalty)
    }

    /// Gives all challengers of a dispute their bonds back: their games are over.
    pub(crate) fn return_bonds(job: ClaimId, dispute: &DisputeOf<T>) -> DispatchResult {
        // Nothing is held of an auditor.
        for game in dispute.games.iter().filter(|game| !game.bond.is_zero()) {
            T::Currency::release(&HoldReason::Bond.into(), &game.challenger, game.bond, Precision::Exact)?;
            Self::deposit_event(Event::BondReturned {
                job,
                challenger: game.challenger.clone(),
                amount: game.bond,
            });
        }
        Self::discount_games(&dispute.worker, dispute.games.len());
        Ok(())
    }

    /// A challenger has let its time pass. The claim stands if nobody else doubts it.
    fn lose(job: ClaimId, mut dispute: DisputeOf<T>, index: usize) -> DispatchResult {
        let kept = Self::kept(&dispute);
        let game = dispute.games.remove(index);
        let rules = Self::rules_of(dispute.id);
        let LostBond { paid, burned } = Self::take_bond(&game, &dispute.worker, rules.lost_bond_to_worker)?;
        Self::discount_games(&dispute.worker, 1);
        Self::deposit_event(Event::ChallengeFailed {
            job,
            challenger: game.challenger,
            paid,
            burned,
        });
        if dispute.games.is_empty() {
            match dispute.late_until {
                // The client has its money back, so there is nothing to settle and nothing to doubt.
                Some(_) => T::Claims::excuse(job)?,
                // Saturating: block numbers end far beyond any window.
                None => T::Claims::uphold(job, Self::now().saturating_add(rules.reopen_blocks))?,
            }
            Self::end(job, &dispute);
        } else {
            Self::resume(&mut dispute, &kept);
            Disputes::<T>::insert(job, dispute);
        }
        Ok(())
    }

    /// The challengers that older games keep from their proofs.
    pub(crate) fn kept(dispute: &DisputeOf<T>) -> Vec<T::AccountId> {
        let games = dispute.games.iter().enumerate();
        let kept = games.filter(|(index, _)| dispute.is_kept(*index));
        kept.map(|(_, game)| game.challenger.clone()).collect()
    }

    /// Starts the clocks of those among the challengers that were kept from their proofs which no older game keeps any
    /// more.
    pub(crate) fn resume(dispute: &mut DisputeOf<T>, kept: &[T::AccountId]) {
        let still = Self::kept(dispute);
        let (now, clocks) = (Self::now(), Self::rules_of(dispute.id).clock);
        for game in &mut dispute.games {
            if kept.contains(&game.challenger) && !still.contains(&game.challenger) {
                game.clock = game.clock.clone().resume(now, &clocks);
            }
        }
    }

    /// Pays the worker its part of a lost bond, if it can receive that, and burns the rest.
    fn take_bond(
        game: &GameOf<T>,
        worker: &T::AccountId,
        part: Perbill,
    ) -> Result<LostBond<BalanceOf<T>>, DispatchError> {
        let reason = HoldReason::Bond.into();
        let mut parts = lost_bond(game.bond, part);
        if game.bond.is_zero() {
            return Ok(parts);
        }
        if T::Currency::can_deposit(worker, parts.paid, Provenance::Extant) != DepositConsequence::Success {
            parts = LostBond {
                paid: Zero::zero(),
                burned: game.bond,
            };
        }
        if !parts.paid.is_zero() {
            T::Currency::transfer_on_hold(
                &reason,
                &game.challenger,
                worker,
                parts.paid,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
        }
        if !parts.burned.is_zero() {
            T::Currency::burn_held(
                &reason,
                &game.challenger,
                parts.burned,
                Precision::Exact,
                Fortitude::Force,
            )?;
        }
        Ok(parts)
    }

    /// Removes a dispute that is over, and calls the next one of its worker's.
    pub(crate) fn end(job: ClaimId, dispute: &DisputeOf<T>) {
        Disputes::<T>::remove(job);
        Ended::<T>::insert(dispute.id, ());
        Self::strike_off(job, &dispute.worker);
    }
}
