//! Random play: whatever clients and workers do, in whatever order, the books balance.

use crate::{Claim, HoldReason, Jobs, LongestJob, mock::*};
use assay_types::{
    Claims, Delivery, HostBlake2, JobId, JobState, Outcome, Phase, WorkerRegistry,
    delivery::{Cursor, OutputPiece},
};
use polkadot_sdk::{
    frame_support::{
        dispatch::{DispatchResult, DispatchResultWithPostInfo},
        traits::{Get, Hooks},
    },
    sp_runtime::Perbill,
};
use proptest::prelude::*;

/// One act of one account; most random ones are refused, and a refused one must change nothing.
#[derive(Clone, Debug)]
enum Act {
    Submit {
        ceiling: u64,
        auction: bool,
        inline: bool,
    },
    Commit {
        worker: u64,
        job: u64,
    },
    Reveal {
        worker: u64,
        job: u64,
        lie: bool,
    },
    /// A whole auction, from the submission to the reveals; each worker takes part in it, or bids and stays silent.
    Auction {
        ceiling: u64,
        silent: Option<u64>,
    },
    /// A job by an offer, claimed at once.
    Claimed {
        ceiling: u64,
    },
    Claim {
        worker: u64,
        job: u64,
        inline: bool,
    },
    /// A seal that is opened later, or withheld.
    Seal {
        worker: u64,
        job: u64,
    },
    Decline {
        worker: u64,
        job: u64,
    },
    Accept {
        job: u64,
    },
    Advance {
        job: u64,
    },
    /// The client demands an output, and the worker gives it or does not.
    Demand {
        job: u64,
        delivered: bool,
    },
    Dispute {
        job: u64,
    },
    Uphold {
        job: u64,
        blocks: u64,
    },
    Convict {
        job: u64,
        awards: [(u64, u64); 2],
    },
    /// Somebody else may have the job if the stake behind it is too small.
    Reassign {
        job: u64,
    },
    /// The job's worker loses all its free stake but this much, for a fault elsewhere; then it is to be relieved.
    Ruin {
        job: u64,
        left: u64,
    },
    ApplySlash {
        slash: u64,
    },
    CancelSlash {
        slash: u64,
    },
    Unbond {
        worker: u64,
        amount: u64,
    },
    Offer {
        worker: u64,
        price: u64,
        capacity: u32,
    },
    Pause {
        worker: u64,
    },
    Resume {
        worker: u64,
    },
    Drain {
        worker: u64,
    },
    Leave {
        worker: u64,
    },
    Withdraw {
        worker: u64,
    },
    Blocks {
        blocks: u64,
        idle: bool,
    },
}

fn worker() -> impl Strategy<Value = u64> {
    prop_oneof![Just(CHEAP), Just(DEAR), Just(THIRD)]
}

/// An award to one of the accounts, or to one that does not exist yet; often more than there is.
fn award() -> impl Strategy<Value = (u64, u64)> {
    (CLIENT..PUBLISHER + 2, 0..2_000u64)
}

fn act() -> impl Strategy<Value = Act> {
    let job = 0..12u64;
    prop_oneof![
        4 => (1..200u64, any::<bool>(), any::<bool>())
            .prop_map(|(ceiling, auction, inline)| Act::Submit { ceiling, auction, inline }),
        6 => (worker(), job.clone()).prop_map(|(worker, job)| Act::Commit { worker, job }),
        2 => (worker(), job.clone(), any::<bool>()).prop_map(|(worker, job, lie)| Act::Reveal { worker, job, lie }),
        3 => (50..200u64, proptest::option::of(worker())).prop_map(|(ceiling, silent)| Act::Auction { ceiling, silent }),
        4 => (30..200u64).prop_map(|ceiling| Act::Claimed { ceiling }),
        6 => (worker(), job.clone(), any::<bool>()).prop_map(|(worker, job, inline)| Act::Claim { worker, job, inline }),
        3 => (worker(), job.clone()).prop_map(|(worker, job)| Act::Seal { worker, job }),
        1 => (worker(), job.clone()).prop_map(|(worker, job)| Act::Decline { worker, job }),
        2 => job.clone().prop_map(|job| Act::Accept { job }),
        2 => job.clone().prop_map(|job| Act::Advance { job }),
        3 => (job.clone(), any::<bool>()).prop_map(|(job, delivered)| Act::Demand { job, delivered }),
        4 => job.clone().prop_map(|job| Act::Dispute { job }),
        2 => (job.clone(), 0..WINDOW).prop_map(|(job, blocks)| Act::Uphold { job, blocks }),
        3 => (job.clone(), [award(), award()]).prop_map(|(job, awards)| Act::Convict { job, awards }),
        3 => job.prop_map(|job| Act::Reassign { job }),
        1 => (0..12u64, 0..1_500u64).prop_map(|(job, left)| Act::Ruin { job, left }),
        1 => (0..4u64).prop_map(|slash| Act::ApplySlash { slash }),
        1 => (0..4u64).prop_map(|slash| Act::CancelSlash { slash }),
        1 => (worker(), 0..2_000u64).prop_map(|(worker, amount)| Act::Unbond { worker, amount }),
        2 => (worker(), 1..120u64, 1..4u32).prop_map(|(worker, price, capacity)| Act::Offer { worker, price, capacity }),
        1 => worker().prop_map(|worker| Act::Pause { worker }),
        1 => worker().prop_map(|worker| Act::Resume { worker }),
        1 => worker().prop_map(|worker| Act::Drain { worker }),
        1 => worker().prop_map(|worker| Act::Leave { worker }),
        1 => worker().prop_map(|worker| Act::Withdraw { worker }),
        4 => (1..8u64, any::<bool>()).prop_map(|(blocks, idle)| Act::Blocks { blocks, idle }),
    ]
}

