//! Attacks on the rules of disputes, each with what it costs its author: mass challenges of a worker that is away,
//! copied proofs, and liars that challenge themselves.

use super::verdicts::{WAY, known, liar, model, narrow_down, said};
use crate::{Awards, Error, Event, FirstAward, mock::*};
use assay_adversary::{Downstream, InMemory, Liar, Lie, Manner, Random, graphs};
use assay_exact::judge::Proof;
use assay_player::{
    Defence, Execution, Finding, Honest, InFlight, Reveals as Known, Statements, View, defend, find, prove as build,
};
use assay_types::{
    JobId,
    dispute::{FindingOpening, Place, Side},
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// The finder's part of what a convicted worker loses that had its whole stake.
pub(super) const REWARD: u64 = 3 * (STAKE / 2) / 10;

/// The proof of the lie of these tests, in the dispute over this job.
pub(super) fn proof(job: JobId, honest: &InMemory) -> Proof {
    let head = dispute(job).and_then(|dispute| dispute.trace).expect("is revealed");
    build(honest, &head, &known(job, &WAY), &WAY[2], 300).expect("it is wrong")
}

/// Answers everything, and lets `challenger` point at the lie, from where its game stands to the chunk.
pub(super) fn go_on(job: JobId, challenger: u64, honest: &InMemory, worker: &dyn Statements) {
    for place in WAY {
        if game(job, challenger).place != place {
            continue;
        }
        if game(job, challenger).turn == Side::Worker {
            assert_ok!(reveal(job, said(worker, place)));
        }
        let revealed: Known = WAY
            .iter()
            .filter_map(|place| Some((*place, revealed(job, *place)?)))
            .collect();
        if let Finding::Entry(entry) = find(honest, &place, &revealed).expect("all is known") {
            assert_ok!(point(challenger, job, place, entry));
        }
    }
}

pub(super) fn first_award(slash: u64) -> (u64, u64) {
    pallet_workers::PendingSlashes::<Test>::get(slash)
        .expect("is pending")
        .awards[0]
}

/// C3: the liar answers a challenge with one batch in which it challenges itself, reveals, points and proves. The older
/// challenger comes first.
#[test]
fn a_liar_that_is_challenged_cannot_convict_itself_first() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        let before = [CHALLENGER, WORKER].map(balance);
        assert_ok!(challenge_as_finder(CHALLENGER, job, &honest));
        advance(1);

        assert_ok!(challenge_as_finder(WORKER, job, &honest));
        go_on(job, WORKER, &honest, &liar);
        let finding = finding(WORKER, &honest, 2, 300);
        let convicts = || prove_with(WORKER, job, proof(job, &honest), 300, Some(finding.clone()));
        assert_noop!(convicts(), Error::<Test>::OlderGameFirst);

        // Once the watcher has pointed at the same operator, whoever proves it convicts, and the watcher is the finder.
        assert_ok!(point(CHALLENGER, job, WAY[0], 2));
        assert_ok!(convicts());
        assert_eq!(first_award(0), (WORKER, REWARD));
        assert_ok!(claim_award(CHALLENGER, 0, shown(CHALLENGER, &honest)));
        assert_eq!(first_award(0), (CHALLENGER, REWARD));
        assert_noop!(claim_award(WORKER, 0, finding), Error::<Test>::NoSuchAward);
        advance(SLASH_DELAY);
        assert_eq!(
            [CHALLENGER, WORKER].map(balance),
            [before[0] + REWARD, before[1] - STAKE / 2]
        );
    });
}

/// Opening by an account that has made this execution, of the element that convicts in these tests.
fn shown(account: u64, honest: &InMemory) -> FindingOpening {
    finding(account, honest, 2, 300)
}

