//! Transactions that get into the lane, and transactions that do not.

use crate::{
    chain::{in_first_block, pass, signed},
    scene::{applied, apply, assigned, claim, execution, fee_of, offered, origin, seal, session, voucher_of},
};
use assay_player::statement;
use assay_runtime::{
    Address, Disputes, Executive, Market, Proxy, ProxyType, Runtime, RuntimeCall, Sessions, Time, check_invariants,
    lane::PRIORITY, units::UNIT,
};
use assay_types::{H256, delivery::OutputPiece, dispute::Place};
use polkadot_sdk::{
    frame_metadata_hash_extension::CheckMetadataHash,
    frame_support::{
        assert_ok,
        dispatch::{DispatchClass, GetDispatchInfo},
        storage::with_transaction,
    },
    frame_system, pallet_proxy, pallet_sudo, pallet_transaction_payment, pallet_utility,
    sp_core::{self, Pair as _, sr25519::Pair},
    sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve},
    sp_runtime::{
        DispatchError, FixedU128, TransactionOutcome,
        transaction_validity::{TransactionSource, ValidTransaction},
    },
};

/// The pool's facts about a transaction, which change nothing.
fn validity(who: Sr25519Keyring, call: RuntimeCall) -> ValidTransaction {
    let transaction = signed(who, call, CheckMetadataHash::new(false));
    let mut answer = None;
    let rolled_back = with_transaction(|| {
        let parent = sp_core::H256::repeat_byte(9);
        answer = Some(Executive::validate_transaction(
            TransactionSource::External,
            transaction,
            parent,
        ));
        TransactionOutcome::Rollback(Ok::<(), DispatchError>(()))
    });
    assert_ok!(rolled_back);
    answer.expect("it was asked").expect("it is valid")
}

fn batch(calls: Vec<RuntimeCall>) -> RuntimeCall {
    pallet_utility::Call::<Runtime>::batch_all { calls }.into()
}

fn through_proxy(of: Sr25519Keyring, call: RuntimeCall) -> RuntimeCall {
    pallet_proxy::Call::<Runtime>::proxy {
        real: Address::Id(of.to_account_id()),
        force_proxy_type: None,
        call: Box::new(call),
    }
    .into()
}

#[test]
fn a_claim_is_urgent_for_the_worker_that_has_the_job_and_for_nobody_else() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        let call = claim(job, &honest);
        assert_eq!(call.get_dispatch_info().class, DispatchClass::Normal);
        let (refused, class) = apply(Eve, call.clone());
        assert!(refused.expect("it is valid").is_err());
        assert_eq!(class, Some(DispatchClass::Normal));
        assert_eq!(applied(Bob, call.clone()), DispatchClass::Operational);
        // It is no longer Bob's to claim.
        assert_eq!(apply(Bob, call).1, Some(DispatchClass::Normal));
    });
}

