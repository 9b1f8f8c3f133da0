//! Every decision at least once.

use super::*;
use crate::serve::memory::Output;
use assay_types::{Assignment, Delivery, H256};

const JOB: JobId = 5;
const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
const BLOCKS: JobBlocks = JobBlocks {
    min_deadline: 20,
    min_window: 10,
    max_window: 10,
};

fn me() -> AccountId {
    AccountId::new([1; 32])
}

fn policy() -> Policy {
    let bid = BidPolicy {
        price: 40,
        least: 20,
        max_bids: 2,
    };
    Policy {
        me: me(),
        bidding: [(MODEL, (bid, BLOCKS))].into(),
        taking: true,
    }
}

fn job(state: JobState) -> Job {
    Job {
        client: AccountId::new([9; 32]),
        model: MODEL,
        input_digest: H256::zero(),
        symbols: Default::default(),
        work: 0,
        ceiling: 100,
        deadline_blocks: 20,
        window_blocks: 10,
        delivery: Delivery::Digest,
        submitted_at: 1,
        tried: Default::default(),
        kept: Default::default(),
        state,
    }
}

fn assigned_to(worker: AccountId) -> JobState {
    JobState::Assigned {
        assignment: Assignment {
            worker,
            price: 40,
            locked: 80,
            hazard: 0,
        },
        deadline: 30,
    }
}

fn sealed_by(worker: AccountId) -> JobState {
    JobState::Sealed {
        assignment: Assignment {
            worker,
            price: 40,
            locked: 80,
            hazard: 0,
        },
        seal: H256::zero(),
        sealed_at: 12,
        until: 60,
    }
}

fn view(now: BlockNumber, state: JobState) -> View {
    View {
        now,
        jobs: [(JOB, job(state))].into(),
        bids: BTreeMap::new(),
        seals: BTreeMap::new(),
        demands: BTreeMap::new(),
    }
}

const BIDDING: JobState = JobState::Bidding {
    until: 10,
    reveal_until: 15,
};

#[test]
fn an_assigned_job_is_run_then_sealed_once() {
    let view = view(12, assigned_to(me()));
    let mut memory = Memory::default();
    assert_eq!(decide(&view, &memory, &policy()), [Action::Execute(JOB)]);
    memory.note(JOB, Progress::Running);
    assert_eq!(decide(&view, &memory, &policy()), []);
    memory.note(
        JOB,
        Progress::Ready(Output {
            digest: H256::zero(),
            bytes: Vec::new(),
        }),
    );
    assert_eq!(decide(&view, &memory, &policy()), [Action::Seal(JOB)]);
    memory.note_sent(JOB);
    assert_eq!(decide(&view, &memory, &policy()), []);
}

fn ready() -> Progress {
    Progress::Ready(Output {
        digest: H256::zero(),
        bytes: Vec::new(),
    })
}

#[test]
fn a_sealed_claim_is_made_when_its_draw_is_known_and_not_before() {
    let mut view = view(12, sealed_by(me()));
    let mut memory = Memory::default();
    memory.note(JOB, ready());
    assert_eq!(decide(&view, &memory, &policy()), [], "nothing is known of it");
    view.seals.insert(JOB, SealStatus::Waiting);
    assert_eq!(decide(&view, &memory, &policy()), []);
    view.seals.insert(JOB, SealStatus::Claimable);
    assert_eq!(decide(&view, &memory, &policy()), [Action::Claim(JOB)]);
    memory.note_sent(JOB);
    assert_eq!(decide(&view, &memory, &policy()), []);
}

#[test]
fn a_claim_that_was_drawn_is_said_to_be_and_not_made() {
    let mut view = view(12, sealed_by(me()));
    view.seals.insert(JOB, SealStatus::Drawn);
    let mut memory = Memory::default();
    memory.note(JOB, ready());
    assert_eq!(decide(&view, &memory, &policy()), [Action::Draw(JOB)]);
}

#[test]
fn a_worker_that_lost_its_output_after_the_seal_computes_it_anew() {
    let mut view = view(12, sealed_by(me()));
    view.seals.insert(JOB, SealStatus::Claimable);
    let mut memory = Memory::default();
    assert_eq!(decide(&view, &memory, &policy()), [Action::Execute(JOB)]);
    memory.note(JOB, Progress::Impossible("no such input".into()));
    assert_eq!(decide(&view, &memory, &policy()), [], "what is sealed is not declined");
    view.jobs.insert(JOB, job(sealed_by(AccountId::new([2; 32]))));
    assert_eq!(decide(&view, &Memory::default(), &policy()), []);
}

