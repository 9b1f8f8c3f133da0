//! Calls that can be paused, and the state in which a pause leaves what has begun.

use crate::{
    chain::{in_first_block, pass},
    scene::{applied, apply, assigned, claim, execution, offered, origin},
};
use assay_runtime::{
    Market, Runtime, RuntimeCall, RuntimeOrigin, Time, TxPause, calls::CALLS, check_invariants, pause::BEGINNINGS,
    units::MINUTES,
};
use assay_types::{H256, JobRequest};
use polkadot_sdk::{
    frame_support::{
        assert_noop, assert_ok,
        traits::{Contains, GetCallMetadata},
    },
    frame_system,
    pallet_tx_pause::{self, RuntimeCallNameOf},
    sp_keyring::Sr25519Keyring::{Bob, Charlie},
    sp_runtime::{BoundedVec, DispatchError},
};

type Refusal = pallet_tx_pause::Error<Runtime>;

/// A call's name, as it is paused.
pub fn name(pallet: &str, call: &str) -> RuntimeCallNameOf<Runtime> {
    let bounded = |text: &str| BoundedVec::truncate_from(text.as_bytes().to_vec());
    (bounded(pallet), bounded(call))
}

/// Pauses everything that can be paused.
fn pause_everything() {
    for (pallet, call) in BEGINNINGS {
        assert_ok!(TxPause::pause(RuntimeOrigin::root(), name(pallet, call)));
    }
}

/// The call by which Charlie submits a job.
fn submission(job: u64) -> RuntimeCall {
    let job = Market::job(job).expect("it is open");
    let request = JobRequest {
        model: job.model,
        input: assay_types::JobInput::Digest {
            digest: job.input_digest,
            symbols: job.symbols.into_inner(),
        },
        ceiling: job.ceiling,
        matching: assay_types::Matching::Offers,
        deadline_blocks: job.deadline_blocks,
        window_blocks: job.window_blocks,
        delivery: job.delivery,
    };
    pallet_market::Call::<Runtime>::submit { request }.into()
}

#[test]
fn what_can_be_paused_exists_and_nobody_loses_money_by_not_making_it() {
    for (pallet, call) in BEGINNINGS {
        assert!(RuntimeCall::get_module_names().contains(pallet), "{pallet}");
        assert!(RuntimeCall::get_call_names(pallet).contains(call), "{pallet}.{call}");
        let lines = CALLS
            .iter()
            .filter(|class| class.pallet == *pallet && class.call == *call);
        for class in lines {
            assert!(class.omission_costs.is_empty(), "{class:?}");
        }
    }
}

#[test]
fn nobody_can_pause_a_call_by_whose_omission_somebody_loses_money_nor_what_carries_it() {
    in_first_block(|| {
        let carriers = [
            ("Proxy", "proxy"),
            ("Utility", "batch"),
            ("Utility", "batch_all"),
            ("Utility", "force_batch"),
            ("Multisig", "as_multi"),
            ("Balances", "transfer_keep_alive"),
            ("Disputes", "challenge"),
            ("Sessions", "challenge_receipt"),
            ("Sessions", "convict_equivocation"),
            ("Workers", "withdraw"),
            ("Sudo", "sudo"),
            ("TechnicalCommittee", "propose"),
            ("Governance", "cancel"),
            ("TxPause", "unpause"),
            ("Market", "no_such_call"),
        ];
        let urgent = CALLS
            .iter()
            .filter(|class| !class.omission_costs.is_empty())
            .map(|class| (class.pallet, class.call));
        for (pallet, call) in urgent.chain(carriers) {
            assert_noop!(
                TxPause::pause(RuntimeOrigin::root(), name(pallet, call)),
                Refusal::Unpausable
            );
        }
    });
}

#[test]
fn only_governance_pauses() {
    in_first_block(|| {
        assert_noop!(
            TxPause::pause(origin(Bob), name("Market", "submit")),
            DispatchError::BadOrigin
        );
        assert_ok!(TxPause::pause(RuntimeOrigin::root(), name("Market", "submit")));
        assert_noop!(
            TxPause::unpause(origin(Bob), name("Market", "submit")),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn a_paused_call_is_refused_and_a_batch_does_not_carry_it_past() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let submit = submission(assigned(&honest));
        pause_everything();
        let filtered: DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
        let (refused, _) = apply(Charlie, submit.clone());
        assert_eq!(refused, Ok(Err(filtered)));
        let batch = polkadot_sdk::pallet_utility::Call::<Runtime>::batch_all {
            calls: vec![submit.clone()],
        };
        let (refused, _) = apply(Charlie, batch.into());
        assert_eq!(refused, Ok(Err(filtered)));

        assert_ok!(TxPause::unpause(RuntimeOrigin::root(), name("Market", "submit")));
        applied(Charlie, submit);
    });
}

#[test]
fn time_goes_on_during_a_pause_and_what_has_begun_goes_on_to_its_end() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let [paid, missed] = [assigned(&honest), assigned(&honest)];
        pause_everything();
        let before = Time::moment();
        applied(Bob, claim(paid, &honest));
        pass(MINUTES + 2);
        assert_eq!(Time::moment(), before + MINUTES + 2);
        // The deadline counted, and so did the window.
        assert!(Market::job(missed).is_none());
        assert!(Market::job(paid).is_none());
        assert_ok!(check_invariants());
    });
}

#[test]
fn in_a_halted_chain_only_governance_makes_calls_and_time_stands_still() {
    in_first_block(|| {
        let honest = execution();
        offered(&honest);
        let job = assigned(&honest);
        let claim = claim(job, &honest);
        pallet_time::Halted::<Runtime>::put(true);
        let filtered: DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
        assert_eq!(apply(Bob, claim.clone()).0, Ok(Err(filtered)));
        let repair: RuntimeCall = frame_system::Call::<Runtime>::remark {
            remark: H256::zero().0.to_vec(),
        }
        .into();
        assert!(<Runtime as frame_system::Config>::BaseCallFilter::contains(&repair));
        pass(1);
        let before = Time::moment();
        pass(10 * MINUTES);
        assert_eq!(Time::moment(), before);
        pallet_time::Halted::<Runtime>::kill();
        applied(Bob, claim);
        assert_ok!(check_invariants());
    });
}
