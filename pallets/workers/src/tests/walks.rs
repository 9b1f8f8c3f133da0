//! Many steps at random, by a few workers and the market. After each, the whole state is checked.

use crate::{Event, mock::*};
use assay_types::{Announcement, Outcome, Slashed};
use polkadot_sdk::{
    frame_support::assert_ok,
    sp_runtime::{DispatchResult, Perbill},
};
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
    Announce(Option<u8>),
    Pause,
    Resume,
    Drain,
    Leave,
    Bid(u64),
    Job(u64),
    Release(usize, End),
    ApplySlash(u64),
    CancelSlash(u64),
    Idle,
    Wait(u64),
}

/// Way in which the market ends one of the bids and jobs that there are; the amounts are cut to what fits.
#[derive(Clone, Debug)]
enum End {
    Well {
        price: u64,
    },
    Slashed {
        declines: bool,
        to: u64,
        paid: u64,
        burned: u64,
    },
    Quietly,
    Convicted(u32, [(u64, u64); 2]),
}

/// Stage of a lock, as the market knows it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Bid,
    Unclaimed,
    Claimed,
}

/// The bids and jobs that there are: whose, how much they lock, and how far they are.
type Locks = Vec<(u64, u64, Stage)>;

fn amount() -> impl Strategy<Value = u64> {
    0..3 * MIN_STAKE
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => amount().prop_map(|price| End::Well { price }),
        2 => (any::<bool>(), ALICE..=NOBODY, amount(), amount())
            .prop_map(|(declines, to, paid, burned)| End::Slashed { declines, to, paid, burned }),
        1 => Just(End::Quietly),
        2 => (0..=100u32, [(ALICE..=NOBODY, amount()), (ALICE..=NOBODY, amount())])
            .prop_map(|(percent, awards)| End::Convicted(percent, awards)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => amount().prop_map(Step::Register),
        2 => amount().prop_map(Step::BondMore),
        3 => amount().prop_map(Step::Unbond),
        3 => Just(Step::Withdraw),
        4 => (0..3u32, 0..400u64, 0..3u32).prop_map(|(model, price, capacity)| Step::Publish(model, price, capacity)),
        1 => (0..3u32).prop_map(Step::RemoveOffer),
        2 => any::<Option<u8>>().prop_map(Step::Announce),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => Just(Step::Drain),
        1 => Just(Step::Leave),
        3 => amount().prop_map(Step::Bid),
        4 => amount().prop_map(Step::Job),
        8 => (any::<usize>(), end()).prop_map(|(place, end)| Step::Release(place, end)),
        2 => (0..8u64).prop_map(Step::ApplySlash),
        2 => (0..8u64).prop_map(Step::CancelSlash),
        2 => Just(Step::Idle),
        3 => (1..UNBONDING_BLOCKS).prop_map(Step::Wait),
    ]
}

/// Takes the step, and says what it burned: a slash at once tells its caller, one that was pending has an event.
fn take(worker: u64, step: Step, locks: &mut Locks) -> u64 {
    System::reset_events();
    let burned = act(worker, step, locks);
    let burned_late = System::events().into_iter().map(|record| match record.event {
        RuntimeEvent::Workers(Event::SlashApplied { burned, .. }) => burned,
        _ => 0,
    });
    burned + burned_late.sum::<u64>()
}

