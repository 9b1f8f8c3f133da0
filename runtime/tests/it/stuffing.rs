//! Blocks that others fill: nobody loses time, the calls of those who are to move get in, and the price is known.

use crate::{
    chain::{fill, in_first_block, next_block, pass, room},
    scene::{applied, apply, assigned, claim, execution, fee_of, offered, origin},
};
use assay_player::statement;
use assay_runtime::{
    Address, Disputes, Market, Runtime, RuntimeCall, System, Time, TransactionPayment, check_invariants,
    units::{MINUTES, UNIT},
};
use assay_types::{
    H256, Phase,
    dispute::{Place, Side},
};
use polkadot_sdk::{
    frame_support::{assert_ok, dispatch::DispatchClass, traits::Get, weights::Weight},
    pallet_balances, pallet_transaction_payment,
    sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave},
    sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError},
};

/// Lets blocks pass that others fill.
fn stuffed(blocks: u32) {
    for _ in 0..blocks {
        fill();
        next_block();
    }
}

fn transfer() -> RuntimeCall {
    pallet_balances::Call::transfer_keep_alive {
        dest: Address::Id(Alice.to_account_id()),
        value: UNIT,
    }
    .into()
}

fn phase(job: u64) -> Option<Phase> {
    Market::job(job).map(|job| job.state.phase())
}

#[test]
fn time_is_the_number_of_blocks_that_had_room() {
    in_first_block(|| {
        assert_eq!(Time::moment(), System::block_number());
        pass(20);
        assert_eq!(Time::moment(), System::block_number());
        let before = Time::moment();
        stuffed(100);
        assert_eq!(Time::moment(), before);
        pass(1);
        assert_eq!(Time::moment(), before + 1);
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_deadline_a_window_and_a_clock_are_as_long_in_full_blocks_as_in_quiet_ones() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);

        // Ten times as many full blocks as the deadline has, and Bob has not missed it.
        stuffed(10 * MINUTES);
        assert_eq!(phase(job), Some(Phase::Assigned));
        fill();
        assert_eq!(applied(Bob, claim(job, &honest)), DispatchClass::Operational);
        assert_eq!(phase(job), Some(Phase::Claimed));

        // The window of the claim does not pass either, so Dave can still doubt it.
        stuffed(10 * MINUTES);
        assert_eq!(phase(job), Some(Phase::Claimed));
        assert_ok!(Disputes::challenge(origin(Dave), job, H256::zero()));

        // And Bob's clock stands still: nobody can say that it is late.
        let clock = <<Runtime as pallet_disputes::Config>::ClockBlocks as Get<u32>>::get();
        stuffed(clock + 1);
        let timeout: RuntimeCall = pallet_disputes::Call::claim_timeout {
            job,
            challenger: Dave.to_account_id(),
        }
        .into();
        assert!(apply(Dave, timeout.clone()).0 != Ok(Ok(())));
        next_block();
        fill();
        let reveal = pallet_disputes::Call::reveal {
            job,
            statement: Box::new(statement(&honest, &Place::Trace).expect("it is in memory")),
        };
        assert_eq!(applied(Bob, reveal.into()), DispatchClass::Operational);
        let dispute = Disputes::dispute(job).expect("it lasts");
        assert_eq!(dispute.games[0].turn, Side::Challenger);
        let point = pallet_disputes::Call::point {
            job,
            place: Place::Trace,
            entry: 0,
        };
        assert_eq!(applied(Dave, point.into()), DispatchClass::Operational);

        // In blocks that have room, time passes as ever.
        pass(clock + 1);
        assert_eq!(applied(Dave, timeout), DispatchClass::Operational);
        assert!(Disputes::dispute(job).expect("it lasts").late_until.is_some());
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_full_block_has_no_room_for_an_ordinary_call_and_an_urgent_one_pays_the_price_of_a_quiet_chain() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let (first, second) = (assigned(&honest), assigned(&honest));
        assert_eq!(applied(Bob, claim(first, &honest)), DispatchClass::Operational);
        let quiet = fee_of(&Bob.to_account_id());

        stuffed(40);
        let multiplier = pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get().to_float();
        assert!(multiplier > 10.0, "{multiplier}");
        fill();
        let exhausted = TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);
        assert_eq!(apply(Charlie, transfer()), (Err(exhausted), None));
        assert_eq!(applied(Bob, claim(second, &honest)), DispatchClass::Operational);
        assert_eq!(fee_of(&Bob.to_account_id()), quiet);
        let after = pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get().to_float();
        assert_eq!(after, multiplier, "others pay what they paid before");
    });
}

/// Cost of filling blocks in tokens: with ordinary calls, and by the lane, whose price follows the same rule.
#[test]
fn the_price_of_stopping_time_grows_with_every_block() {
    println!("minutes  blocks  stopped for (ASY)  multiplier after");
    let mut before = 0.0;
    for minutes in [1, 5, 30] {
        in_first_block(|| {
            let full = room() * 75 / 100 + Weight::from_parts(1, 1);
            let began = Time::moment();
            let mut paid = 0.0;
            let multiplier = || pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get().to_float();
            for _ in 0..minutes * MINUTES {
                paid += TransactionPayment::weight_to_fee(full) as f64 / UNIT as f64 * multiplier();
                System::set_block_consumed_resources(full, 0);
                next_block();
            }
            assert_eq!(Time::moment(), began, "three quarters of what calls may use is enough");
            println!(
                "{minutes:7}  {:6}  {paid:17.0}  {:16.1e}",
                minutes * MINUTES,
                multiplier()
            );
            assert!(paid > 5.0 * before && paid > 20.0, "{minutes} minutes cost {paid} ASY");
            before = paid;
        });
    }
}
