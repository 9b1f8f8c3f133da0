//! Whole disputes, played block by block: what each side sees is a block old, and transactions get lost.

use crate::{
    Attempt, BadChallenger, Random,
    court::{Account, Conviction, Court, WORKER},
};
use assay_exact::judge::Proof;
use assay_player::{Attack, Defence, Execution, InFlight, PlayError, Statements, View, attack, defend, prove};
use assay_types::dispute::{Place, Statement};
use codec::Encode;

/// Blocks after which a transaction that nothing came of is sent again.
const RESEND_BLOCKS: u32 = 3;
/// Blocks in which challengers begin their games.
const ARRIVAL_BLOCKS: u64 = 12;
/// Blocks after which a play is stuck.
const MOST_BLOCKS: u32 = 2_000;

/// A challenger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenger {
    /// Compares with its own execution.
    Honest,
    /// Does not.
    Bad(BadChallenger),
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why the worker was convicted, if it was; accounts are positions in the list of challengers.
    pub conviction: Option<Conviction>,
    /// Who lost its game.
    pub lost: Vec<Account>,
    /// Transactions that were accepted.
    pub transactions: u32,
    /// Bytes of the statements and proofs among them.
    pub bytes: usize,
    /// Blocks that it took.
    pub blocks: u32,
}

/// Somebody who plays.
struct Seat {
    challenger: Challenger,
    arrives: u32,
    arrived: bool,
    in_flight: InFlight<Account, u32>,
}

enum Transaction {
    Challenge(Account),
    Reveal(Statement),
    Point(Account, Place, u32),
    Prove(Account, Box<Proof>, Option<u64>),
    Timeout(Account),
}

impl Transaction {
    /// Bytes of what it carries; a pointer is next to nothing.
    fn size(&self) -> usize {
        match self {
            Self::Reveal(statement) => statement.encoded_size(),
            Self::Prove(_, proof, _) => proof.encoded_size(),
            Self::Challenge(_) | Self::Point(..) | Self::Timeout(_) => 0,
        }
    }
}

/// Plays all challengers' games over the claim that is on the court to their end. `late_blocks` is what the worker
/// takes for each answer; `execution` is an honest one.
pub fn play(
    court: &mut impl Court,
    random: &mut Random,
    worker: &dyn Statements,
    late_blocks: u32,
    execution: &dyn Execution,
    challengers: &[Challenger],
) -> Result<Outcome, PlayError> {
    let began = court.now();
    let mut seats: Vec<Seat> = Vec::new();
    for challenger in challengers {
        seats.push(Seat {
            challenger: *challenger,
            arrives: began + random.below(ARRIVAL_BLOCKS) as u32,
            arrived: false,
            in_flight: InFlight::default(),
        });
    }
    let mut workers = InFlight::default();
    // When the worker began to think of a place.
    let mut thinks = std::collections::BTreeMap::new();
    let (mut transactions, mut bytes) = (0, 0);
    while court.now() - began < MOST_BLOCKS && court.conviction().is_none() {
        let mut sent = Vec::new();
        if let Some(dispute) = court.dispute() {
            let view = View {
                best: court.now(),
                dispute: &dispute,
                reveals: &court.reveals(),
            };
            for action in defend(&view, &WORKER, true, &workers) {
                match &action {
                    Defence::Reveal(place) => {
                        if *thinks.entry(*place).or_insert(view.best) + late_blocks > view.best {
                            continue;
                        }
                        sent.extend(worker.statement(place)?.map(Transaction::Reveal));
                    }
                    Defence::Timeout(challenger) => sent.push(Transaction::Timeout(*challenger)),
                    Defence::Execute => {}
                }
                workers.note(action.sent().expect("it has an execution"), view.best + RESEND_BLOCKS);
            }
            for (me, seat) in (0..).zip(&mut seats) {
                challengers_turn(random, &view, me, seat, execution, &mut sent)?;
            }
        }
        let arriving = (0..)
            .zip(&seats)
            .filter(|(_, seat)| !seat.arrived && seat.arrives <= court.now());
        sent.extend(arriving.map(|(me, _)| Transaction::Challenge(me)));

        court.advance();
        random.shuffle(&mut sent);
        for transaction in sent {
            let size = transaction.size();
            if !random.once_in(8) && apply(court, &mut seats, transaction) {
                transactions += 1;
                bytes += size;
            }
        }
        if court.dispute().is_none() && seats.iter().all(|seat| seat.arrived) {
            break;
        }
    }
    Ok(Outcome {
        conviction: court.conviction(),
        lost: court.lost(),
        transactions,
        bytes,
        blocks: court.now() - began,
    })
}

fn challengers_turn(
    random: &mut Random,
    view: &View<'_, Account, u128, u32>,
    me: Account,
    seat: &mut Seat,
    execution: &dyn Execution,
    sent: &mut Vec<Transaction>,
) -> Result<(), PlayError> {
    let bad = match seat.challenger {
        Challenger::Bad(bad) => bad,
        Challenger::Honest => {
            let Some(action) = attack(view, &me, Some(execution), &seat.in_flight)? else {
                return Ok(());
            };
            match &action {
                Attack::Point { place, entry } => sent.push(Transaction::Point(me, *place, *entry)),
                Attack::Prove { place, element } => {
                    let dispute = view.dispute;
                    let head = dispute.trace.as_ref().expect("there is something to prove");
                    let proof = prove(execution, &dispute.committed, head, view.reveals, place, *element)?;
                    sent.push(Transaction::Prove(me, Box::new(proof), *element));
                }
                Attack::Timeout(challenger) => sent.push(Transaction::Timeout(*challenger)),
                Attack::Execute | Attack::Agree { .. } => {}
            }
            if let Some(noted) = action.sent() {
                seat.in_flight.note(noted, view.best + RESEND_BLOCKS);
            }
            return Ok(());
        }
    };
    let attempts = bad.attempts(random, view, &me, execution)?;
    sent.extend(attempts.into_iter().map(|attempt| match attempt {
        Attempt::Point { place, entry } => Transaction::Point(me, place, entry),
        Attempt::Prove {
            challenger,
            proof,
            element,
        } => Transaction::Prove(challenger, proof, element),
        Attempt::Timeout(challenger) => Transaction::Timeout(challenger),
    }));
    Ok(())
}

/// Whether the transaction was accepted.
fn apply(court: &mut impl Court, seats: &mut [Seat], transaction: Transaction) -> bool {
    match transaction {
        Transaction::Challenge(me) => {
            let accepted = court.challenge(me);
            seats[me as usize].arrived |= accepted;
            accepted
        }
        Transaction::Reveal(statement) => court.reveal(statement),
        Transaction::Point(me, place, entry) => court.point(me, place, entry),
        Transaction::Prove(challenger, proof, element) => court.prove(challenger, proof, element),
        Transaction::Timeout(challenger) => court.claim_timeout(challenger),
    }
}