/// C3: a copier sends the finder's proof first. It has executed nothing, and gets nothing.
#[test]
fn a_copier_that_is_first_in_the_last_block_has_nothing() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        let before = [CHALLENGER, SECOND].map(balance);
        assert_ok!(challenge_as_finder(CHALLENGER, job, &honest));
        go_on(job, CHALLENGER, &honest, &liar);
        let seen = proof(job, &honest);
        assert_ok!(challenge(SECOND, job));
        go_on(job, SECOND, &honest, &liar);
        assert_ok!(prove(SECOND, job, seen.clone(), 300));
        assert_noop!(prove(CHALLENGER, job, seen, 300), Error::<Test>::NotDisputed);

        // Nobody has shown anything yet. What the finder shows in the pool opens the finder's commitment and no other.
        assert_eq!(first_award(0), (SECOND, 0));
        let copied = shown(CHALLENGER, &honest);
        assert_noop!(
            claim_award(SECOND, 0, copied.clone()),
            Error::<Test>::CommitmentMismatch
        );
        assert_noop!(claim_award(PUBLISHER, 0, copied.clone()), Error::<Test>::NotFinder);
        assert_ok!(claim_award(CHALLENGER, 0, copied));
        advance(SLASH_DELAY);
        assert_eq!([CHALLENGER, SECOND].map(balance), [before[0] + REWARD, before[1]]);
    });
}

#[test]
fn the_oldest_finder_has_the_award_whoever_shows_it_first() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        assert_ok!(challenge_as_finder(CHALLENGER, job, &honest));
        assert_ok!(challenge_as_finder(SECOND, job, &honest));
        assert_ok!(challenge_as_finder(PUBLISHER, job, &honest));
        for challenger in [CHALLENGER, SECOND, PUBLISHER] {
            go_on(job, challenger, &honest, &liar);
        }
        let convicting = prove_with(
            PUBLISHER,
            job,
            proof(job, &honest),
            300,
            Some(shown(PUBLISHER, &honest)),
        );
        assert_ok!(convicting);
        assert_eq!(first_award(0), (PUBLISHER, REWARD));
        assert_ok!(claim_award(SECOND, 0, shown(SECOND, &honest)));
        assert_eq!(first_award(0), (SECOND, REWARD));
        assert_noop!(
            claim_award(PUBLISHER, 0, shown(PUBLISHER, &honest)),
            Error::<Test>::NotFinder
        );
        assert_ok!(claim_award(CHALLENGER, 0, shown(CHALLENGER, &honest)));
        assert_eq!(first_award(0), (CHALLENGER, REWARD));
        assert_noop!(
            claim_award(SECOND, 0, shown(SECOND, &honest)),
            Error::<Test>::NoSuchAward
        );
        assert!(events().contains(&Event::AwardClaimed {
            job,
            slash: 0,
            challenger: CHALLENGER,
            amount: REWARD
        }));
    });
}

#[test]
fn a_finding_that_does_not_open_does_not_keep_a_proof_from_convicting() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        assert_ok!(challenge_as_finder(CHALLENGER, job, &honest));
        go_on(job, CHALLENGER, &honest, &liar);
        let of_another = shown(SECOND, &honest);
        assert_ok!(prove_with(CHALLENGER, job, proof(job, &honest), 300, Some(of_another)));
        assert_eq!(first_award(0), (CHALLENGER, 0));
        check();
        assert_ok!(claim_award(CHALLENGER, 0, shown(CHALLENGER, &honest)));
    });
}

#[test]
fn an_award_that_nobody_claims_in_time_is_burned_and_forgotten() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        let before = balance(CHALLENGER);
        narrow_down(job, &honest, &liar, CHALLENGER);
        assert_ok!(prove(CHALLENGER, job, proof(job, &honest), 300));
        assert_noop!(
            claim_award(CHALLENGER, 0, shown(CHALLENGER, &honest)),
            Error::<Test>::CommitmentMismatch
        );
        advance(AWARD);
        assert!(Awards::<Test>::contains_key(0));
        advance(1);
        assert!(!Awards::<Test>::contains_key(0));
        assert_eq!(FirstAward::<Test>::get(), 1);
        assert_noop!(
            claim_award(CHALLENGER, 0, shown(CHALLENGER, &honest)),
            Error::<Test>::NoSuchAward
        );
        advance(SLASH_DELAY);
        assert_eq!(balance(CHALLENGER), before);
    });
}

