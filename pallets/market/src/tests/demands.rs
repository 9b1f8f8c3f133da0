//! Outputs on demand: paid means delivered.

use crate::{Claim, Demands, Error, Event, HoldReason, Jobs, mock::*};
use assay_exact::{
    digest::CHUNK_BYTES,
    tree::{Tree, chunk_leaves},
};
use assay_types::{
    Claims, CloseReason, Delivery, Dimension, H256, HostBlake2, JobId, ModelParts, ModelVersion, Phase,
    delivery::{Cursor, OutputPiece},
};
use polkadot_sdk::{
    frame_support::{assert_noop, assert_ok, traits::fungible::Mutate},
    sp_runtime::Perbill,
};

const PRICE: u64 = 30;

fn demanding(story: impl FnOnce()) {
    TestExt::new().offer(CHEAP, PRICE, 5).execute_with(story);
}

/// A job on so many rows which the worker has claimed by digest, and its output.
fn owed(batch: u32) -> (JobId, Vec<u8>) {
    let job = submit(Request {
        input: inline(&[batch], batch as usize * INPUT_BYTES),
        ..request(100)
    });
    let known = inline_claim(job, batch);
    let output = known.output.clone().expect("it has one");
    assert_ok!(make(CHEAP, Claim { output: None, ..known }));
    (job, output)
}

/// The piece of an output that begins with this chunk, and has as many or, at the output's end, fewer.
fn piece(output: &[u8], from: usize, chunks: usize) -> OutputPiece {
    let leaves = chunk_leaves::<HostBlake2>(output);
    let to = leaves.len().min(from + chunks);
    let indices: Vec<u64> = (from as u64..to as u64).collect();
    OutputPiece {
        root: Tree::Chunks.fold::<HostBlake2>(&leaves),
        path: Vec::new(),
        bytes: output[from * CHUNK_BYTES..output.len().min(to * CHUNK_BYTES)].to_vec(),
        proof: Tree::Chunks
            .prove::<HostBlake2>(&leaves, &indices)
            .expect("there are such chunks"),
    }
}

fn demand(job: JobId) {
    assert_ok!(Market::demand_output(signed(CLIENT), job));
}

fn deliver(job: JobId, output: &[u8]) {
    let all = piece(output, 0, 64);
    assert_ok!(Market::deliver_output(signed(CHEAP), job, all));
}

fn deposit(job: JobId) -> u64 {
    Demands::<Test>::get(job).map_or(0, |demand| demand.deposit)
}

fn held_for_demands() -> u64 {
    held(HoldReason::Demand, CLIENT)
}

#[test]
fn a_demanded_output_is_delivered_piece_by_piece_and_paid_for() {
    demanding(|| {
        let (job, output) = owed(100); // 10,000 bytes, ten chunks.
        demand(job);
        let paid = 2 * output.len() as u64 + 5;
        assert_eq!((deposit(job), held_for_demands()), (paid, paid));
        let before = balance(CHEAP);
        for from in [0, 4, 8] {
            let here = Demands::<Test>::get(job).expect("is open").next;
            assert_eq!(
                here,
                Cursor {
                    tensor: 0,
                    chunk: from as u64
                }
            );
            assert_ok!(Market::deliver_output(signed(CHEAP), job, piece(&output, from, 4)));
        }
        assert_eq!(balance(CHEAP), before + paid);
        assert_eq!(held_for_demands(), 0);
        let worker = CHEAP;
        assert!(market_events().contains(&Event::OutputDelivered { job, worker, paid }));
        assert!(Jobs::<Test>::get(job).expect("is open").kept.delivered);
        // It is settled as any other.
        advance_past(now() + DEMAND);
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), PRICE);
    });
}

#[test]
fn an_output_that_is_not_delivered_is_not_paid() {
    demanding(|| {
        let job = submit(request(100));
        claim(CHEAP, job); // Of a digest to which no output is known.
        let (client, worker) = (balance(CLIENT), stake(CHEAP));
        let until = now() + DEMAND;
        demand(job);
        assert_eq!(held_for_demands(), DEMAND_DEPOSIT);
        advance_to(until);
        assert_eq!(phase(job), Some(Phase::Claimed), "the last block is in time");
        advance_past(until);
        assert_closed(job, CloseReason::NotDelivered, None, 0);
        let slashed = NON_DELIVERY.mul_floor(lock(PRICE));
        assert_eq!(stake(CHEAP), worker - slashed);
        assert_eq!(balance(CLIENT), client + COMPENSATION);
        assert_eq!((held_for_demands(), held_for_jobs(CLIENT), locked(CHEAP)), (0, 0, 0));
        assert!(market_events().contains(&Event::OutputWithheld {
            job,
            worker: CHEAP,
            paid: COMPENSATION,
            burned: slashed - COMPENSATION,
        }));
    });
}

