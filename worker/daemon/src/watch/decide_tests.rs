//! Which claims are executed and challenged, and in which order.

use super::*;
use assay_player::watch::{Models, Sampling};
use assay_types::{Assignment, Delivery};
use polkadot_sdk::sp_runtime::{BoundedVec, Perbill};

const ME: AccountId = AccountId::new([1; 32]);
const WORKER: AccountId = AccountId::new([2; 32]);
const NOW: BlockNumber = 100;
const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };

fn policy() -> WatchPolicy<Balance> {
    WatchPolicy {
        models: Models::All,
        sampling: Sampling {
            least: Perbill::one(),
            full_price: 0,
        },
        own: false,
        max_open: 8,
        max_bond: Balance::MAX,
    }
}

fn job(worker: &AccountId, window_until: BlockNumber, disputed: bool) -> Job {
    let assignment = Assignment {
        worker: worker.clone(),
        price: 5,
        locked: 50,
        hazard: 0,
    };
    let output_digest = H256::repeat_byte(1);
    Job {
        client: AccountId::new([9; 32]),
        model: MODEL,
        input_digest: H256::zero(),
        symbols: BoundedVec::new(),
        work: 0,
        ceiling: 5,
        deadline_blocks: 10,
        window_blocks: 10,
        delivery: Delivery::Digest,
        submitted_at: 1,
        tried: BoundedVec::new(),
        kept: Default::default(),
        state: if disputed {
            JobState::Disputed {
                assignment,
                output_digest,
                window_until,
            }
        } else {
            JobState::Claimed {
                assignment,
                output_digest,
                window_until,
            }
        },
    }
}

fn with(jobs: &[(JobId, Job)]) -> Sample {
    let mut memory = Sample::default();
    for (id, job) in jobs {
        memory.take(*id, Some(job), NOW, &ME, &policy(), &[0; 32]);
    }
    memory
}

fn due(memory: &Sample, best: BlockNumber) -> Vec<Step> {
    decide(memory, &ME, best, &BTreeMap::new(), 8)
}

fn wrong(memory: &mut Sample, job: JobId) {
    memory.note(job, Check::Wrong(H256::repeat_byte(2)));
}

#[test]
fn the_claim_whose_window_ends_first_comes_first() {
    let memory = with(&[
        (1, job(&WORKER, 300, false)),
        (2, job(&WORKER, 120, false)),
        (3, job(&WORKER, 200, false)),
    ]);
    assert_eq!(due(&memory, NOW), [2, 3, 1].map(Step::Check));
}

#[test]
fn a_claim_of_another_output_is_checked_anew() {
    let claimed = job(&WORKER, 300, false);
    let mut memory = with(&[(1, claimed.clone())]);
    wrong(&mut memory, 1);
    memory.take(1, Some(&claimed), NOW + 1, &ME, &policy(), &[0; 32]);
    assert_eq!(due(&memory, NOW + 1), [Step::Challenge(1)], "the same claim");
    let mut other = claimed;
    if let JobState::Claimed { output_digest, .. } = &mut other.state {
        *output_digest = H256::repeat_byte(3);
    }
    memory.take(1, Some(&other), NOW + 2, &ME, &policy(), &[0; 32]);
    assert_eq!(due(&memory, NOW + 2), [Step::Check(1)]);
}

#[test]
fn only_what_was_executed_and_differs_is_challenged() {
    let mut memory = with(&(1..=4).map(|id| (id, job(&WORKER, 300, false))).collect::<Vec<_>>());
    memory.note(1, Check::Right);
    memory.note(2, Check::Impossible);
    memory.note(3, Check::Running);
    wrong(&mut memory, 4);
    assert_eq!(due(&memory, NOW), [Step::Challenge(4)]);
    memory.note_sending(4);
    assert_eq!(due(&memory, NOW), []);
    memory.note_sent(4, NOW + 5);
    assert_eq!(due(&memory, NOW + 4), []);
    assert_eq!(due(&memory, NOW + 5), [Step::Challenge(4)]);
    let summary = memory.summary(&Standing::default());
    assert_eq!(
        (summary.seen, summary.checked, summary.unchecked, summary.wrong),
        (4, 2, 1, 1)
    );
}

#[test]
fn a_window_that_is_over_is_too_late() {
    let mut memory = with(&[(1, job(&WORKER, 120, false)), (2, job(&WORKER, NOW, false))]);
    assert!(memory.claim(2).is_none());
    wrong(&mut memory, 1);
    assert_eq!(due(&memory, 119), [Step::Challenge(1)]);
    assert_eq!(due(&memory, 120), []);
}

#[test]
fn a_claim_that_somebody_else_disputes_is_left_to_them_for_a_while() {
    let mut memory = with(&[(1, job(&WORKER, 90, true))]);
    wrong(&mut memory, 1);
    assert_eq!(due(&memory, NOW), []);
    let read_again = job(&WORKER, 90, true);
    memory.take(1, Some(&read_again), NOW + 40, &ME, &policy(), &[0; 32]);
    assert_eq!(due(&memory, NOW + LEFT_TO_OTHERS_BLOCKS), [Step::Challenge(1)]);
    // The other challenger has lost, and the window is open anew.
    let upheld = job(&WORKER, NOW + 60, false);
    memory.take(1, Some(&upheld), NOW + 41, &ME, &policy(), &[0; 32]);
    assert_eq!(due(&memory, NOW + 42), [Step::Challenge(1)]);
}

#[test]
fn what_is_being_played_is_not_challenged_again_and_counts() {
    let mut memory = with(&[(1, job(&WORKER, 300, false)), (2, job(&WORKER, 310, false))]);
    wrong(&mut memory, 1);
    wrong(&mut memory, 2);
    let playing = BTreeMap::from([(1, 7)]);
    assert_eq!(decide(&memory, &ME, NOW, &playing, 2), [Step::Challenge(2)]);
    assert_eq!(decide(&memory, &ME, NOW, &playing, 1), []);
}

#[test]
fn own_claims_are_checked_only_if_asked_for_and_never_challenged() {
    let own = job(&ME, 300, false);
    assert_eq!(due(&with(&[(1, own.clone())]), NOW), []);
    let mut memory = Sample::default();
    let policy = WatchPolicy { own: true, ..policy() };
    memory.take(1, Some(&own), NOW, &ME, &policy, &[0; 32]);
    assert_eq!(due(&memory, NOW), [Step::Check(1)]);
    wrong(&mut memory, 1);
    assert_eq!(due(&memory, NOW), []);
}

#[test]
fn a_claim_that_is_closed_is_forgotten_and_counted_once() {
    let claimed = job(&WORKER, 300, false);
    let mut memory = with(&[(1, claimed.clone())]);
    memory.take(1, Some(&claimed), NOW, &ME, &policy(), &[0; 32]);
    memory.take(1, None, NOW, &ME, &policy(), &[0; 32]);
    assert_eq!(due(&memory, NOW), []);
    assert_eq!(memory.summary(&Standing::default()).seen, 1);
}

#[test]
fn no_more_checks_are_begun_than_the_engine_has_room_for() {
    let jobs: Vec<_> = (0..200).map(|id| (id, job(&WORKER, 300, false))).collect();
    let mut memory = with(&jobs);
    assert_eq!(due(&memory, NOW).len(), CHECKS);
    memory.note(0, Check::Running);
    memory.note(1, Check::Searching);
    assert_eq!(due(&memory, NOW).len(), CHECKS - 2);
}
