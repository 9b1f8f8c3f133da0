//! The pallet as the court on which players meet.

use crate::{Event, mock::*};
use assay_adversary::{
    Account, BadChallenger, Challenger, Conviction, Court, Outcome, PlayedDispute, Random, WORKER as OTHER, play,
};
use assay_exact::judge::Proof;
use assay_player::{Execution, Reveals, Statements};
use assay_types::{
    H256, HostBlake2, JobId, SlashId,
    dispute::{Clock, Dispute, Fault, FindingOpening, Game, Place, Statement, commitment},
};
use polkadot_sdk::sp_runtime::BoundedVec;

/// A job on the mock chain, in whose externalities it is played.
pub struct OnChain {
    job: JobId,
}

impl OnChain {
    /// A new claim by the worker, of an execution that it has made or pretends to have made.
    pub fn new(claim: &dyn Execution) -> Self {
        Self { job: claimed(claim) }
    }

    /// The slash of the conviction, if there is one.
    fn slash(&self) -> Option<SlashId> {
        events().into_iter().find_map(|event| match event {
            Event::WorkerConvicted { job, slash, .. } if job == self.job => Some(slash),
            _ => None,
        })
    }

    /// Costs of late answers to the worker.
    fn fees(&self) -> u64 {
        let fees = events().into_iter().map(|event| match event {
            Event::AnsweredLate { job, paid, burned, .. } if job == self.job => paid + burned,
            _ => 0,
        });
        fees.sum()
    }
}

fn account(player: Account) -> u64 {
    if player == OTHER {
        WORKER
    } else {
        CROWD + u64::from(player)
    }
}

fn player(account: u64) -> Account {
    if account == WORKER {
        OTHER
    } else {
        (account - CROWD) as Account
    }
}

impl Court for OnChain {
    fn now(&self) -> u32 {
        now() as u32
    }

    fn advance(&mut self) {
        advance(1);
    }

    fn dispute(&self) -> Option<PlayedDispute> {
        let dispute = dispute(self.job)?;
        let games = dispute.games.into_iter().map(|game| Game {
            challenger: player(game.challenger),
            commitment: game.commitment,
            bond: game.bond.into(),
            place: game.place,
            digest: game.digest,
            tensor: game.tensor,
            turn: game.turn,
            clock: Clock {
                worker_left: game.clock.worker_left as u32,
                challenger_left: game.clock.challenger_left as u32,
                turn_began: game.clock.turn_began as u32,
                deadline: game.clock.deadline as u32,
            },
        });
        Some(Dispute {
            id: dispute.id,
            worker: player(dispute.worker),
            client: 0,
            version: dispute.version,
            definition: dispute.definition,
            locked: dispute.locked.into(),
            committed: dispute.committed,
            trace: dispute.trace,
            waits: dispute.waits,
            late_until: dispute.late_until.map(|until| until as u32),
            games: BoundedVec::truncate_from(games.collect()),
        })
    }

    fn reveals(&self) -> Reveals {
        match dispute(self.job) {
            Some(dispute) => crate::Reveals::<Test>::iter_prefix(dispute.id).collect(),
            None => Reveals::new(),
        }
    }

    fn lost(&self) -> Vec<Account> {
        let lost = events().into_iter().filter_map(|event| match event {
            Event::ChallengeFailed { job, challenger, .. } if job == self.job => Some(player(challenger)),
            _ => None,
        });
        lost.collect()
    }

    fn conviction(&self) -> Option<Conviction> {
        events().into_iter().find_map(|event| match event {
            Event::WorkerConvicted {
                job, challenger, fault, ..
            } if job == self.job => Some(Conviction {
                challenger: player(challenger),
                fault,
            }),
            _ => None,
        })
    }

    fn challenge(&mut self, challenger: Account, trace_digest: [u8; 32], salt: [u8; 32]) -> bool {
        let challenger = account(challenger);
        let sealed: H256 = commitment::<HostBlake2, _>(self.job, &challenger, &trace_digest, &salt);
        Disputes::challenge(signed(challenger), self.job, sealed).is_ok()
    }

    fn reveal(&mut self, statement: Statement) -> bool {
        reveal(self.job, statement).is_ok()
    }

    fn answer_late(&mut self, statement: Statement) -> bool {
        answer_late(self.job, statement).is_ok()
    }

    fn point(&mut self, challenger: Account, place: Place, entry: u32) -> bool {
        point(account(challenger), self.job, place, entry).is_ok()
    }

