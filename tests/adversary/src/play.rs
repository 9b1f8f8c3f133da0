//! Whole disputes, played block by block: what each side sees is a block old, and transactions get lost.

use crate::{
    Attempt, BadChallenger, Random,
    court::{Account, Conviction, Court, PlayedDispute, WORKER},
};
use assay_exact::judge::Proof;
use assay_player::{
    Attack, Defence, Execution, InFlight, PlayError, Statements, View, attack, defend, opening, prove, trace_digest,
};
use assay_types::dispute::{Fault, FindingOpening, Place, Statement};
use codec::Encode;
use std::collections::BTreeMap;

/// Blocks after which a transaction that nothing came of is sent again.
const RESEND_BLOCKS: u32 = 3;
/// Blocks in which challengers begin their games.
const ARRIVAL_BLOCKS: u64 = 12;
/// Blocks after which a play is stuck.
const MOST_BLOCKS: u32 = 2_000;

/// A challenger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenger {
    /// Compares with its own execution, to whose trace it has committed.
    Honest,
    /// Has executed nothing when it challenges, and copies the moves of those that have.
    Copier,
    /// Does not.
    Bad(BadChallenger),
}

/// Outcome of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why the worker was convicted, if it was; accounts are positions in the list of challengers.
    pub conviction: Option<Conviction>,
    /// Challengers that lost their game.
    pub lost: Vec<Account>,
    /// Challengers that played when the worker was convicted, the oldest first.
    pub finders: Vec<Account>,
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
    Challenge(Account, [u8; 32]),
    Reveal(Statement),
    AnswerLate(Statement),
    Point(Account, Place, u32),
    Prove(Account, Box<Proof>, u64, Option<Box<FindingOpening>>),
    Timeout(Account),
}

impl Transaction {
    /// Bytes of what it carries; a pointer is next to nothing.
    fn size(&self) -> usize {
        match self {
            Self::Reveal(statement) | Self::AnswerLate(statement) => statement.encoded_size(),
            Self::Prove(_, proof, _, finding) => proof.encoded_size() + finding.encoded_size(),
            Self::Challenge(..) | Self::Point(..) | Self::Timeout(_) => 0,
        }
    }
}

/// The salt of an account's commitments.
fn salt(me: Account) -> [u8; 32] {
    [me as u8; 32]
}

/// Plays all challengers' games over the claim that is on the court to their end. `late_blocks` is what the worker
/// takes for each answer; `execution` is an honest one. After a conviction by proof, every honest challenger claims the
/// award.
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
    let mut thinks = BTreeMap::new();
    let (mut transactions, mut bytes, mut finders) = (0, 0, Vec::new());
    while court.now() - began < MOST_BLOCKS && court.conviction().is_none() {
        let mut sent = Vec::new();
        if let Some(dispute) = court.dispute() {
            let view = View {
                best: court.now(),
                dispute: &dispute,
                reveals: &court.reveals(),
            };
            workers_turn(&view, worker, late_blocks, &mut workers, &mut thinks, &mut sent)?;
            for (me, seat) in (0..).zip(&mut seats) {
                challengers_turn(random, &view, me, seat, execution, &mut sent)?;
            }
        }
        let arriving = (0..)
            .zip(&seats)
            .filter(|(_, seat)| !seat.arrived && seat.arrives <= court.now());
        sent.extend(arriving.map(|(me, seat)| Transaction::Challenge(me, committed_to(seat.challenger, execution))));

        court.advance();
        random.shuffle(&mut sent);
        for transaction in sent {
            let size = transaction.size();
            let playing = court.dispute();
            if !random.once_in(8) && apply(court, &mut seats, transaction) {
                transactions += 1;
                bytes += size;
            }
            if court.conviction().is_some() && finders.is_empty() {
                finders = playing.map_or_else(Vec::new, |dispute| players(&dispute));
            }
        }
        if court.dispute().is_none() && seats.iter().all(|seat| seat.arrived) {
            break;
        }
    }
    claim_awards(court, random, execution, challengers, &finders)?;
    Ok(Outcome {
        conviction: court.conviction(),
        lost: court.lost(),
        finders,
        transactions,
        bytes,
        blocks: court.now() - began,
    })
}

