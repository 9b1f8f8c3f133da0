//! Benchmarks of disputes: the longest statements, proofs of the slowest operator, disputes with as many games and
//! queues with as many disputes as there can be.

mod evidence;

use crate::{
    Awards, BalanceOf, Call, Config, Defences, DisputeOf, Disputes, Ended, GameOf, NextDisputeId, Pallet, Reveals,
    SWEEP_ENTRIES, WorkersDefences,
};
use alloc::{boxed::Box, vec::Vec};
use assay_types::{
    ClaimId, Claims, H256, SlashId,
    benchmarking::{Scene, Stage, largest_parts, symbols_of_largest},
    dispute::{Clock, DisputeId, MAX_DEFENCES, MAX_GAMES, Place, Side},
};
use evidence::{ELEMENT, Row, full_nodes, full_tensor, long_trace, row};
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::{BoundedVec, traits::Get},
    frame_system::RawOrigin,
    sp_runtime::traits::{One, Saturating, Zero},
};

/// Bytes of a trace statement beside its nodes, more or less.
const STATEMENT_BYTES: u32 = 2_048;
/// Bytes of a node.
const NODE_BYTES: u32 = 32;
/// Elements of the row where its length does not matter.
const SHORT: u32 = 256;

fn challenger<T: Config>(index: u32) -> T::AccountId {
    account("challenger", index, 0)
}

/// Has as many challengers play over a claim as there are to be; returns the dispute.
fn disputed<T: Config>(job: ClaimId, games: u32) -> Result<DisputeOf<T>, BenchmarkError> {
    for index in 0..games {
        let challenger = challenger::<T>(index);
        T::BenchmarkHelper::endow(&challenger);
        Pallet::<T>::do_challenge(challenger, job, H256::zero())?;
    }
    Disputes::<T>::get(job).ok_or("it is disputed".into())
}

/// Fills a worker's queue behind the dispute over this claim. The one that is called next is a real record.
fn fill_queue<T: Config>(job: ClaimId, dispute: &DisputeOf<T>) {
    let others = (1..u64::from(MAX_DEFENCES)).map(|other| job.saturating_add(other.saturating_mul(1_000)));
    let jobs: Vec<ClaimId> = core::iter::once(job).chain(others).collect();
    if let Some(next) = jobs.get(Pallet::<T>::called()) {
        let mut waiting = dispute.clone();
        waiting.waits = true;
        Disputes::<T>::insert(next, waiting);
    }
    let games = dispute.games.len() as u32;
    Defences::<T>::insert(
        &dispute.worker,
        WorkersDefences {
            jobs: BoundedVec::truncate_from(jobs),
            games,
        },
    );
}

/// The claim of the longest trace, with as many games as there can be, all of which wait for the trace.
fn long<T: Config>(
    worker: &T::AccountId,
    operators: u32,
) -> Result<(ClaimId, assay_types::dispute::Statement), BenchmarkError> {
    let long = long_trace(operators)?;
    T::BenchmarkHelper::worker(worker);
    let version = T::BenchmarkHelper::register(long.parts);
    let job = T::BenchmarkHelper::claimed(worker, version, long.symbols, long.input_digest, long.output_digest);
    let dispute = disputed::<T>(job, MAX_GAMES)?;
    fill_queue::<T>(job, &dispute);
    Ok((job, long.statement))
}

