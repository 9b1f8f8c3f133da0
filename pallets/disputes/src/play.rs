//! The moves of a game up to its end: challenge, reveal, answer late, point.

use crate::{
    BalanceOf, ClaimInfoOf, Config, Defences, DisputeOf, DisputeRulesOf, Disputes, Error, Event, GameOf, HoldReason,
    NextDisputeId, Pallet, Reveals,
};
use assay_types::{
    AssayTime, ClaimId, Claims, Court, H256, HostBlake2, Slashed,
    audit::SeniorCourt,
    dispute::{
        After, Clock, Committed, Dispute, Game, MAX_GAMES, MAX_SENIORS, MoveKind, Place, Revealed, Side, Statement,
        base_bond, bond, check, check_trace, late_fee, may, point,
    },
};
use polkadot_sdk::{
    frame_support::{ensure, traits::fungible::MutateHold},
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::{
        BoundedVec, DispatchError, DispatchResult,
        traits::{Convert, Saturating, Zero},
    },
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_challenge(challenger: T::AccountId, job: ClaimId, commitment: H256) -> DispatchResult {
        let (claimed, dispute) = Self::dispute_over(job)?;
        ensure!(!plays(&dispute, &challenger), Error::<T>::AlreadyChallenging);
        let first = Self::first_challenger(&dispute);
        let challengers = dispute.games.len().saturating_sub(first); // It is an index.
        ensure!(challengers < MAX_GAMES as usize, Error::<T>::TooManyGames);
        let rules = Self::rules_of(dispute.id);
        let bond = Self::bond_over(&claimed, &dispute.games, &rules);
        T::Currency::hold(&HoldReason::Bond.into(), &challenger, bond).map_err(|_| Error::<T>::InsufficientFunds)?;
        let last = dispute.games.len();
        Self::begin_game(job, dispute, (last, challenger, bond), commitment)
    }

    /// See [`assay_types::audit::SeniorCourt::accuse`]. An auditor that has challenged the claim before plays already.
    fn do_accuse(auditor: T::AccountId, claim: ClaimId, commitment: H256) -> DispatchResult {
        let (_, dispute) = Self::dispute_over(claim)?;
        if plays(&dispute, &auditor) {
            return Ok(());
        }
        let place = Self::first_challenger(&dispute);
        ensure!(place < MAX_SENIORS as usize, Error::<T>::TooManyGames);
        Self::begin_game(claim, dispute, (place, auditor, Zero::zero()), commitment)
    }

    /// The claim, and the dispute over it, which begins if there is none.
    fn dispute_over(job: ClaimId) -> Result<(ClaimInfoOf<T>, DisputeOf<T>), DispatchError> {
        let claimed = T::Claims::claimed(job).map_err(Error::<T>::from)?;
        Self::ensure_judged(claimed.definition)?;
        let dispute = match Disputes::<T>::get(job) {
            Some(dispute) => dispute,
            None => Self::open(job, &claimed)?,
        };
        Ok((claimed, dispute))
    }

    /// Index of the first game with a bond: those before it are auditors'.
    fn first_challenger(dispute: &DisputeOf<T>) -> usize {
        dispute.games.iter().take_while(|game| game.bond.is_zero()).count()
    }

    /// Begins a game at this place of the list, of this challenger with this bond.
    fn begin_game(
        job: ClaimId,
        mut dispute: DisputeOf<T>,
        (place, challenger, bond): (usize, T::AccountId, BalanceOf<T>),
        commitment: H256,
    ) -> DispatchResult {
        Self::count_game(&dispute.worker);
        let turn = match dispute.trace {
            None => Side::Worker,
            Some(_) => Side::Challenger,
        };
        let (now, clocks) = (Self::now(), Self::rules_of(dispute.id).clock);
        let game = Game {
            challenger: challenger.clone(),
            commitment,
            bond,
            place: Place::Trace,
            digest: H256::zero(),
            tensor: None,
            turn,
            clock: if dispute.waits {
                Clock::stopped(now, &clocks)
            } else {
                Clock::start(now, turn, &clocks)
            },
        };
        let inserted = dispute.games.try_insert(place, game);
        inserted.map_err(|_| Error::<T>::TooManyGames)?;
        Self::deposit_event(Event::Challenged {
            job,
            dispute: dispute.id,
            challenger,
            bond,
            waits: dispute.waits,
        });
        Disputes::<T>::insert(job, dispute);
        Ok(())
    }

    /// A dispute over this claim, without a game yet.
    fn open(job: ClaimId, claimed: &ClaimInfoOf<T>) -> Result<DisputeOf<T>, DispatchError> {
        T::Claims::dispute(job)?;
        let id = NextDisputeId::<T>::mutate(|next| {
            let id = *next;
            *next = next.saturating_add(1); // 2^64 disputes are more than there will be blocks.
            id
        });
        let mut dispute = Dispute {
            id,
            worker: claimed.worker.clone(),
            client: claimed.client.clone(),
            version: claimed.model,
            definition: claimed.definition,
            locked: claimed.locked,
            committed: Committed {
                model_root: claimed.model_root,
                input_digest: claimed.input_digest,
                output_digest: claimed.output_digest,
            },
            trace: None,
            waits: false,
            late_until: None,
            games: BoundedVec::new(),
        };
        Self::enlist(job, &mut dispute)?;
        Ok(dispute)
    }

    pub(crate) fn do_reveal(worker: &T::AccountId, job: ClaimId, statement: Statement) -> DispatchResult {
        let (now, place) = (Self::now(), statement.place());
        let mut dispute = Self::asked_of(worker, job, place)?;
        // A game whose time has passed is late even if another one at the same place goes on.
        let waits = |game: &GameOf<T>| asks(game, place) && !game.clock.is_over(now);
        let waiting = dispute.games.iter().find(|game| waits(game)).cloned();
        let waiting = waiting.ok_or(Error::<T>::DeadlinePassed)?;
        let revealed = Self::checked(&mut dispute, &waiting, MoveKind::Reveal, statement)?;
        let clocks = Self::rules_of(dispute.id).clock;
        for game in dispute.games.iter_mut().filter(|game| waits(game)) {
            let clock = game.clock.clone().pass(now, Side::Worker, Side::Challenger, &clocks);
            go_on(game, &revealed, clock);
        }
        Self::keep_revealed(job, dispute, place, revealed);
        Ok(())
    }

    pub(crate) fn do_answer_late(worker: &T::AccountId, job: ClaimId, statement: Statement) -> DispatchResult {
        let (now, place) = (Self::now(), statement.place());
        let mut dispute = Self::asked_of(worker, job, place)?;
        let is_late = |game: &GameOf<T>| asks(game, place) && game.clock.is_over(now);
        let oldest = dispute.games.iter().find(|game| is_late(game)).cloned();
        let oldest = oldest.ok_or(Error::<T>::NotLate)?;
        let until = Self::note_late(job, &mut dispute)?;
        ensure!(now <= until, Error::<T>::TooLate);
        let revealed = Self::checked(&mut dispute, &oldest, MoveKind::AnswerLate, statement)?;
        let rules = Self::rules_of(dispute.id);
        for game in dispute.games.iter_mut().filter(|game| asks(game, place)) {
            let clock = match is_late(game) {
                true => game.clock.clone().pass_late(now, &rules.clock),
                false => game
                    .clock
                    .clone()
                    .pass(now, Side::Worker, Side::Challenger, &rules.clock),
            };
            go_on(game, &revealed, clock);
        }

        let fee = late_fee(dispute.locked, &rules.late);
        let Slashed { paid, burned } = T::Claims::charge(job, &oldest.challenger, fee)?;
        // Saturating: the fee is at most the lock.
        dispute.locked = dispute.locked.saturating_sub(fee.paid.saturating_add(fee.burned));
        Self::deposit_event(Event::AnsweredLate {
            job,
            worker: worker.clone(),
            challenger: oldest.challenger,
            paid,
            burned,
        });
        Self::keep_revealed(job, dispute, place, revealed);
        Ok(())
    }

    /// Notes that the worker has let a clock run out: the client is refunded, the first time. Returns the last block
    /// for a late answer.
    pub(crate) fn note_late(job: ClaimId, dispute: &mut DisputeOf<T>) -> Result<BlockNumberFor<T>, DispatchError> {
        if let Some(until) = dispute.late_until {
            return Ok(until);
        }
        T::Claims::refund(job)?;
        // Saturating: block numbers end far beyond any day.
        let until = Self::now().saturating_add(Self::rules_of(dispute.id).late_answer_blocks);
        dispute.late_until = Some(until);
        Self::deposit_event(Event::WorkerLate {
            job,
            worker: dispute.worker.clone(),
            until,
        });
        Ok(until)
    }

    /// The dispute, if it asks this worker for the place.
    fn asked_of(worker: &T::AccountId, job: ClaimId, place: Place) -> Result<DisputeOf<T>, Error<T>> {
        let dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        ensure!(dispute.worker == *worker, Error::<T>::NotWorker);
        Self::ensure_judged(dispute.definition)?;
        ensure!(!dispute.waits, Error::<T>::NotCalled);
        ensure!(dispute.games.iter().any(|game| asks(game, place)), Error::<T>::NotAsked);
        Ok(dispute)
    }

    /// Parts of a statement to keep, if it fits what `waiting` has arrived at.
    fn checked(
        dispute: &mut DisputeOf<T>,
        waiting: &GameOf<T>,
        kind: MoveKind,
        statement: Statement,
    ) -> Result<Revealed, Error<T>> {
        let place = statement.place();
        ensure!(
            may(place.kind(), Side::Worker, kind) == Some(After::Challenger),
            Error::<T>::IllegalMove
        );
        match statement {
            Statement::Trace(trace) => {
                let parts = T::Claims::parts(dispute.version).ok_or(Error::<T>::UnknownModel)?;
                let head = check_trace::<HostBlake2>(&parts, &dispute.committed, &trace)?;
                dispute.trace = Some(head);
                Ok(Revealed::Nodes(trace.nodes))
            }
            statement => {
                let head = dispute.trace.as_ref().ok_or(Error::<T>::Inconsistent)?;
                let tensor = waiting.tensor.as_ref();
                let revealed =
                    check::<HostBlake2>(&place, &waiting.digest, &dispute.committed, head, tensor, statement)?;
                Ok(revealed)
            }
        }
    }

    fn keep_revealed(job: ClaimId, dispute: DisputeOf<T>, place: Place, revealed: Revealed) {
        Reveals::<T>::insert(dispute.id, place, revealed);
        Disputes::<T>::insert(job, dispute);
        Self::deposit_event(Event::PlaceRevealed { job, place });
    }

    pub(crate) fn do_point(challenger: &T::AccountId, job: ClaimId, place: Place, entry: u32) -> DispatchResult {
        let mut dispute = Disputes::<T>::get(job).ok_or(Error::<T>::NotDisputed)?;
        Self::ensure_judged(dispute.definition)?;
        let index = Self::position(&dispute, challenger)?;
        let clocks = Self::rules_of(dispute.id).clock;
        let kept = Self::kept(&dispute);
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
        game.clock = game.clock.clone().pass(now, Side::Challenger, turn, &clocks);
        game.turn = turn;
        Self::resume(&mut dispute, &kept);
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

    /// The bond of the next challenge of a claim over which these games are played, by these rules.
    pub(crate) fn bond_over(claimed: &ClaimInfoOf<T>, games: &[GameOf<T>], rules: &DisputeRulesOf<T>) -> BalanceOf<T> {
        let cost = T::GameCost::convert(claimed.work);
        let base = base_bond(claimed.locked, rules.least_bond, rules.bond_per_stake, cost);
        let others = games.len() as u32; // At most `ALL_GAMES`.
        // Saturating: the worker's games include these.
        let elsewhere = Defences::<T>::get(&claimed.worker).games.saturating_sub(others);
        bond(base, others, elsewhere)
    }

    pub(crate) fn now() -> BlockNumberFor<T> {
        T::Time::now()
    }
}

impl<T: Config> Court<T::AccountId> for Pallet<T> {
    fn challenge(challenger: T::AccountId, claim: ClaimId, commitment: H256) -> DispatchResult {
        Self::do_challenge(challenger, claim, commitment)
    }
}

impl<T: Config> SeniorCourt<T::AccountId> for Pallet<T> {
    fn accuse(auditor: T::AccountId, claim: ClaimId, commitment: H256) -> DispatchResult {
        Self::do_accuse(auditor, claim, commitment)
    }
}

/// Whether an account has a game in a dispute.
fn plays<AccountId: PartialEq, Balance, BlockNumber>(
    dispute: &Dispute<AccountId, Balance, BlockNumber>,
    account: &AccountId,
) -> bool {
    dispute.games.iter().any(|game| game.challenger == *account)
}

/// Whether a game stands at this place and waits for the worker.
pub(crate) fn asks<AccountId, Balance, BlockNumber>(
    game: &Game<AccountId, Balance, BlockNumber>,
    place: Place,
) -> bool {
    game.place == place && game.turn == Side::Worker
}

/// The place where a game stands is revealed: it is the challenger's turn.
fn go_on<AccountId, Balance, BlockNumber>(
    game: &mut Game<AccountId, Balance, BlockNumber>,
    revealed: &Revealed,
    clock: Clock<BlockNumber>,
) {
    if let Revealed::Tensor { output, .. } = revealed {
        game.tensor = Some(output.clone());
    }
    game.turn = Side::Challenger;
    game.clock = clock;
}
