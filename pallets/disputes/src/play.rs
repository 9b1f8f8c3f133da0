//! The moves of a game up to its end: challenge, reveal, point.

use crate::{
    BalanceOf, Config, DisputeOf, Disputes, Error, Event, GameOf, HoldReason, NextDisputeId, Pallet, Reveals, TermsOf,
};
use assay_types::{
    ClaimedJobs, H256, HostBlake2, JobId,
    dispute::{
        After, Clock, Committed, Dispute, Game, MoveKind, Place, Revealed, Side, SlashShares, Statement, bond, check,
        check_trace, may, point,
    },
};
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{Get, fungible::MutateHold},
    },
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::{BoundedVec, DispatchError, DispatchResult},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge(challenger: T::AccountId, job: JobId) -> DispatchResult {
        let mut dispute = match Disputes::<T>::get(job) {
            Some(dispute) => dispute,
            None => Self::open(job)?,
        };
        ensure!(
            dispute.games.iter().all(|game| game.challenger != challenger),
            Error::<T>::AlreadyChallenging
        );
        let bond = Self::next_bond(&dispute);
        T::Currency::hold(&HoldReason::Bond.into(), &challenger, bond).map_err(|_| Error::<T>::InsufficientFunds)?;
        let turn = match dispute.trace {
            None => Side::Worker,
            Some(_) => Side::Challenger,
        };
        let game = Game {
            challenger: challenger.clone(),
            bond,
            place: Place::Trace,
            digest: H256::zero(),
            tensor: None,
            turn,
            clock: Clock::start(Self::now(), turn, &Self::terms()),
        };
        dispute.games.try_push(game).map_err(|_| Error::<T>::TooManyGames)?;
        Self::deposit_event(Event::Challenged {
            job,
            dispute: dispute.id,
            challenger,
            bond,
        });
        Disputes::<T>::insert(job, dispute);
        Ok(())
    }

    /// A dispute over this job, without a game yet.
    fn open(job: JobId) -> Result<DisputeOf<T>, DispatchError> {
        let claimed = T::Jobs::claimed(job).map_err(Error::<T>::from)?;
        T::Jobs::dispute(job)?;
        let id = NextDisputeId::<T>::mutate(|next| {
            let id = *next;
            *next = next.saturating_add(1); // 2^64 disputes are more than there will be blocks.
            id
        });
        Ok(Dispute {
            id,
            worker: claimed.worker,
            client: claimed.client,
            version: claimed.model,
            locked: claimed.locked,
            committed: Committed {
                model_root: claimed.model_root,
                input_digest: claimed.input_digest,
                output_digest: claimed.output_digest,
            },
            trace: None,
            games: BoundedVec::new(),
        })
    }

    pub(crate) fn do_reveal(worker: &T::AccountId, job: JobId, statement: Statement) -> DispatchResult {
        let mut dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        ensure!(dispute.worker == *worker, Error::<T>::NotWorker);
        let (now, place) = (Self::now(), statement.place());
        let asked = |game: &GameOf<T>| game.place == place && game.turn == Side::Worker;
        ensure!(dispute.games.iter().any(asked), Error::<T>::NotAsked);
        // A game whose time has passed is lost even if another one at the same place goes on.
        let waits = |game: &GameOf<T>| asked(game) && !game.clock.is_over(now);
        let waiting = dispute.games.iter().find(|game| waits(game));
        let waiting = waiting.ok_or(Error::<T>::DeadlinePassed)?;
        ensure!(
            may(place.kind(), Side::Worker, MoveKind::Reveal) == Some(After::Challenger),
            Error::<T>::IllegalMove
        );

        let revealed = match statement {
            Statement::Trace(trace) => {
                let parts = T::Jobs::parts(dispute.version).ok_or(Error::<T>::UnknownModel)?;
                let head = check_trace::<HostBlake2>(&parts, &dispute.committed, &trace).map_err(Error::<T>::from)?;
                dispute.trace = Some(head);
                Revealed::Nodes(trace.nodes)
            }
            statement => {
                let head = dispute.trace.as_ref().ok_or(Error::<T>::Inconsistent)?;
                let tensor = waiting.tensor.as_ref();
                check::<HostBlake2>(&place, &waiting.digest, &dispute.committed, head, tensor, statement)
                    .map_err(Error::<T>::from)?
            }
        };
        let terms = Self::terms();
        for game in dispute.games.iter_mut().filter(|game| waits(game)) {
            if let Revealed::Tensor { output, .. } = &revealed {
                game.tensor = Some(output.clone());
            }
            game.turn = Side::Challenger;
            game.clock = game.clock.clone().pass(now, Side::Worker, Side::Challenger, &terms);
        }
        Reveals::<T>::insert(dispute.id, place, revealed);
        Disputes::<T>::insert(job, dispute);
        Self::deposit_event(Event::PlaceRevealed { job, place });
        Ok(())
    }

    pub(crate) fn do_point(challenger: &T::AccountId, job: JobId, place: Place, entry: u32) -> DispatchResult {
        let mut dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        let index = Self::position(&dispute, challenger)?;
        let operators = dispute.trace.as_ref().map(|head| head.model.operators);
        let game = dispute.games.get_mut(index).ok_or(Error::<T>::NoSuchGame)?;
        ensure!(game.place == place, Error::<T>::AnotherPlace);
        let now = Self::now();
        Self::ensure_challengers_turn(game, now)?;

        let revealed = Reveals::<T>::get(dispute.id, place).ok_or(Error::<T>::Inconsistent)?;
        let operators = operators.ok_or(Error::<T>::Inconsistent)?;
        let (next, digest) =
            point(&place, &revealed, operators, game.tensor.as_ref(), entry).map_err(Error::<T>::from)?;
        let legal = match may(place.kind(), Side::Challenger, MoveKind::Point) {
            Some(After::Below(kinds)) => kinds.contains(&next.kind()),
            _ => false,
        };
        ensure!(legal, Error::<T>::IllegalMove);

        let known = Reveals::<T>::get(dispute.id, next);
        if let Some(Revealed::Tensor { output, .. }) = &known {
            game.tensor = Some(output.clone());
        }
        let turn = if known.is_some() {
            Side::Challenger
        } else {
            Side::Worker
        };
        game.place = next;
        game.digest = digest;
        game.clock = game.clock.clone().pass(now, Side::Challenger, turn, &Self::terms());
        game.turn = turn;
        Disputes::<T>::insert(job, dispute);
        Self::deposit_event(Event::Pointed {
            job,
            challenger: challenger.clone(),
            place: next,
            turn,
        });
        Ok(())
    }

    /// Index of this challenger's game in the list.
    pub(crate) fn position(dispute: &DisputeOf<T>, challenger: &T::AccountId) -> Result<usize, Error<T>> {
        let mut games = dispute.games.iter();
        games
            .position(|game| game.challenger == *challenger)
            .ok_or(Error::<T>::NoSuchGame)
    }

    pub(crate) fn ensure_challengers_turn(game: &GameOf<T>, now: BlockNumberFor<T>) -> Result<(), Error<T>> {
        ensure!(game.turn == Side::Challenger, Error::<T>::NotYourTurn);
        ensure!(!game.clock.is_over(now), Error::<T>::DeadlinePassed);
        Ok(())
    }

    /// The bond of the next challenge.
    pub(crate) fn next_bond(dispute: &DisputeOf<T>) -> BalanceOf<T> {
        let others = dispute.games.len() as u32; // At most `MAX_GAMES`.
        bond(dispute.locked, T::LeastBond::get(), T::BondPerStake::get(), others)
    }

    pub(crate) fn now() -> BlockNumberFor<T> {
        frame_system::Pallet::<T>::block_number()
    }

    pub(crate) fn terms() -> TermsOf<T> {
        TermsOf::<T> {
            budget_blocks: T::ClockBlocks::get(),
            least_turn_blocks: T::LeastTurnBlocks::get(),
        }
    }

    pub(crate) fn shares() -> SlashShares {
        SlashShares {
            challenger: T::SlashToChallenger::get(),
            client: T::SlashToClient::get(),
        }
    }
}
