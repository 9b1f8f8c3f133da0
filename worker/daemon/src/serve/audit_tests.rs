//! A worker that audits the claims of others, on a chain that goes wrong.

use super::job_loop_tests::{Serving, serving};
use crate::{
    dispute::JobExecution,
    skeleton::tests::{LOCKED, MODEL, author_until, key, until},
};
use assay_client::chain::{
    AccountId, Audit, Auditor, AuditsCall, AuditsEvent, BlockNumber, Call, DisputesCall, Event, H256, JobState,
    fake::{FakeChain, Ledger},
};
use assay_player::{Hash, trace_digest};
use assay_types::{
    JobId,
    audit::{Assurance, AuditState},
    dispute::commitment,
};
use polkadot_sdk::sp_runtime::BoundedVec;

const CLAIM: JobId = 7;

/// The worker whose claim is audited.
fn other() -> AccountId {
    AccountId::new([5; 32])
}

impl Serving {
    /// Makes a block in which this worker is drawn to audit another's claim.
    fn draw(&self, until: BlockNumber) {
        self.draw_and(until, |_| ());
    }

    /// The same of a job whose input is not on chain; the input.
    fn draw_by_digest(&self, until: BlockNumber) -> Vec<u8> {
        let mut input = None;
        self.draw_and(until, |ledger| input = ledger.inputs.remove(&CLAIM));
        input.expect("the job has one")
    }

    fn draw_and(&self, until: BlockNumber, change: impl FnOnce(&mut Ledger)) {
        let me = key().account();
        self.chain.author_with(|ledger, events| {
            self.tested.assign(ledger, events, CLAIM, &other(), 5_000);
            let audit = Audit {
                client: AccountId::new([9; 32]),
                worker: other(),
                model: MODEL,
                price: 5,
                work: 0,
                assurance: Assurance::Basic,
                ordinary: 0,
                is_certain: false,
                sealed_at: 1,
                seed: H256::zero(),
                state: AuditState::Answering { until },
                entered_at: 1,
                output: None,
                auditors: BoundedVec::truncate_from(vec![Auditor {
                    who: me.clone(),
                    locked: LOCKED,
                    fee: 6,
                    seal: None,
                    answer: None,
                }]),
                tried: BoundedVec::truncate_from(vec![me.clone()]),
                due: None,
            };
            ledger.audits.insert(CLAIM, audit);
            change(ledger);
            events.push(Event::Audits(AuditsEvent::AuditorDrawn {
                claim: CLAIM,
                auditor: me,
                until,
                locked: LOCKED,
                fee: 6,
            }));
        });
    }

    /// Makes a block in which the other worker opens its claim, which says this.
    fn open(&self, digest: H256) {
        self.chain.author_with(|ledger, events| {
            let job = ledger.jobs.get_mut(&CLAIM).expect("it is open");
            let assignment = job.state.assignment().expect("it is assigned").clone();
            job.state = JobState::Claimed {
                assignment,
                output_digest: digest,
                window_until: 5_000,
            };
            let audit = ledger.audits.get_mut(&CLAIM).expect("it was drawn");
            assert_eq!(audit.state, AuditState::Ready, "the answer is sealed first");
            (audit.output, audit.state) = (Some(digest), AuditState::Opening { until: 5_000 });
            events.push(Event::Audits(AuditsEvent::AnswersExpected {
                claim: CLAIM,
                until: 5_000,
            }));
        });
    }

    fn audit(&self) -> Audit {
        self.chain.ledger().audits[&CLAIM].clone()
    }

    async fn until_sealed(&self) {
        author_until(&self.chain, "the answer is sealed", || {
            self.audit().state == AuditState::Ready
        })
        .await;
    }

    async fn until_open(&self, state: AuditState<BlockNumber>) {
        author_until(&self.chain, "the answer is open", || self.audit().state == state).await;
    }

    /// Calls of the audits pallet that were handed in.
    fn answers(&self) -> Vec<AuditsCall> {
        let sent = self.chain.sent().into_iter();
        sent.filter_map(|call| match call {
            Call::Audits(call) => Some(call),
            _ => None,
        })
        .collect()
    }
}