const WORKERS: [u64; 3] = [CHEAP, DEAR, THIRD];

/// Bid of a worker on a job, so that it can reveal later.
fn bid_of(worker: u64, job: JobId) -> u64 {
    10 + 17 * ((worker + job) % 5)
}

fn play(act: Act) {
    let result = match act {
        Act::Submit {
            ceiling,
            auction: by_auction,
            inline,
        } => {
            let delivery = if inline { Delivery::Inline } else { Delivery::Digest };
            let template = if by_auction { auction(ceiling) } else { request(ceiling) };
            charged(Market::submit(signed(CLIENT), Request { delivery, ..template }))
        }
        Act::Commit { worker, job } => {
            Market::commit_bid(signed(worker), job, commitment(worker, job, bid_of(worker, job)))
        }
        Act::Reveal { worker, job, lie } => charged(Market::reveal_bid(
            signed(worker),
            job,
            bid_of(worker, job) + u64::from(lie),
            SALT,
        )),
        Act::Auction { ceiling, silent } => {
            play_auction(ceiling, silent);
            Ok(())
        }
        Act::Claimed { ceiling } => {
            let job = crate::NextJobId::<Test>::get();
            let _refused = Market::submit(signed(CLIENT), request(ceiling)).is_err();
            let digest = inline_claim(job, 1);
            match worker_of(job) {
                Some((worker, _)) => make(worker, Claim { output: None, ..digest }),
                None => Ok(()),
            }
        }
        Act::Claim { worker, job, inline } => {
            let claim = if inline {
                inline_claim(job, 1)
            } else {
                digest_claim(job)
            };
            make(worker, claim)
        }
        Act::Seal { worker, job } => {
            seal(worker, &[digest_claim(job)]);
            Ok(())
        }
        Act::Decline { worker, job } => Market::decline(signed(worker), one_of(Phase::Assigned, job)),
        Act::Accept { job } => charged(Market::accept(signed(CLIENT), job)),
        Act::Advance { job } => charged(Market::advance(signed(CLIENT), job)),
        Act::Demand { job, delivered } => play_demand(one_of(Phase::Claimed, job), delivered),
        Act::Dispute { job } => Market::dispute(one_of(Phase::Claimed, job)),
        Act::Uphold { job, blocks } => Market::uphold(one_of(Phase::Disputed, job), now() + blocks),
        Act::Convict { job, awards } => {
            let share = Perbill::from_percent((job % 101) as u32);
            Market::convict(one_of(Phase::Disputed, job), share, awards).map(|_| ())
        }
        Act::Reassign { job } => Market::reassign(signed(CLIENT), one_of(Phase::Assigned, job)),
        Act::Ruin { job, left } => {
            let job = one_of(Phase::Assigned, job);
            if let Some((worker, _)) = worker_of(job) {
                ruin(worker, left);
            }
            Market::reassign(signed(CLIENT), job)
        }
        Act::ApplySlash { slash } => Workers::apply_slash(signed(CLIENT), slash),
        Act::CancelSlash { slash } => Workers::cancel_slash(RuntimeOrigin::root(), slash),
        Act::Unbond { worker, amount } => Workers::unbond(signed(worker), amount),
        Act::Offer {
            worker,
            price,
            capacity,
        } => Workers::publish_offer(signed(worker), MODEL, at(price), capacity),
        Act::Pause { worker } => Workers::pause(signed(worker)),
        Act::Resume { worker } => Workers::resume(signed(worker)),
        Act::Drain { worker } => Workers::drain(signed(worker)),
        Act::Leave { worker } => Workers::leave(signed(worker)),
        Act::Withdraw { worker } => Workers::withdraw(signed(worker)),
        Act::Blocks { blocks, idle } => {
            if idle {
                advance_to(now() + blocks)
            } else {
                without_idle_to(now() + blocks)
            }
            Ok(())
        }
    };
    // Refusals are part of the game; what they must not do is leave a trace, which the books show.
    let _refused = result.is_err();
}