#[test]
fn a_seal_is_urgent_for_the_worker_that_has_the_job_and_once() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        assert_eq!(apply(Eve, seal(job, &honest)).1, Some(DispatchClass::Normal));
        assert!(!Market::may_claim(&Bob.to_account_id(), job));
        assert_eq!(applied(Bob, seal(job, &honest)), DispatchClass::Operational);
        assert!(Market::may_claim(&Bob.to_account_id(), job) && !Market::may_claim(&Eve.to_account_id(), job));
        assert_eq!(
            apply(Bob, seal(job, &honest)).1,
            Some(DispatchClass::Normal),
            "it is sealed"
        );
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_piece_of_an_output_is_urgent_for_the_worker_of_which_it_is_demanded() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        applied(Bob, claim(job, &honest));
        // Whether it is the right one is not asked.
        let piece = OutputPiece {
            root: [0; 32],
            path: Vec::new(),
            bytes: vec![1],
            proof: Vec::new(),
        };
        let call: RuntimeCall = pallet_market::Call::deliver_output { job, piece }.into();
        assert_eq!(apply(Bob, call.clone()).1, Some(DispatchClass::Normal));
        assert_ok!(Market::demand_output(origin(Charlie), job));
        assert_eq!(apply(Eve, call.clone()).1, Some(DispatchClass::Normal));
        let (refused, class) = apply(Bob, call);
        assert!(refused.expect("it is valid").is_err());
        assert_eq!(class, Some(DispatchClass::Operational));
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_turn_is_urgent_for_the_side_whose_turn_it_is() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        applied(Bob, claim(job, &honest));
        assert_ok!(Disputes::challenge(origin(Dave), job, H256::zero()));

        let reveal: RuntimeCall = pallet_disputes::Call::reveal {
            job,
            statement: Box::new(statement(&honest, &Place::Trace).expect("it is in memory")),
        }
        .into();
        let point: RuntimeCall = pallet_disputes::Call::point {
            job,
            place: Place::Trace,
            entry: 0,
        }
        .into();
        let timeout: RuntimeCall = pallet_disputes::Call::claim_timeout {
            job,
            challenger: Dave.to_account_id(),
        }
        .into();
        for (who, call) in [(Dave, &reveal), (Dave, &point), (Bob, &point), (Dave, &timeout)] {
            let (refused, class) = apply(who, call.clone());
            assert!(refused.expect("it is valid").is_err(), "{call:?}");
            assert_eq!(class, Some(DispatchClass::Normal), "{call:?}");
        }
        assert_eq!(applied(Bob, reveal.clone()), DispatchClass::Operational);
        assert_eq!(apply(Bob, reveal).1, Some(DispatchClass::Normal), "it has been said");
        assert_eq!(applied(Dave, point), DispatchClass::Operational);
        // A timeout is urgent for the two sides, once there is one.
        pass(1_000);
        assert_eq!(applied(Bob, timeout.clone()), DispatchClass::Operational);
        assert_eq!(apply(Eve, timeout).1, Some(DispatchClass::Normal));
    });
}

#[test]
fn the_last_voucher_is_urgent_once_the_session_closes() {
    in_first_block(|| {
        offered(&execution());
        let key = Pair::from_seed(&[1; 32]);
        let id = session(&key);
        let redeem = |owed| -> RuntimeCall {
            let voucher = voucher_of(id, owed, &key);
            pallet_sessions::Call::redeem { voucher }.into()
        };
        assert_eq!(applied(Bob, redeem(UNIT)), DispatchClass::Normal);
        assert_ok!(Sessions::close(origin(Charlie), id, None));
        assert_eq!(apply(Eve, redeem(2 * UNIT)).1, Some(DispatchClass::Normal));
        assert_eq!(
            apply(Bob, redeem(UNIT)).1,
            Some(DispatchClass::Normal),
            "it is redeemed"
        );
        assert_eq!(applied(Bob, redeem(2 * UNIT)), DispatchClass::Operational);
        assert_ok!(check_invariants());
    });
}

#[test]
fn a_proxy_may_send_what_is_urgent_and_a_batch_is_ordinary() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let jobs: Vec<_> = (0..4).map(|_| assigned(&honest)).collect();
        let claims: Vec<_> = jobs.iter().map(|job| claim(*job, &honest)).collect();
        let charlie = Address::Id(Charlie.to_account_id());
        assert_ok!(Proxy::add_proxy(origin(Bob), charlie, ProxyType::Worker, 0));
        let eve = Address::Id(Eve.to_account_id());
        assert_ok!(Proxy::add_proxy(origin(Bob), eve, ProxyType::Collator, 0));

        assert_eq!(
            apply(Dave, through_proxy(Bob, claims[0].clone())).1,
            Some(DispatchClass::Normal)
        );
        assert_eq!(
            apply(Eve, through_proxy(Bob, claims[0].clone())).1,
            Some(DispatchClass::Normal)
        );
        assert_eq!(
            applied(Charlie, through_proxy(Bob, claims[0].clone())),
            DispatchClass::Operational
        );
        assert_eq!(applied(Bob, batch(vec![claims[1].clone()])), DispatchClass::Normal);
        let nested = through_proxy(Bob, batch(vec![claims[2].clone()]));
        assert_eq!(applied(Charlie, nested), DispatchClass::Normal);
        assert_eq!(applied(Bob, claims[3].clone()), DispatchClass::Operational);
    });
}