/// A liar that challenges itself before anybody else does, with the right trace, has the finder's part of its own
/// slash.
#[test]
fn a_liar_that_challenges_itself_first_still_loses_most_of_what_a_fault_costs() {
    TestExt::new().execute_with(|| {
        let honest = model();
        let liar = liar(&honest);
        let job = claimed(liar.pretended());
        // Its second account, and it is its own client.
        let party = [WORKER, SECOND, CLIENT];
        let before: u64 = party.map(balance).iter().sum();
        assert_ok!(challenge_as_finder(SECOND, job, &honest));
        go_on(job, SECOND, &honest, &liar);
        let finding = Some(shown(SECOND, &honest));
        assert_ok!(prove_with(SECOND, job, proof(job, &honest), 300, finding));
        advance(SLASH_DELAY);
        let after: u64 = party.map(balance).iter().sum();
        assert_eq!(before - after, STAKE / 2 - REWARD - 2 * LOCKED / 10);
        assert!(before - after > 6 * LOCKED, "it loses several times what the job locks");
    });
}

/// A liar may contradict itself at a later operator, and convict itself there by an element that no right trace has. It
/// cannot do so before an older challenger has shown the first fault.
#[test]
fn a_later_contradiction_does_not_come_before_an_older_game() {
    TestExt::new().execute_with(|| {
        let honest = graphs::wide(&mut Random(11), 700);
        // A positive number, of which operator 2 keeps every bit.
        let truth = assay_player::node(&honest, 1).expect("it is in memory");
        let is_positive = |bits: u32| (0x3000_0000..0x4f00_0000).contains(&bits);
        let element = truth.numbers().position(|number| is_positive(number.to_bits()));
        let element = element.expect("half of them are") as u64;
        let chunk = element / 256;
        let lie = Lie::Element {
            operator: 1,
            element,
            bits: 1 << 22,
            downstream: Downstream::Kept,
        };
        let liar = Liar::new(&honest, &lie, Manner::Answers).expect("it is in memory");
        let liar = liar.expect("another bit is another number");
        let job = claimed(liar.pretended());
        assert_ok!(challenge_as_finder(CHALLENGER, job, &honest));
        // Operator 2 is right for the right operands, which are not the worker's.
        assert_ok!(challenge(SECOND, job));
        let later = [
            Place::Trace,
            Place::Tensor { operator: 2 },
            Place::Chunk { operator: 2, chunk },
        ];
        for (place, entry) in [(later[0], 2), (later[1], chunk as u32)] {
            if game(job, SECOND).turn == Side::Worker {
                assert_ok!(reveal(job, said(&liar, place)));
            }
            assert_ok!(point(SECOND, job, place, entry));
        }
        assert_ok!(reveal(job, said(&liar, later[2])));
        let pretended: &dyn Execution = liar.pretended();
        let operands = assay_player::operands(pretended, 2).expect("they are in memory");
        let operands: Vec<_> = operands.iter().map(|operand| &**operand).collect();
        let contradiction =
            assay_player::openings(pretended).prove_element::<assay_player::Hash>(2, &operands, element);
        let contradiction = contradiction.expect("the operands are whole");
        let convicts = || prove(SECOND, job, contradiction.clone(), element);
        assert_noop!(convicts(), Error::<Test>::OlderGameFirst);

        // The older challenger points at the first fault. While it may prove it, the younger one cannot be late.
        assert_ok!(point(CHALLENGER, job, Place::Trace, 1));
        assert_noop!(convicts(), Error::<Test>::OlderGameFirst);
        run_down(job, SECOND);
        assert_noop!(timeout(SECOND, job), Error::<Test>::OlderGameFirst);
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        let tensor = Place::Tensor { operator: 1 };
        assert_ok!(answer_late(job, said(&liar, tensor)));
        // An older challenger that lets its time pass makes way, and the younger one has the time for its proof.
        run_down(job, CHALLENGER);
        assert_ok!(timeout(CHALLENGER, job));
        assert!(!game(job, SECOND).clock.is_over(now() + LEAST_TURN));
        assert_ok!(convicts());
    });
}

