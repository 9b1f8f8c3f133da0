//! The pallet as the court on which players meet.

use crate::{Event, mock::*};
use assay_adversary::{
    Account, BadChallenger, Challenger, Conviction, Court, Outcome, PlayedDispute, Random, WORKER as OTHER, play,
};
use assay_exact::judge::Proof;
use assay_player::{Execution, Reveals, Statements};
use assay_types::{
    JobId,
    dispute::{Clock, Dispute, Game, Place, Statement},
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
            locked: dispute.locked.into(),
            committed: dispute.committed,
            trace: dispute.trace,
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

    fn challenge(&mut self, challenger: Account) -> bool {
        challenge(account(challenger), self.job).is_ok()
    }

    fn reveal(&mut self, statement: Statement) -> bool {
        reveal(self.job, statement).is_ok()
    }

    fn point(&mut self, challenger: Account, place: Place, entry: u32) -> bool {
        point(account(challenger), self.job, place, entry).is_ok()
    }

    fn prove(&mut self, challenger: Account, proof: Box<Proof>, element: u64) -> bool {
        prove(account(challenger), self.job, *proof, element).is_ok()
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
    let slashes = pallet_workers::PendingSlashes::<Test>::iter().count();
    assert!(slashes <= 1, "more than one conviction waits");
    if outcome.conviction.is_none() {
        assert!(balance(WORKER) > workers, "its part of every lost bond is the worker's");
        assert_eq!(slashes, 0);
    } else {
        assert_eq!(slashes, 1);
        advance(SLASH_DELAY);
        let gained: u64 = lost.len() as u64; // Each bond is at least two.
        assert!(balance(WORKER) + LOCKED >= workers + gained);
        assert!(balance(WORKER) < workers + 8 * BOND * 128);
    }
    // The window of a claim that was upheld is over before the next one.
    advance(REOPEN + WINDOW + 1);
    settle_events();
    outcome
}

/// Up to `most` challengers that play badly.
pub fn bad_challengers(random: &mut Random, most: u64) -> Vec<Challenger> {
    let count = random.below(most + 1);
    let bad = (0..count).map(|_| Challenger::Bad(random.one(&BadChallenger::ALL)));
    bad.collect()
}