#[test]
fn half_an_output_is_none() {
    demanding(|| {
        let (job, output) = owed(100);
        demand(job);
        assert_ok!(Market::deliver_output(signed(CHEAP), job, piece(&output, 0, 9)));
        let before = balance(CHEAP);
        advance_past(now() + DEMAND);
        assert_closed(job, CloseReason::NotDelivered, None, 0);
        assert!(balance(CHEAP) < before);
        assert_noop!(
            Market::deliver_output(signed(CHEAP), job, piece(&output, 9, 1)),
            Error::<Test>::UnknownJob
        );
    });
}

#[test]
fn the_client_demands_what_was_claimed_by_digest_once_and_within_the_window() {
    TestExt::new().offer(CHEAP, PRICE, 5).endow(9).execute_with(|| {
        let refused = |who, job, error: Error<Test>| {
            assert_noop!(Market::demand_output(signed(who), job), error);
        };
        refused(CLIENT, 77, Error::UnknownJob);
        let waiting = submit(request(100));
        refused(CLIENT, waiting, Error::NotClaimed);
        let inline = submit(Request {
            delivery: Delivery::Inline,
            ..request(100)
        });
        assert_ok!(make(CHEAP, inline_claim(inline, 1)));
        refused(CLIENT, inline, Error::OutputIsInline);

        let (job, output) = owed(1);
        refused(9, job, Error::NotClient);
        refused(CHEAP, job, Error::NotClient);
        demand(job);
        refused(CLIENT, job, Error::AlreadyDemanded);
        deliver(job, &output);
        refused(CLIENT, job, Error::AlreadyDemanded);

        let (late, _) = owed(1);
        without_idle_to(now() + WINDOW + 1);
        refused(CLIENT, late, Error::WindowPassed);
    });
}

#[test]
fn a_demand_needs_its_deposit() {
    demanding(|| {
        let (job, _) = owed(1);
        assert_ok!(Balances::burn_from(
            &CLIENT,
            free(CLIENT) - (DEMAND_DEPOSIT - 1),
            polkadot_sdk::frame_support::traits::tokens::Preservation::Preserve,
            polkadot_sdk::frame_support::traits::tokens::Precision::Exact,
            polkadot_sdk::frame_support::traits::tokens::Fortitude::Polite,
        ));
        assert_noop!(
            Market::demand_output(signed(CLIENT), job),
            Error::<Test>::InsufficientFundsForDemand
        );
        assert_ok!(Balances::mint_into(
            &CLIENT,
            ENDOWMENT - (DEMAND_DEPOSIT - 1) - held_for_jobs(CLIENT)
        ));
        demand(job);
    });
}

#[test]
fn nothing_but_the_next_piece_of_the_output_is_taken_from_its_worker() {
    TestExt::new().offer(CHEAP, PRICE, 5).worker(DEAR).execute_with(|| {
        let (job, output) = owed(100);
        let refused = |who, piece: OutputPiece, error: Error<Test>| {
            assert_noop!(Market::deliver_output(signed(who), job, piece), error);
        };
        refused(CHEAP, piece(&output, 0, 4), Error::OutputNotDemanded);
        demand(job);
        assert!(Market::may_deliver(&CHEAP, job) && !Market::may_deliver(&DEAR, job));
        refused(DEAR, piece(&output, 0, 4), Error::AssignedToAnother);
        refused(CHEAP, piece(&output, 1, 4), Error::WrongPiece);
        let mut lie = piece(&output, 0, 4);
        lie.bytes[0] ^= 1;
        refused(CHEAP, lie, Error::WrongPiece);
        let mut long = piece(&output, 0, 4);
        long.bytes = vec![0; 64 * CHUNK_BYTES + 1];
        refused(CHEAP, long, Error::PieceTooLong);
        let mut torn = piece(&output, 0, 4);
        torn.bytes.pop();
        refused(CHEAP, torn, Error::PieceNotWhole);
        without_idle_to(now() + DEMAND + 1);
        refused(CHEAP, piece(&output, 0, 4), Error::DemandExpired);
        assert!(!Market::may_deliver(&CHEAP, job));
    });
}

