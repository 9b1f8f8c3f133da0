//! Random disputes over small random models: whoever lies loses, and nobody honest ever pays.

use super::court::{bad_challengers, meet};
use crate::mock::*;
use assay_adversary::{Challenger, Downstream, Liar, Lie, Manner, Outcome, Random, graphs};
use assay_player::{Execution, Honest};
use assay_types::dispute::{Fault, PlaceKind};
use std::collections::BTreeSet;

const MODELS: usize = 420;
/// Disputes over each model with a lying worker, and as many with an honest one.
const DISPUTES: usize = 6;

/// `ASSAY_LONG=1` plays fifty times as many.
fn models() -> usize {
    let long = std::env::var_os("ASSAY_LONG").is_some_and(|value| value == "1");
    if long { MODELS * 50 } else { MODELS }
}

const KINDS: [PlaceKind; 5] = [
    PlaceKind::Trace,
    PlaceKind::TraceSpan,
    PlaceKind::Tensor,
    PlaceKind::TensorSpan,
    PlaceKind::Chunk,
];

fn manner(random: &mut Random) -> Manner {
    match random.below(8) {
        0 => Manner::Silent(random.one(&KINDS)),
        1 => Manner::Garbage(random.one(&KINDS)),
        2 => Manner::Late {
            blocks: random.below(CLOCK + CLOCK / 2) as u32,
        },
        _ => Manner::Answers,
    }
}

fn late_blocks(manner: Manner) -> u32 {
    match manner {
        Manner::Late { blocks } => blocks,
        _ => 0,
    }
}

/// Counts of what was seen in many disputes.
#[derive(Default)]
struct Seen {
    disputes: usize,
    games: usize,
    silent: usize,
    operators: BTreeSet<&'static str>,
}

/// A liar, one honest challenger, and others; the place of the honest one. `None` if the lie is the truth.
fn lie_to<E: Execution + Copy>(
    random: &mut Random,
    execution: E,
    lie: &Lie,
    manner: Manner,
) -> Option<(Outcome, usize, usize)> {
    let liar = Liar::new(execution, lie, manner).expect("it is in memory")?;
    let mut challengers = bad_challengers(random, 3);
    let honest = random.below(challengers.len() as u64 + 1) as usize;
    challengers.insert(honest, Challenger::Honest);
    let late = late_blocks(manner);
    let outcome = meet(random, liar.pretended(), &liar, late, &execution, &challengers);
    Some((outcome, honest, challengers.len()))
}

#[test]
fn whoever_lies_loses_and_the_honest_challenger_never_pays() {
    let (mut random, mut seen) = (Random(2026), Seen::default());
    for _ in 0..models() {
        let execution = graphs::random(&mut random, 12);
        TestExt::new().execute_with(|| {
            for _ in 0..DISPUTES {
                let lie = match random.below(12) {
                    0 => Lie::cheaper(&execution, random.once_in(2)).expect("it is in memory"),
                    _ => Some(Lie::random(&mut random, &execution).expect("it is in memory")),
                };
                let Some(lie) = lie else { continue };
                let manner = manner(&mut random);
                let Some((outcome, honest, games)) = lie_to(&mut random, &execution, &lie, manner) else {
                    continue;
                };
                let conviction = outcome.conviction;
                let conviction = conviction.unwrap_or_else(|| panic!("{lie:?}, {manner:?} was not found out"));
                assert!(
                    !outcome.lost.contains(&(honest as u32)),
                    "the honest challenger lost against {lie:?}, {manner:?}"
                );
                seen.disputes += 1;
                seen.games += games;
                match conviction.fault {
                    Fault::Silence { .. } => seen.silent += 1,
                    Fault::Element { operator, .. } => {
                        if let Lie::Element {
                            operator: lied,
                            downstream: Downstream::Computed,
                            ..
                        } = lie
                        {
                            assert_eq!(operator, lied, "every other step is right");
                        }
                        let node = &execution.graph().graph().nodes[operator as usize];
                        seen.operators.insert(node.operator.name());
                    }
                }
            }
        });
    }
    let Seen {
        disputes,
        games,
        silent,
        operators,
    } = seen;
    println!("{disputes} liars, {games} games, {silent} convicted by silence");
    assert!(games >= 5_000, "only {games} games were played");
    assert!(operators.len() >= 50, "only {operators:?} were judged");
    assert!(silent > disputes / 5, "{silent} of {disputes}");
}

#[test]
fn an_honest_worker_is_never_convicted_and_whoever_challenges_it_pays() {
    let (mut random, mut games) = (Random(7), 0);
    for _ in 0..models() {
        let execution = graphs::random(&mut random, 12);
        TestExt::new().execute_with(|| {
            for _ in 0..DISPUTES {
                let mut challengers = bad_challengers(&mut random, 3);
                // Whoever challenges without a reason loses, however well it plays.
                challengers.push(Challenger::Honest);
                let late = random.below(4) as u32;
                let outcome = meet(
                    &mut random,
                    &execution,
                    &Honest(&execution),
                    late,
                    &execution,
                    &challengers,
                );
                assert_eq!(outcome.conviction, None);
                let lost: BTreeSet<_> = outcome.lost.iter().copied().collect();
                assert_eq!(lost.len(), challengers.len(), "{challengers:?}");
                games += challengers.len();
            }
        });
    }
    println!("{games} games against honest workers");
    assert!(games >= 5_000, "only {games} games were played");
}

#[test]
fn truth_that_is_told_after_the_time_for_late_answers_or_not_at_all_is_convicted() {
    let mut random = Random(3);
    let execution = graphs::random(&mut random, 12);
    let late = Manner::Late {
        blocks: (CLOCK + LATE_ANSWER + LEAST_TURN) as u32,
    };
    for manner in [
        late,
        Manner::Silent(PlaceKind::Trace),
        Manner::Garbage(PlaceKind::Trace),
    ] {
        TestExt::new().execute_with(|| {
            let worker = Liar::truthful(&execution, manner);
            let late = late_blocks(manner);
            let outcome = meet(
                &mut random,
                worker.pretended(),
                &worker,
                late,
                &execution,
                &[Challenger::Honest],
            );
            let conviction = outcome.conviction.expect("it said nothing in time");
            assert!(matches!(conviction.fault, Fault::Silence { .. }), "{conviction:?}");
        });
    }
}