/// A demand, and the whole output if it is to be delivered and somebody knows it.
fn play_demand(job: JobId, delivered: bool) -> DispatchResult {
    let demanded = Market::demand_output(signed(CLIENT), job);
    if let (true, Some((worker, _))) = (delivered, worker_of(job)) {
        let layouts = parts().schema.output_layouts(&[1]).expect("within its range");
        let piece = OutputPiece::at::<HostBlake2>(&layouts, &bytes(OUTPUT_BYTES), Cursor::default());
        return Market::deliver_output(signed(worker), job, piece.expect("it has one"));
    }
    demanded
}

/// A whole auction, in which every worker but one bids and reveals.
fn play_auction(ceiling: u64, silent: Option<u64>) {
    let job = crate::NextJobId::<Test>::get();
    let _refused = Market::submit(signed(CLIENT), auction(ceiling)).is_err();
    WORKERS.into_iter().for_each(|worker| play(Act::Commit { worker, job }));
    advance_to(now() + BIDDING + 1);
    for worker in WORKERS.into_iter().filter(|worker| Some(*worker) != silent) {
        play(Act::Reveal {
            worker,
            job,
            lie: false,
        });
    }
}

/// The result of a call that says what it has used.
fn charged(result: DispatchResultWithPostInfo) -> DispatchResult {
    result.map(|_| ()).map_err(|error| error.error)
}

/// One of the jobs in this phase, or any job if there is none.
fn one_of(phase: Phase, number: u64) -> JobId {
    let mut jobs: Vec<JobId> = Jobs::<Test>::iter()
        .filter(|(_, job)| job.state.phase() == phase)
        .map(|(id, _)| id)
        .collect();
    jobs.sort();
    let place = number as usize % jobs.len().max(1);
    jobs.get(place).copied().unwrap_or(number)
}

fn ruin(worker: u64, left: u64) {
    let locked = <Workers as WorkerRegistry<u64, u64>>::locked(&worker);
    let free = Workers::worker_info(&worker).map_or(0, |info| info.stake - locked);
    let lost = free.saturating_sub(left);
    let awards = [(CLIENT, lost / 4), (THIRD, lost / 4)];
    // A job locks ten times its price; one that nobody would take is not tried.
    let _unavailable = lose(worker, lost / 10, |_| Outcome::Convicted {
        share: Perbill::zero(),
        awards,
    });
}

/// Plays on until no job is left, judges what is disputed, and waits for the slashes; nothing may be stuck.
fn finish() {
    let longest: u64 = LongestJob::<Test>::get();
    let end = now() + longest;
    while Jobs::<Test>::iter().next().is_some() {
        for (id, job) in Jobs::<Test>::iter().collect::<Vec<_>>() {
            if let JobState::Assigned { assignment, .. } = job.state {
                let claim = match job.delivery {
                    Delivery::Inline => inline_claim(id, 1),
                    Delivery::Digest => digest_claim(id),
                };
                let _late = make(assignment.worker, claim);
            } else if job.state.ends_after().is_none() {
                let judged = match id % 3 {
                    0 => Market::uphold(id, now()),
                    1 => Market::convict(id, Perbill::from_percent(50), [(THIRD, 10), (CLIENT, 10)]).map(|_| ()),
                    _ => Market::refund(id).and_then(|()| Market::excuse(id)),
                };
                assert_eq!(judged, Ok(()));
            }
        }
        advance_to(now() + 1);
        assert!(now() < end, "a job is stuck");
    }
    advance_to(now() + SLASH_DELAY);
    assert_eq!(pallet_workers::PendingSlashes::<Test>::iter().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn the_books_balance_whatever_is_played(acts in proptest::collection::vec(act(), 1..80)) {
        TestExt::new().offer(CHEAP, 30, 3).offer(DEAR, 60, 3).worker(THIRD).execute_with(|| {
            for act in acts {
                let description = format!("{act:?}");
                play(act);
                check().unwrap_or_else(|error| panic!("after {description}: {error:?}"));
            }
            finish();
            check().unwrap_or_else(|error| panic!("at the end: {error:?}"));
            assert_eq!(held_for_jobs(CLIENT), 0);
            assert_eq!(held(HoldReason::Demand, CLIENT), 0);
            Market::on_idle(now(), polkadot_sdk::frame_support::weights::Weight::MAX);
        });
    }
}