/// A worker with claims that are all right, and what it plays while it is there.
struct Away<'a> {
    honest: &'a InMemory,
    jobs: Vec<JobId>,
}

impl Away<'_> {
    /// A block: everybody says what it can say, the worker only if it is there.
    fn play_block(&self, is_there: bool) {
        for job in &self.jobs {
            let Some(dispute) = dispute(*job) else { continue };
            for game in &dispute.games {
                // Refused as long as the clock runs, or the worker may still answer.
                let _refused = timeout(game.challenger, *job).is_err();
            }
        }
        for job in self.jobs.iter().filter(|_| is_there) {
            let Some(dispute) = dispute(*job) else { continue };
            let reveals = Known::new();
            let view = View {
                best: now(),
                dispute: &dispute,
                reveals: &reveals,
            };
            for due in defend(&view, &WORKER, true, &InFlight::<u64, u64>::default()) {
                let done = match due {
                    Defence::Reveal(place) => reveal(*job, said(&Honest(self.honest), place)),
                    Defence::AnswerLate(place) => answer_late(*job, said(&Honest(self.honest), place)),
                    Defence::Timeout(_) | Defence::Execute => Ok(()),
                };
                // What is due in the next block may be refused in this one.
                let _early = done.is_err();
            }
        }
        check();
        advance(1);
    }
}

/// C1: an honest worker is challenged on all of its open claims in one block, and is away for less than the time of
/// late answers. It loses fees and its pay, and whoever challenges it is poorer in the end.
#[test]
fn an_honest_worker_that_is_challenged_everywhere_while_it_is_away_is_not_robbed() {
    let mut random = Random(77);
    let honest = model();
    for _ in 0..20 {
        TestExt::new().execute_with(|| {
            let count = 1 + random.below(10);
            let jobs: Vec<JobId> = (0..count).map(|_| claimed(&honest)).collect();
            let crowd = || (CROWD..CROWD + count).map(balance).sum::<u64>();
            let (attackers, worker) = (crowd(), balance(WORKER));
            for (challenger, job) in (CROWD..).zip(&jobs) {
                assert_ok!(challenge(challenger, *job));
            }
            let away = random.below(LATE_ANSWER - 2);
            let played = Away { honest: &honest, jobs };
            let began = now();
            while crate::Disputes::<Test>::iter_keys().next().is_some() {
                played.play_block(now() >= began + away);
                assert!(now() < began + 3_000, "the disputes do not end");
            }
            advance(REOPEN + WINDOW + 1);

            assert_eq!(pallet_workers::PendingSlashes::<Test>::iter_keys().count(), 0);
            let fees = events().into_iter().map(|event| match event {
                Event::AnsweredLate { paid, burned, .. } => paid + burned,
                _ => 0,
            });
            let fees = fees.collect::<Vec<_>>();
            // Only clocks that were running have run out: those of the oldest disputes.
            let late = fees.iter().filter(|fee| **fee > 0).count();
            assert!(late <= CALLED, "{late} of {count} are late after {away} blocks");
            let fees: u64 = fees.iter().sum();
            assert!(fees <= (CALLED as u64) * LATE_FEE);
            assert_eq!(stake(), STAKE - fees);
            assert!(balance(WORKER) + fees >= worker, "it has lost more than fees");
            assert!(crowd() < attackers, "challenging honest work was worth it");
        });
    }
}