fn act(worker: u64, step: Step, locks: &mut Locks) -> u64 {
    let who = || signed(worker);
    let done: DispatchResult = match step {
        Step::Register(stake) => Workers::register(who(), stake),
        Step::BondMore(amount) => Workers::bond_more(who(), amount),
        Step::Unbond(amount) => Workers::unbond(who(), amount),
        Step::Withdraw => Workers::withdraw(who()),
        Step::Publish(number, price, capacity) => Workers::publish_offer(who(), model(number), at(price), capacity),
        Step::RemoveOffer(number) => Workers::remove_offer(who(), model(number)),
        Step::Announce(peer) => Workers::announce(who(), peer.map(node)),
        Step::Pause => Workers::pause(who()),
        Step::Resume => Workers::resume(who()),
        Step::Drain => Workers::drain(who()),
        Step::Leave => Workers::leave(who()),
        Step::Bid(ceiling) => {
            locks.extend(bid(worker, ceiling).map(|stake| (worker, stake, Stage::Bid)));
            Ok(())
        }
        Step::Job(price) => {
            locks.extend(job(worker, price).map(|stake| (worker, stake, Stage::Unclaimed)));
            Ok(())
        }
        Step::Release(place, end) => return end_one(place, end, locks),
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

/// A node with this identity; one of zero has none, and is refused.
fn node(peer: u8) -> Announcement {
    Announcement {
        peer: vec![peer; usize::from(peer.min(38))].try_into().expect("short"),
        addresses: Default::default(),
    }
}

/// Ends one of the bids and jobs as the market could; says what it burned.
fn end_one(place: usize, end: End, locks: &mut Locks) -> u64 {
    if locks.is_empty() {
        return 0;
    }
    let place = place % locks.len();
    let (worker, stake, stage) = locks.remove(place);
    let (outcome, next) = match (stage, end) {
        (Stage::Bid, End::Well { price }) => (Outcome::BidWon { price }, Some(Stage::Unclaimed)),
        (Stage::Bid, _) => (Outcome::BidLost, None),
        (
            Stage::Unclaimed,
            End::Slashed {
                declines,
                to,
                paid,
                burned,
            },
        ) => {
            let paid = paid.min(stake);
            let (beneficiary, burned) = (to, burned.min(stake - paid));
            let cost = Slashed { paid, burned };
            let outcome = match declines {
                true => Outcome::Declined { beneficiary, cost },
                false => Outcome::Missed { beneficiary, cost },
            };
            (outcome, None)
        }
        (Stage::Unclaimed, _) => (Outcome::Claimed, Some(Stage::Claimed)),
        (Stage::Claimed, End::Convicted(percent, awards)) => {
            let share = Perbill::from_percent(percent);
            (Outcome::Convicted { share, awards }, None)
        }
        (Stage::Claimed, End::Slashed { to, paid, burned, .. }) => {
            let paid = paid.min(stake);
            let (beneficiary, burned) = (to, burned.min(stake - paid));
            let cost = Slashed { paid, burned };
            (Outcome::Late { beneficiary, cost }, Some(Stage::Claimed))
        }
        (Stage::Claimed, End::Quietly) => (Outcome::Unpaid, None),
        (Stage::Claimed, End::Well { .. }) => (Outcome::Paid, None),
    };
    let released = release(worker, stake, outcome).expect("what was taken can be released");
    match next {
        Some(stage) => locks.push((worker, released.locked, stage)),
        None => assert_eq!(released.locked, 0),
    }
    released.slashed.burned
}

/// The market's books on a worker: its locked stake and its unclaimed jobs.
fn books(worker: u64, locks: &Locks) -> (u64, u32) {
    let own = || locks.iter().filter(|(whose, ..)| *whose == worker);
    let unclaimed = own().filter(|(.., stage)| *stage == Stage::Unclaimed);
    (own().map(|(_, stake, _)| stake).sum(), unclaimed.count() as u32)
}

proptest! {
    #[test]
    fn money_and_records_agree_after_every_step(
        steps in prop::collection::vec((ALICE..=CHARLIE, step()), 1..80),
    ) {
        story(|| {
            let mut expected = issuance();
            let mut locks = Locks::new();
            for (worker, step) in steps {
                expected -= take(worker, step.clone(), &mut locks);
                assert_eq!(issuance(), expected, "{step:?} by {worker}");
                assert_ok!(Workers::do_try_state());
                for worker in ALICE..=CHARLIE {
                    let locked = record(worker).map_or(0, |(_, _, locked)| locked);
                    let load = crate::Load::<Test>::get(worker, DIGITS);
                    assert_eq!((locked, load), books(worker, &locks), "{step:?} of {worker}");
                }
            }
        });
    }
}