/// A claim of a row whose output is zero, with all games at the chunk of its first element; every challenger knows what
/// that element is.
fn proved<T: Config>(length: u32) -> Result<(ClaimId, Row), BenchmarkError> {
    let row = row(length)?;
    let worker: T::AccountId = account("worker", 0, 0);
    T::BenchmarkHelper::worker(&worker);
    let version = T::BenchmarkHelper::register(row.parts.clone());
    let job = T::BenchmarkHelper::claimed(&worker, version, Vec::new(), row.input_digest, row.output_digest);
    let mut dispute = disputed::<T>(job, MAX_GAMES)?;
    dispute.trace = Some(row.head.clone());
    let (now, clocks) = (Pallet::<T>::now(), Pallet::<T>::rules_of(dispute.id).clock);
    for game in &mut dispute.games {
        game.place = row.place();
        game.tensor = Some(row.output.clone());
        game.turn = Side::Challenger;
        game.clock = Clock::start(now, Side::Challenger, &clocks);
        game.commitment = row.finding::<T>(job, &game.challenger)?.1;
    }
    fill_queue::<T>(job, &dispute);
    Reveals::<T>::insert(dispute.id, Place::Tensor { operator: 0 }, row.operator.clone());
    Reveals::<T>::insert(dispute.id, row.place(), row.chunk.clone());
    Disputes::<T>::insert(job, dispute);
    Ok((job, row))
}

/// Convicts the worker of a row; returns the slash, and the youngest challenger with what it has found.
fn convicted<T: Config>() -> Result<(SlashId, T::AccountId, assay_types::dispute::FindingOpening), BenchmarkError> {
    let (job, row) = proved::<T>(SHORT)?;
    let first = challenger::<T>(0);
    Pallet::<T>::do_prove(job, &first, &row.proof, ELEMENT, None)?;
    let slash = Awards::<T>::iter_keys().next().ok_or("there is an award")?;
    let youngest = challenger::<T>(MAX_GAMES.saturating_sub(1));
    let (opening, _) = row.finding::<T>(job, &youngest)?;
    Ok((slash, youngest, opening))
}

/// Lets the clock of every game over a claim run out.
fn run_out<T: Config>() {
    let turn = T::ClockBlocks::get().saturating_add(T::LeastTurnBlocks::get());
    T::BenchmarkHelper::pass(turn.saturating_add(One::one()));
}

#[benchmarks]
mod benchmarks {
    use super::*;

