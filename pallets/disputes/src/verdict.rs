//! Ends of a game, by a proof or by the clock, and the payments that follow.

use crate::{BalanceOf, Config, DisputeOf, Disputes, Ended, Error, Event, GameOf, HoldReason, Pallet, Reveals};
use assay_exact::{
    bounded::Bounded,
    judge::{Proof, Question, Verdict, judge},
    tree::place_of,
};
use assay_types::{
    ClaimedJobs, DataType, HostBlake2, JobId,
    dispute::{After, Fault, LostBond, MoveKind, Place, Revealed, Side, lost_bond, may, slash_awards},
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get,
            fungible::{Inspect, MutateHold},
            tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
        },
    },
    sp_runtime::{
        DispatchError, DispatchResult,
        traits::{Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_prove(job: JobId, challenger: &T::AccountId, proof: &Proof, element: u64) -> DispatchResult {
        let dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        let index = Self::position(&dispute, challenger)?;
        let game = dispute.games.get(index).ok_or(Error::<T>::NoSuchGame)?;
        Self::ensure_challengers_turn(game, Self::now())?;
        ensure!(
            may(game.place.kind(), Side::Challenger, MoveKind::Prove) == Some(After::Convicted),
            Error::<T>::NothingToProve
        );

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
                let fault = Fault::Element {
                    operator,
                    element,
                    claimed: question.claimed.into_inner(),
                    computed,
                };
                Self::convict(job, &dispute, index, fault)
            }
        }
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

    pub(crate) fn do_claim_timeout(job: JobId, challenger: &T::AccountId) -> DispatchResult {
        let dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        let index = Self::position(&dispute, challenger)?;
        let game = dispute.games.get(index).ok_or(Error::<T>::NoSuchGame)?;
        ensure!(game.clock.is_over(Self::now()), Error::<T>::DeadlineNotPassed);
        match may(game.place.kind(), game.turn, MoveKind::Timeout) {
            Some(After::Convicted) => {
                let place = game.place;
                Self::convict(job, &dispute, index, Fault::Silence { place })
            }
            Some(After::Lost) => Self::lose(job, dispute, index),
            _ => Err(Error::<T>::IllegalMove.into()),
        }
    }

    /// The claim is wrong: the job is refunded, the stake is to be slashed, and every bond goes back.
    fn convict(job: JobId, dispute: &DisputeOf<T>, winner: usize, fault: Fault) -> DispatchResult {
        let game = dispute.games.get(winner).ok_or(Error::<T>::NoSuchGame)?;
        let (to_challenger, to_client) = slash_awards(dispute.locked, Self::shares());
        let awards = [
            (game.challenger.clone(), to_challenger),
            (dispute.client.clone(), to_client),
        ];
        let slash = T::Jobs::convict(job, awards)?;
        Self::deposit_event(Event::WorkerConvicted {
            job,
            worker: dispute.worker.clone(),
            challenger: game.challenger.clone(),
            fault,
            slash,
            slashed: dispute.locked,
            to_challenger,
            to_client,
        });
        for game in &dispute.games {
            T::Currency::release(&HoldReason::Bond.into(), &game.challenger, game.bond, Precision::Exact)?;
            Self::deposit_event(Event::BondReturned {
                job,
                challenger: game.challenger.clone(),
                amount: game.bond,
            });
        }
        Self::end(job, dispute);
        Ok(())
    }

    /// A challenger has let its time pass. The claim stands if nobody else doubts it.
    fn lose(job: JobId, mut dispute: DisputeOf<T>, index: usize) -> DispatchResult {
        let game = dispute.games.remove(index);
        let LostBond { paid, burned } = Self::take_bond(&game, &dispute.worker)?;
        Self::deposit_event(Event::ChallengeFailed {
            job,
            challenger: game.challenger,
            paid,
            burned,
        });
        if dispute.games.is_empty() {
            // Saturating: block numbers end far beyond any window.
            T::Jobs::uphold(job, Self::now().saturating_add(T::ReopenBlocks::get()))?;
            Self::end(job, &dispute);
        } else {
            Disputes::<T>::insert(job, dispute);
        }
        Ok(())
    }

    /// Pays the worker its part of a lost bond, if it can receive that, and burns the rest.
    fn take_bond(game: &GameOf<T>, worker: &T::AccountId) -> Result<LostBond<BalanceOf<T>>, DispatchError> {
        let reason = HoldReason::Bond.into();
        let mut parts = lost_bond(game.bond, T::LostBondToWorker::get());
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

    fn end(job: JobId, dispute: &DisputeOf<T>) {
        Disputes::<T>::remove(job);
        Ended::<T>::insert(dispute.id, ());
    }
}
