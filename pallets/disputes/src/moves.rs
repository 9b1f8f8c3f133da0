//! The moves that an account may make now, for those who give such moves room in a block. Each is a look at one record;
//! whether a statement or a proof is right is not asked.

use crate::{Awards, Config, DisputeOf, Disputes, Pallet, play::asks};
use assay_types::{
    AssayTime, ClaimId, SlashId,
    dispute::{MoveKind, Place, Side, may},
};

impl<T: Config> Pallet<T> {
    /// Whether a game waits at this place for this worker, in time.
    pub fn may_reveal(worker: &T::AccountId, job: ClaimId, place: Place) -> bool {
        let now = T::Time::now();
        Self::owed(worker, job).is_some_and(|dispute| {
            let mut games = dispute.games.iter();
            games.any(|game| asks(game, place) && !game.clock.is_over(now))
        })
    }

    /// Whether a game has waited at this place for this worker in vain, and the worker may still answer.
    pub fn may_answer_late(worker: &T::AccountId, job: ClaimId, place: Place) -> bool {
        let now = T::Time::now();
        Self::owed(worker, job).is_some_and(|dispute| {
            let mut games = dispute.games.iter();
            dispute.late_until.is_none_or(|until| now <= until)
                && games.any(|game| asks(game, place) && game.clock.is_over(now))
        })
    }

    /// Whether it is this challenger's turn to point into what was revealed at this place.
    pub fn may_point(challenger: &T::AccountId, job: ClaimId, place: Place) -> bool {
        Self::turn_of(challenger, job).is_some_and(|(dispute, index)| {
            let game = dispute.games.get(index);
            game.is_some_and(|game| {
                game.place == place && may(place.kind(), Side::Challenger, MoveKind::Point).is_some()
            })
        })
    }

    /// Whether it is this challenger's turn to prove, and no older game comes before it.
    pub fn may_prove(challenger: &T::AccountId, job: ClaimId) -> bool {
        Self::turn_of(challenger, job).is_some_and(|(dispute, index)| {
            let place = dispute.games.get(index).map(|game| game.place.kind());
            place.is_some_and(|place| may(place, Side::Challenger, MoveKind::Prove).is_some())
                && dispute.goes_before(index).is_none()
        })
    }

    /// Whether the clock of this challenger's game has run out, and `who` is one of its two sides.
    pub fn may_claim_timeout(who: &T::AccountId, job: ClaimId, challenger: &T::AccountId) -> bool {
        let now = T::Time::now();
        let Some(dispute) = Disputes::<T>::get(job) else {
            return false;
        };
        let Ok(index) = Self::position(&dispute, challenger) else {
            return false;
        };
        let is_party = who == challenger || *who == dispute.worker;
        let Some(game) = dispute.games.get(index) else {
            return false;
        };
        if Self::ensure_judged(dispute.definition).is_err() {
            return is_party;
        }
        let may_answer = game.turn == Side::Worker && dispute.late_until.is_some_and(|until| now <= until);
        is_party && game.clock.is_over(now) && !dispute.is_kept(index) && !may_answer
    }

    /// Whether the award of this slash is open, and this account may be its finder.
    pub fn may_claim_award(challenger: &T::AccountId, slash: SlashId) -> bool {
        Awards::<T>::get(slash).is_some_and(|award| {
            T::Time::now() <= award.until && award.finders.iter().any(|finder| finder.challenger == *challenger)
        })
    }

    /// The dispute over a job, if it is about this worker's claim and its clocks run.
    fn owed(worker: &T::AccountId, job: ClaimId) -> Option<DisputeOf<T>> {
        let dispute = Disputes::<T>::get(job).filter(|dispute| dispute.worker == *worker && !dispute.waits)?;
        Self::ensure_judged(dispute.definition).ok()?;
        Some(dispute)
    }

    /// The dispute over a job and the index of this challenger's game, if it is its turn, in time.
    fn turn_of(challenger: &T::AccountId, job: ClaimId) -> Option<(DisputeOf<T>, usize)> {
        let dispute = Disputes::<T>::get(job)?;
        Self::ensure_judged(dispute.definition).ok()?;
        let index = Self::position(&dispute, challenger).ok()?;
        Self::ensure_challengers_turn(dispute.games.get(index)?, T::Time::now()).ok()?;
        Some((dispute, index))
    }
}