    /// Of a claim that is not disputed yet, by a worker whose queue has one place left.
    #[benchmark]
    fn challenge() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = account("worker", 0, 0);
        T::BenchmarkHelper::worker(&worker);
        let version = T::BenchmarkHelper::register(largest_parts(1));
        let digest = H256::repeat_byte(1);
        let job = T::BenchmarkHelper::claimed(&worker, version, symbols_of_largest(), digest, digest);
        T::BenchmarkHelper::fill_queue(&worker);
        let doubter: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&doubter);

        #[extrinsic_call]
        _(RawOrigin::Signed(doubter), job, H256::repeat_byte(2));

        assert!(Disputes::<T>::contains_key(job));
        Ok(())
    }

    /// Of the trace, at which all games wait.
    #[benchmark]
    fn reveal(b: Linear<2_048, 34_816>) -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        let operators = b.saturating_sub(STATEMENT_BYTES) / NODE_BYTES;
        let (job, statement) = long::<T>(&worker, operators)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(worker), job, Box::new(statement));

        assert!(Disputes::<T>::get(job).is_some_and(|dispute| dispute.trace.is_some()));
        Ok(())
    }

    #[benchmark]
    fn point() -> Result<(), BenchmarkError> {
        let worker: T::AccountId = account("worker", 0, 0);
        let (job, statement) = long::<T>(&worker, u32::MAX)?;
        Pallet::<T>::do_reveal(&worker, job, statement)?;
        let mut dispute: DisputeOf<T> = Disputes::<T>::get(job).ok_or("it is disputed")?;
        Reveals::<T>::insert(dispute.id, Place::Trace, full_nodes()?);
        Reveals::<T>::insert(dispute.id, Place::Tensor { operator: 0 }, full_tensor()?);
        // The youngest challenger points, so that the older games are looked at.
        let pointer: T::AccountId = whitelisted_caller();
        let game: &mut GameOf<T> = dispute.games.last_mut().ok_or("there are games")?;
        game.challenger = pointer.clone();
        Disputes::<T>::insert(job, dispute);

        #[extrinsic_call]
        _(RawOrigin::Signed(pointer), job, Place::Trace, 0);

        let place = Disputes::<T>::get(job).and_then(|dispute| dispute.games.last().map(|game| game.place));
        assert_eq!(place, Some(Place::Tensor { operator: 0 }));
        Ok(())
    }

    #[benchmark]
    fn prove(b: Linear<1_024, 65_536>) -> Result<(), BenchmarkError> {
        let (job, row) = proved::<T>(b / 4)?;
        let finder = challenger::<T>(0);
        let (opening, _) = row.finding::<T>(job, &finder)?;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(whitelisted_caller()),
            job,
            finder,
            Box::new(row.proof),
            ELEMENT,
            Some(Box::new(opening)),
        );

        assert!(!Disputes::<T>::contains_key(job));
        Ok(())
    }

    #[benchmark]
    fn claim_timeout(g: Linear<1, MAX_GAMES>) -> Result<(), BenchmarkError> {
        let (job, _) = long::<T>(&account("worker", 0, 0), 1)?;
        let mut dispute: DisputeOf<T> = Disputes::<T>::get(job).ok_or("it is disputed")?;
        while dispute.games.len() as u32 > g {
            let _others = dispute.games.pop();
        }
        dispute.late_until = Some(Pallet::<T>::now());
        T::Claims::refund(job)?;
        Disputes::<T>::insert(job, dispute);
        run_out::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), job, challenger::<T>(0));

        assert!(!Disputes::<T>::contains_key(job));
        Ok(())
    }

    #[benchmark]
    fn late() -> Result<(), BenchmarkError> {
        let (job, _) = long::<T>(&account("worker", 0, 0), 1)?;
        run_out::<T>();
        let first = challenger::<T>(0);

        #[block]
        {
            Pallet::<T>::do_claim_timeout(job, &first)?;
        }

        assert!(Disputes::<T>::get(job).is_some_and(|dispute| dispute.late_until.is_some()));
        Ok(())
    }

    #[benchmark]
    fn sweep(e: Linear<1, SWEEP_ENTRIES>) -> Result<(), BenchmarkError> {
        let dispute: DisputeId = NextDisputeId::<T>::get();
        Ended::<T>::insert(dispute, ());
        for operator in 1..e {
            Reveals::<T>::insert(dispute, Place::Tensor { operator }, full_tensor()?);
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(whitelisted_caller()), dispute);

        assert!(!Ended::<T>::contains_key(dispute));
        Ok(())
    }

    /// The first one, which refunds the client as well.
    #[benchmark]
    fn answer_late(b: Linear<2_048, 34_816>) -> Result<(), BenchmarkError> {
        let worker: T::AccountId = whitelisted_caller();
        let operators = b.saturating_sub(STATEMENT_BYTES) / NODE_BYTES;
        let (job, statement) = long::<T>(&worker, operators)?;
        run_out::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(worker), job, Box::new(statement));

        assert!(Disputes::<T>::get(job).is_some_and(|dispute| dispute.late_until.is_some()));
        Ok(())
    }

    #[benchmark]
    fn claim_award() -> Result<(), BenchmarkError> {
        let (slash, youngest, opening) = convicted::<T>()?;

        #[extrinsic_call]
        _(RawOrigin::Signed(youngest), slash, Box::new(opening));

        let left = Awards::<T>::get(slash).map(|award| award.finders.len() as u32);
        assert_eq!(left, Some(MAX_GAMES.saturating_sub(1)));
        Ok(())
    }

    /// Steps of the drain for an award whose time is over.
    #[benchmark]
    fn forget_award() -> Result<(), BenchmarkError> {
        let (slash, ..) = convicted::<T>()?;
        let found: Option<BalanceOf<T>>;

        #[block]
        {
            found = Awards::<T>::take(slash).map(|award| award.amount);
        }

        assert!(found.is_some_and(|amount| !amount.is_zero()));
        Ok(())
    }
}