#[test]
fn a_demanded_output_is_computed_and_delivered_while_there_is_time() {
    let claimed = JobState::Claimed {
        assignment: Assignment {
            worker: me(),
            price: 40,
            locked: 80,
            hazard: 0,
        },
        output_digest: H256::zero(),
        window_until: 60,
    };
    let mut view = view(12, claimed);
    let mut memory = Memory::default();
    assert_eq!(decide(&view, &memory, &policy()), [], "nobody has demanded it");
    view.demands.insert(JOB, Cursor { tensor: 0, chunk: 64 });
    assert_eq!(decide(&view, &memory, &policy()), [Action::Execute(JOB)]);
    memory.note(JOB, ready());
    assert_eq!(decide(&view, &memory, &policy()), [Action::Deliver(JOB)]);
    view.now = 60;
    assert_eq!(decide(&view, &memory, &policy()), [], "it is too late");
}

#[test]
fn another_worker_s_job_is_left_alone() {
    assert_eq!(
        decide(
            &view(12, assigned_to(AccountId::new([2; 32]))),
            &Memory::default(),
            &policy()
        ),
        []
    );
}

#[test]
fn a_job_past_its_deadline_is_not_claimed() {
    let mut memory = Memory::default();
    memory.note(
        JOB,
        Progress::Ready(Output {
            digest: H256::zero(),
            bytes: Vec::new(),
        }),
    );
    assert_eq!(decide(&view(30, assigned_to(me())), &memory, &policy()), []);
}

#[test]
fn an_impossible_job_is_declined() {
    let mut memory = Memory::default();
    memory.note(JOB, Progress::Impossible("no such input".into()));
    assert_eq!(
        decide(&view(12, assigned_to(me())), &memory, &policy()),
        [Action::Decline(JOB)]
    );
}

#[test]
fn a_bid_is_committed_while_there_is_time_and_revealed_after() {
    let mut view = view(8, BIDDING);
    let mut memory = Memory::default();
    assert_eq!(
        decide(&view, &memory, &policy()),
        [Action::Commit { job: JOB, price: 40 }]
    );
    memory.note_sealed(JOB);
    view.bids.insert(JOB, false);
    assert_eq!(decide(&view, &memory, &policy()), []);
    view.now = 10;
    assert_eq!(decide(&view, &memory, &policy()), [Action::Reveal(JOB)]);
    view.jobs.insert(JOB, job(JobState::Revealing { until: 15 }));
    assert_eq!(decide(&view, &memory, &policy()), [Action::Reveal(JOB)]);
    view.now = 15;
    assert_eq!(decide(&view, &memory, &policy()), []);
}

#[test]
fn a_bid_that_a_crash_kept_from_the_chain_is_committed_with_the_same_salt() {
    let memory = Memory::new([JOB]);
    assert_eq!(
        decide(&view(8, BIDDING), &memory, &policy()),
        [Action::CommitAgain(JOB)]
    );
}

#[test]
fn a_bid_that_is_over_is_forgotten() {
    let memory = Memory::new([JOB]);
    assert_eq!(decide(&View::default(), &memory, &policy()), [Action::Forget(JOB)]);
    let lost = view(12, assigned_to(AccountId::new([2; 32])));
    assert_eq!(decide(&lost, &memory, &policy()), [Action::Forget(JOB)]);
}

#[test]
fn no_bid_is_made_on_a_job_that_does_not_have_the_blocks() {
    for (deadline_blocks, window_blocks) in [(19, 10), (20, 9), (20, 11)] {
        let mut view = view(8, BIDDING);
        let job = Job {
            deadline_blocks,
            window_blocks,
            ..job(BIDDING)
        };
        view.jobs.insert(JOB, job);
        assert_eq!(decide(&view, &Memory::default(), &policy()), []);
    }
}

#[test]
fn no_more_bids_than_the_policy_allows() {
    let jobs = (0..5).map(|id| (id, job(BIDDING))).collect();
    let view = View {
        now: 3,
        jobs,
        bids: [(0, false)].into(),
        ..View::default()
    };
    assert_eq!(
        decide(&view, &Memory::new([0]), &policy()),
        [Action::Commit { job: 1, price: 40 }]
    );
}

#[test]
fn a_worker_that_shuts_down_finishes_and_takes_nothing_new() {
    let leaving = Policy {
        taking: false,
        ..policy()
    };
    assert_eq!(decide(&view(8, BIDDING), &Memory::default(), &leaving), []);
    assert_eq!(
        decide(&view(12, assigned_to(me())), &Memory::default(), &leaving),
        [Action::Execute(JOB)]
    );
}