/// Challengers that play, the oldest game first.
fn players(dispute: &PlayedDispute) -> Vec<Account> {
    dispute.games.iter().map(|game| game.challenger).collect()
}

/// The trace that a challenger commits to.
fn committed_to(challenger: Challenger, execution: &dyn Execution) -> [u8; 32] {
    match challenger {
        Challenger::Honest => trace_digest(execution),
        Challenger::Copier | Challenger::Bad(_) => [0; 32],
    }
}

/// Every honest challenger shows what it has found, in any order.
fn claim_awards(
    court: &mut impl Court,
    random: &mut Random,
    execution: &dyn Execution,
    challengers: &[Challenger],
    finders: &[Account],
) -> Result<(), PlayError> {
    let Some(Conviction {
        fault: Fault::Element { operator, element, .. },
        ..
    }) = court.conviction()
    else {
        return Ok(());
    };
    let is_honest = |me: &Account| challengers.get(*me as usize) == Some(&Challenger::Honest);
    let mut honest: Vec<Account> = finders.iter().copied().filter(is_honest).collect();
    random.shuffle(&mut honest);
    for me in honest {
        // Refused if an older one has shown the same already.
        let finding = Box::new(opening(execution, operator, element, salt(me))?);
        let _accepted = court.claim_award(me, finding);
    }
    Ok(())
}

fn workers_turn(
    view: &View<'_, Account, u128, u32>,
    worker: &dyn Statements,
    late_blocks: u32,
    in_flight: &mut InFlight<Account, u32>,
    thinks: &mut BTreeMap<Place, u32>,
    sent: &mut Vec<Transaction>,
) -> Result<(), PlayError> {
    for action in defend(view, &WORKER, true, in_flight) {
        match &action {
            Defence::Reveal(place) | Defence::AnswerLate(place) => {
                if *thinks.entry(*place).or_insert(view.best) + late_blocks > view.best {
                    continue;
                }
                let statement = worker.statement(place)?;
                sent.extend(statement.map(|statement| match action {
                    Defence::AnswerLate(_) => Transaction::AnswerLate(statement),
                    _ => Transaction::Reveal(statement),
                }));
            }
            Defence::Timeout(challenger) => sent.push(Transaction::Timeout(*challenger)),
            Defence::Execute => {}
        }
        in_flight.note(action.sent().expect("it has an execution"), view.best + RESEND_BLOCKS);
    }
    Ok(())
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
        Challenger::Honest | Challenger::Copier => {
            let Some(action) = attack(view, &me, Some(execution), &seat.in_flight)? else {
                return Ok(());
            };
            match &action {
                Attack::Point { place, entry } => sent.push(Transaction::Point(me, *place, *entry)),
                Attack::Prove { place, element } => {
                    let head = view.dispute.trace.as_ref().expect("there is something to prove");
                    let proof = prove(execution, head, view.reveals, place, *element)?;
                    let operator = place.operator().expect("something is proved of an operator");
                    // Some show what they have found at once, and some after the conviction.
                    let finding = if random.once_in(2) && seat.challenger == Challenger::Honest {
                        Some(Box::new(opening(execution, operator, *element, salt(me))?))
                    } else {
                        None
                    };
                    sent.push(Transaction::Prove(me, Box::new(proof), *element, finding));
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
        } => Transaction::Prove(challenger, proof, element, None),
        Attempt::Timeout(challenger) => Transaction::Timeout(challenger),
    }));
    Ok(())
}

/// Whether the transaction was accepted.
fn apply(court: &mut impl Court, seats: &mut [Seat], transaction: Transaction) -> bool {
    match transaction {
        Transaction::Challenge(me, trace) => {
            let accepted = court.challenge(me, trace, salt(me));
            seats[me as usize].arrived |= accepted;
            accepted
        }
        Transaction::Reveal(statement) => court.reveal(statement),
        Transaction::AnswerLate(statement) => court.answer_late(statement),
        Transaction::Point(me, place, entry) => court.point(me, place, entry),
        Transaction::Prove(challenger, proof, element, finding) => court.prove(challenger, proof, element, finding),
        Transaction::Timeout(challenger) => court.claim_timeout(challenger),
    }
}
