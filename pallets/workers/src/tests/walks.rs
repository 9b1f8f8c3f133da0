//! Many steps at random, by a few workers and the market. After each, the whole state is checked.

use crate::{Event, mock::*};
use assay_types::WorkerRegistry;
use polkadot_sdk::{frame_support::assert_ok, sp_runtime::DispatchResult};
use proptest::prelude::*;

/// Something that a worker or the market does.
#[derive(Clone, Debug)]
enum Step {
    Register(u64),
    BondMore(u64),
    Unbond(u64),
    Withdraw,
    Publish(u32, u64, u32),
    RemoveOffer(u32),
    Pause,
    Resume,
    Drain,
    Leave,
    Lock(u64),
    Unlock(u64),
    Slash(u64, u64, u64),
    SlashLater(u64, [(u64, u64); 2]),
    ApplySlash(u64),
    CancelSlash(u64),
    Idle,
    Wait(u64),
}

fn amount() -> impl Strategy<Value = u64> {
    0..3 * MIN_STAKE
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => amount().prop_map(Step::Register),
        2 => amount().prop_map(Step::BondMore),
        3 => amount().prop_map(Step::Unbond),
        3 => Just(Step::Withdraw),
        4 => (0..3u32, 0..400u64, 0..3u32).prop_map(|(model, price, capacity)| Step::Publish(model, price, capacity)),
        1 => (0..3u32).prop_map(Step::RemoveOffer),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Drain),
        1 => Just(Step::Leave),
        4 => amount().prop_map(Step::Lock),
        3 => amount().prop_map(Step::Unlock),
        2 => (amount(), ALICE..=NOBODY, amount()).prop_map(|(amount, to, paid)| Step::Slash(amount, to, paid)),
        3 => (amount(), [(ALICE..=NOBODY, amount()), (ALICE..=NOBODY, amount())])
            .prop_map(|(amount, awards)| Step::SlashLater(amount, awards)),
        2 => (0..8u64).prop_map(Step::ApplySlash),
        2 => (0..8u64).prop_map(Step::CancelSlash),
        2 => Just(Step::Idle),
        3 => (1..UNBONDING_BLOCKS).prop_map(Step::Wait),
    ]
}

/// Takes the step, and says what it burned: a slash at once tells its caller, one that was pending has an event.
fn take(worker: u64, step: Step) -> u64 {
    System::reset_events();
    let burned = act(worker, step);
    let burned_late = System::events().into_iter().map(|record| match record.event {
        RuntimeEvent::Workers(Event::SlashApplied { burned, .. }) => burned,
        _ => 0,
    });
    burned + burned_late.sum::<u64>()
}

fn act(worker: u64, step: Step) -> u64 {
    let who = || signed(worker);
    let done: DispatchResult = match step {
        Step::Register(stake) => Workers::register(who(), stake),
        Step::BondMore(amount) => Workers::bond_more(who(), amount),
        Step::Unbond(amount) => Workers::unbond(who(), amount),
        Step::Withdraw => Workers::withdraw(who()),
        Step::Publish(number, price, capacity) => Workers::publish_offer(who(), model(number), price, capacity),
        Step::RemoveOffer(number) => Workers::remove_offer(who(), model(number)),
        Step::Pause => Workers::pause(who()),
        Step::Resume => Workers::resume(who()),
        Step::Drain => Workers::drain(who()),
        Step::Leave => Workers::leave(who()),
        Step::Lock(stake) => {
            let _ = <Workers as WorkerRegistry<_, _>>::lock(&worker, stake);
            Ok(())
        }
        Step::Unlock(stake) => <Workers as WorkerRegistry<_, _>>::unlock(&worker, stake),
        Step::Slash(amount, beneficiary, paid) => {
            return Workers::slash(&worker, amount, &beneficiary, paid).map_or(0, |slashed| slashed.burned);
        }
        Step::SlashLater(amount, awards) => {
            <Workers as WorkerRegistry<_, _>>::slash_later(&worker, amount, awards).map(|_| ())
        }
        Step::ApplySlash(slash) => Workers::apply_slash(who(), slash),
        Step::CancelSlash(slash) => Workers::cancel_slash(RuntimeOrigin::root(), slash),
        Step::Idle => {
            idle_to(System::block_number());
            Ok(())
        }
        Step::Wait(blocks) => {
            advance_to(System::block_number() + blocks);
            Ok(())
        }
    };
    // Refusals are part of a walk: the state is checked after them, too.
    let _ = done;
    0
}

proptest! {
    #[test]
    fn money_and_records_agree_after_every_step(
        steps in prop::collection::vec((ALICE..=CHARLIE, step()), 1..80),
    ) {
        story(|| {
            let mut expected = issuance();
            for (worker, step) in steps {
                expected -= take(worker, step.clone());
                assert_eq!(issuance(), expected, "{step:?} by {worker}");
                assert_ok!(Workers::do_try_state());
            }
        });
    }
}