#[test]
fn a_few_claims_of_one_call_are_urgent_together_and_many_are_not() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let claims_of = |jobs: &[u64]| -> RuntimeCall {
            let claims = jobs.iter().map(|job| match claim(*job, &honest) {
                RuntimeCall::Market(pallet_market::Call::claim { claim }) => claim,
                other => panic!("{other:?}"),
            });
            let claims: Vec<_> = claims.collect();
            pallet_market::Call::claim_batch { claims }.into()
        };
        let jobs: Vec<_> = (0..3).map(|_| assigned(&honest)).collect();
        assert_eq!(applied(Bob, claims_of(&[])), DispatchClass::Normal);
        assert_eq!(applied(Bob, claims_of(&[jobs[0]; 9])), DispatchClass::Normal);
        assert_eq!(applied(Bob, claims_of(&jobs[1..])), DispatchClass::Operational);
        assert_eq!(
            applied(Bob, claims_of(&jobs[1..])),
            DispatchClass::Normal,
            "they are claimed"
        );
    });
}

#[test]
fn the_pool_holds_one_urgent_transaction_for_each_move_and_puts_it_first() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let (first, second) = (assigned(&honest), assigned(&honest));
        let [one, other] = [first, second].map(|job| validity(Bob, claim(job, &honest)));
        assert!(one.priority >= PRIORITY && other.priority >= PRIORITY);
        // The tag of the nonce is the same for both, that of the move is not.
        assert_eq!((one.provides.len(), other.provides.len()), (2, 2));
        let shared = one.provides.iter().filter(|tag| other.provides.contains(tag));
        assert_eq!(shared.count(), 1);
        let third = assigned(&honest);
        let decline: RuntimeCall = pallet_market::Call::decline { job: third }.into();
        let sealing = validity(Bob, seal(third, &honest));
        assert!(sealing.priority >= PRIORITY);
        assert_eq!(validity(Bob, decline).provides, sealing.provides);
        let ordinary = validity(Charlie, frame_system::Call::remark { remark: vec![] }.into());
        assert!(ordinary.priority < PRIORITY && ordinary.provides.len() == 1);
    });
}

#[test]
fn roots_calls_are_ordinary_unless_the_superuser_signs_them() {
    in_first_block(|| {
        let pages: RuntimeCall = frame_system::Call::set_heap_pages { pages: 9 }.into();
        assert_eq!(pages.get_dispatch_info().class, DispatchClass::Operational);
        let (refused, class) = apply(Bob, pages.clone());
        assert!(refused.expect("it is valid").is_err());
        assert_eq!(class, Some(DispatchClass::Normal));
        let sudo: RuntimeCall = pallet_sudo::Call::<Runtime>::sudo { call: Box::new(pages) }.into();
        assert_eq!(apply(Bob, sudo.clone()).1, Some(DispatchClass::Normal));
        assert_eq!(applied(Alice, sudo), DispatchClass::Operational);
    });
}

#[test]
fn urgent_calls_pay_the_lanes_multiplier_whatever_others_pay() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let jobs: Vec<_> = (0..3).map(|_| assigned(&honest)).collect();
        let bob = Bob.to_account_id();
        let fee = |job: u64| {
            assert_eq!(applied(Bob, claim(job, &honest)), DispatchClass::Operational);
            fee_of(&bob)
        };
        let quiet = fee(jobs[0]);
        pallet_transaction_payment::NextFeeMultiplier::<Runtime>::put(FixedU128::from_u32(1_000));
        assert_eq!(fee(jobs[1]), quiet);
        pallet_time::LaneMultiplier::<Runtime>::put(FixedU128::from_u32(3));
        assert_eq!(Time::lane_multiplier(), FixedU128::from_u32(3));
        let dear = fee(jobs[2]);
        // Only the part for weight is multiplied.
        assert!(dear > quiet && dear < 3 * quiet, "{dear} after {quiet}");
    });
}