#[test]
fn a_result_is_accepted_once_its_output_is_there() {
    demanding(|| {
        let (job, output) = owed(1);
        demand(job);
        assert_noop!(Market::accept(signed(CLIENT), job), Error::<Test>::OutputDemanded);
        deliver(job, &output);
        assert_ok!(Market::accept(signed(CLIENT), job));
        assert_closed(job, CloseReason::Accepted, Some(CHEAP), PRICE);
    });
}

#[test]
fn jobs_that_are_due_with_one_that_was_demanded_are_settled_all_the_same() {
    demanding(|| {
        let (first, _) = owed(1);
        demand(first);
        without_idle_to(now() + DEMAND - WINDOW);
        let (second, _) = owed(1);
        let ends = |job| Jobs::<Test>::get(job).and_then(|job| job.state.ends_after());
        assert_eq!(ends(first), ends(second));
        advance_past(now() + WINDOW);
        assert_closed(first, CloseReason::NotDelivered, None, 0);
        assert_closed(second, CloseReason::WindowPassed, Some(CHEAP), PRICE);
    });
}

#[test]
fn a_dispute_stops_the_time_and_the_worker_may_deliver_in_it() {
    demanding(|| {
        let (job, output) = owed(100);
        demand(job);
        assert_ok!(Market::dispute(job));
        advance_to(now() + 2 * DEMAND);
        assert_ok!(Market::deliver_output(signed(CHEAP), job, piece(&output, 0, 9)));
        assert_ok!(Market::uphold(job, 0));
        advance_to(now() + DEMAND);
        assert_ok!(Market::deliver_output(signed(CHEAP), job, piece(&output, 9, 1)));
        advance_past(now());
        assert_closed(job, CloseReason::WindowPassed, Some(CHEAP), PRICE);
    });
}

/// Ends a disputed job; the awards are for a conviction.
type End = fn(JobId, [(u64, u64); 2]);

#[test]
fn the_deposit_comes_back_with_every_other_end() {
    demanding(|| {
        let none = [(CLIENT, 0), (CLIENT, 0)];
        let ends: [(CloseReason, End); 3] = [
            (CloseReason::Late, |job, _| {
                assert_ok!(Market::excuse(job));
            }),
            (CloseReason::Unjudged, |job, _| {
                assert_ok!(Market::void(job));
            }),
            // A convicted worker gets no more jobs.
            (CloseReason::Fraud, |job, none| {
                assert_ok!(Market::convict(job, Perbill::from_percent(10), none));
            }),
        ];
        for (reason, end) in ends {
            let (job, _) = owed(1);
            demand(job);
            assert_ok!(Market::dispute(job));
            assert_noop!(Market::demand_output(signed(CLIENT), job), Error::<Test>::UnderDispute);
            end(job, none);
            assert_closed(job, reason, None, 0);
            assert_eq!((held_for_demands(), held_for_jobs(CLIENT)), (0, 0));
        }
    });
}

#[test]
fn an_output_of_more_than_a_mebibyte_is_not_demanded() {
    let rich = TestExt::new().offer(CHEAP, PRICE, 5).endow(CLIENT).endow(CLIENT);
    rich.execute_with(|| {
        let mut parts = ModelParts {
            manifest_hash: [1; 32],
            ..parts()
        };
        let mut outputs: Vec<_> = parts.schema.outputs.iter().cloned().collect();
        outputs[0].dimensions = vec![Dimension::Symbol(0), Dimension::Fixed(512 * 1024)]
            .try_into()
            .expect("short");
        parts.schema.outputs = outputs.try_into().expect("short");
        let name = b"wide".to_vec().try_into().expect("short");
        assert_ok!(Models::register(signed(PUBLISHER), name, parts));
        let wide = ModelVersion { model: 1, version: 1 };
        assert_ok!(Workers::publish_offer(signed(CHEAP), wide, at(PRICE), 5));
        for (batch, fits) in [(2, true), (3, false)] {
            let job = submit(Request {
                model: wide,
                input: inline(&[batch], batch as usize * INPUT_BYTES),
                ..request(100)
            });
            assert_ok!(make(
                CHEAP,
                Claim {
                    output_digest: H256::repeat_byte(3),
                    ..digest_claim(job)
                }
            ));
            let demanded = Market::demand_output(signed(CLIENT), job);
            match fits {
                true => {
                    assert_ok!(demanded);
                }
                false => assert_eq!(demanded, Err(Error::<Test>::OutputTooLargeToDemand.into())),
            }
        }
    });
}