    fn prove(
        &mut self,
        challenger: Account,
        proof: Box<Proof>,
        element: u64,
        finding: Option<Box<FindingOpening>>,
    ) -> bool {
        let finding = finding.map(|finding| *finding);
        prove_with(account(challenger), self.job, *proof, element, finding).is_ok()
    }

    fn claim_award(&mut self, challenger: Account, finding: Box<FindingOpening>) -> bool {
        let slash = self.slash().expect("the worker is convicted");
        claim_award(account(challenger), slash, *finding).is_ok()
    }

    fn claim_timeout(&mut self, challenger: Account) -> bool {
        timeout(account(challenger), self.job).is_ok()
    }
}

/// Lets players meet over a new claim, on the chain around, and sees to it that nobody honest has paid.
pub fn meet(
    random: &mut Random,
    claim: &dyn Execution,
    worker: &dyn Statements,
    late_blocks: u32,
    execution: &dyn Execution,
    challengers: &[Challenger],
) -> Outcome {
    let money = || {
        (0..challengers.len() as Account)
            .map(|player| balance(account(player)))
            .collect::<Vec<_>>()
    };
    let (workers, before) = (balance(WORKER), money());
    let mut court = OnChain::new(claim);
    let outcome = play(&mut court, random, worker, late_blocks, execution, challengers);
    let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
    check();
    assert_eq!(
        dispute(court.job),
        None,
        "the dispute goes on after {} blocks",
        outcome.blocks
    );

    let lost = &outcome.lost;
    for (player, (before, after)) in (0..).zip(before.iter().zip(money())) {
        // A slash from an earlier dispute may have matured.
        assert!(
            lost.contains(&player) || after >= *before,
            "{player} has paid and not lost"
        );
        assert_eq!(bonded(account(player)), 0);
    }
    let pending = pallet_workers::PendingSlashes::<Test>::iter_values().collect::<Vec<_>>();
    match (&outcome.conviction, pending.as_slice()) {
        (None, []) => {
            let worked = balance(WORKER) + court.fees();
            assert!(worked > workers, "its part of every lost bond is the worker's");
        }
        (Some(conviction), [slash]) => {
            assert!(
                slash.amount >= STAKE / 2 - court.fees(),
                "a fault costs half of the stake"
            );
            let awarded: u64 = slash.awards.iter().map(|(_, amount)| amount).sum();
            assert!(2 * awarded <= slash.amount, "half of it is burned");
            check_award(conviction, &outcome.finders, challengers, &slash.awards[0]);
            advance(SLASH_DELAY);
            let (bonds, amount) = (8 * BOND * 128, slash.amount);
            assert!(balance(WORKER) < workers + bonds - amount);
        }
        (conviction, slashes) => panic!("{conviction:?} with {slashes:?}"),
    }
    start_again();
    // The window of a claim that was upheld is over before the next one.
    advance(REOPEN + WINDOW + 1);
    settle_events();
    outcome
}

/// The award of silence is the oldest challenger's; that of a proof is the oldest honest one's, if it had begun before
/// the game that convicts, and nobody's that has executed nothing.
fn check_award(conviction: &Conviction, finders: &[Account], challengers: &[Challenger], award: &(u64, u64)) {
    let (paid_to, amount) = (player(award.0), award.1);
    if let Fault::Silence { .. } = conviction.fault {
        assert_eq!((Some(&paid_to), conviction.challenger), (finders.first(), paid_to));
        assert!(amount > 0);
        return;
    }
    let is_honest = |me: &Account| challengers[*me as usize] == Challenger::Honest;
    let place = |me: Account| finders.iter().position(|other| *other == me);
    let oldest = finders.iter().copied().find(is_honest);
    if let Some(oldest) = oldest.filter(|oldest| place(*oldest) <= place(conviction.challenger)) {
        assert!(amount > 0, "the finder has nothing");
        assert_eq!(paid_to, oldest);
    } else if amount > 0 {
        assert!(is_honest(&paid_to), "whoever has found nothing is paid");
    }
}

/// Up to `most` challengers that play badly.
pub fn bad_challengers(random: &mut Random, most: u64) -> Vec<Challenger> {
    let count = random.below(most + 1);
    let bad = (0..count).map(|_| match random.once_in(4) {
        true => Challenger::Copier,
        false => Challenger::Bad(random.one(&BadChallenger::ALL)),
    });
    bad.collect()
}