#[tokio::test]
async fn a_claim_that_is_right_is_answered_once_and_beside_the_jobs_that_are_served() {
    let serving = serving(FakeChain::new()).await;
    let right = serving.tested.output_digest();
    serving.draw(5_000);
    serving.assign([1, 2]);
    serving.until_sealed().await;
    serving.pass(12).await;
    assert_eq!(serving.answers().len(), 1, "nothing is shown before the claim is open");
    serving.open(right);
    serving.until_open(AuditState::Passed).await;
    assert_eq!(serving.audit().auditors[0].answer, Some(right));
    serving.until_claimed(&[1, 2]).await;
    serving.pass(12).await;
    let answers = serving.answers();
    assert!(
        matches!(
            &answers[..],
            [AuditsCall::Answer { .. }, AuditsCall::Open { commitment: None, .. }]
        ),
        "{answers:?}"
    );
    assert!(serving.chain.ledger().disputes.is_empty());
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn an_audit_whose_event_was_lost_is_found() {
    let serving = serving(FakeChain::new()).await;
    serving.chain.author();
    serving.chain.faults(|faults| faults.lost_events = true);
    serving.draw(5_000);
    serving.until_sealed().await;
    serving.open(serving.tested.output_digest());
    serving.until_open(AuditState::Passed).await;
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_claim_that_is_wrong_is_accused_with_a_trace_and_the_game_is_played() {
    let serving = serving(FakeChain::new()).await;
    serving.draw(5_000);
    serving.until_sealed().await;
    serving.open(H256::repeat_byte(3));
    serving.until_open(AuditState::Disputed).await;
    assert_eq!(serving.audit().auditors[0].answer, Some(serving.tested.output_digest()));
    let me = key().account();
    let model = serving.tested.models.get(&H256(serving.tested.package.root()));
    let subject = model.expect("it is loaded").subject().expect("one package");
    let execution = JobExecution::new(subject, serving.tested.inputs().to_vec()).expect("inputs that fit");
    let salt = key().salts(H256::repeat_byte(1)).of(CLAIM);
    let expected = commitment::<Hash, _>(CLAIM, &me, &trace_digest(&execution), &salt);
    let game = serving.chain.ledger().disputes[&CLAIM].games[0].clone();
    assert_eq!((game.challenger, game.commitment), (me.clone(), expected));
    // The other worker is silent, and the auditor says so.
    author_until(&serving.chain, "the silence is named", || {
        serving.chain.sent().iter().any(|call| {
            let timeout = DisputesCall::ClaimTimeout {
                job: CLAIM,
                challenger: me.clone(),
            };
            *call == Call::Disputes(timeout)
        })
    })
    .await;
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_worker_that_is_killed_after_its_seal_opens_the_same_answer() {
    let serving = serving(FakeChain::new()).await;
    serving.draw(5_000);
    serving.until_sealed().await;
    let right = serving.tested.output_digest();
    let serving = serving.killed(None).await;
    serving.pass(12).await;
    serving.open(right);
    serving.until_open(AuditState::Passed).await;
    assert_eq!(serving.answers().len(), 2, "it is sealed once and opened once");
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn a_worker_that_is_killed_before_its_seal_is_in_a_block_seals_with_the_same_salt() {
    let serving = serving(FakeChain::new()).await;
    serving.chain.faults(|faults| faults.empty_blocks = true);
    serving.draw(5_000);
    until("the seal waits", || serving.answers().len() == 1).await;
    serving.chain.empty_pool();
    let serving = serving.killed(None).await;
    until("the seal is sent again", || serving.answers().len() > 1).await;
    serving.chain.faults(|faults| faults.empty_blocks = false);
    serving.until_sealed().await;
    let answers = serving.answers();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    serving.open(serving.tested.output_digest());
    serving.until_open(AuditState::Passed).await;
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn an_input_that_nobody_has_keeps_no_job_waiting_and_is_answered_once_it_comes() {
    let serving = serving(FakeChain::new()).await;
    let input = serving.draw_by_digest(5_000);
    serving.pass(12).await;
    assert_eq!(serving.answers(), []);
    serving.assign([1]);
    serving.until_claimed(&[1]).await;
    let digest = serving.chain.ledger().jobs[&CLAIM].input_digest;
    let file = serving.folder.path().join(format!("{}.bin", hex::encode(digest)));
    std::fs::write(file, input).expect("the folder can be written");
    serving.until_sealed().await;
    serving.stop.send_replace(true);
}

#[tokio::test]
async fn nothing_is_answered_that_is_too_late() {
    let serving = serving(FakeChain::new()).await;
    for _ in 0..5 {
        serving.chain.author();
    }
    serving.draw(3);
    serving.pass(12).await;
    assert_eq!(serving.answers(), []);
    serving.stop.send_replace(true);
}
