//! Traces and tensors that are revealed in several steps.

use super::court::meet;
use crate::mock::*;
use assay_adversary::{BadChallenger, Challenger, Downstream, Liar, Lie, Manner, Outcome, Random, graphs};
use assay_exact::tree::place_of;
use assay_player::{Execution, Honest};
use assay_types::dispute::Fault;

fn accused(random: &mut Random, execution: &(impl Execution + ?Sized), lie: &Lie) -> Outcome {
    let execution: &dyn Execution = &execution;
    let liar = Liar::new(execution, lie, Manner::Answers)
        .expect("it is in memory")
        .expect("it is a lie");
    let challengers = [Challenger::Honest, Challenger::Bad(BadChallenger::Anywhere)];
    TestExt::new().execute_with(|| meet(random, liar.pretended(), &liar, 0, &execution, &challengers))
}

#[test]
fn lie_in_a_trace_of_1500_operators_is_found() {
    let mut random = Random(11);
    let execution = graphs::long(&mut random, 1_500);
    for operator in [0, 1, 2, 750, 1_023, 1_024, 1_498, 1_499] {
        for downstream in [Downstream::Computed, Downstream::Kept] {
            let lie = Lie::Element {
                operator,
                element: 2,
                bits: 1 << 22,
                downstream,
            };
            let outcome = accused(&mut random, &execution, &lie);
            let conviction = outcome.conviction.expect("it lied");
            match conviction.fault {
                Fault::Element {
                    operator: found,
                    element,
                    ..
                } => assert_eq!((found, element), (operator, 2)),
                // The other challenger may have asked for something that the liar cannot say.
                fault => panic!("{fault:?}"),
            }
            assert!(!outcome.lost.contains(&0));
        }
    }
}

#[test]
fn trace_of_another_length_is_found_where_its_top_is_as_long() {
    let mut random = Random(12);
    // 1,500 and 1,499 entries have tops of 750 nodes.
    let execution = graphs::long(&mut random, 1_500);
    for more in [false, true] {
        let outcome = accused(&mut random, &execution, &Lie::Count { more });
        let conviction = outcome.conviction.expect("it lied");
        assert!(matches!(conviction.fault, Fault::Silence { .. }), "{conviction:?}");
    }
}

#[test]
fn lie_in_a_tensor_of_more_than_a_mebibyte_is_found() {
    let mut random = Random(13);
    let execution = graphs::wide(&mut random, 315_000);
    for element in [0, 255, 256, 262_143, 262_144, 314_999] {
        let lie = Lie::Element {
            operator: 1,
            element,
            bits: 1 << 3,
            downstream: Downstream::Computed,
        };
        let outcome = accused(&mut random, &execution, &lie);
        match outcome.conviction.expect("it lied").fault {
            Fault::Element {
                operator: 1,
                element: found,
                ..
            } => {
                let dtype = assay_exact::digest::DataType::Float32;
                assert_eq!(place_of(dtype, found), place_of(dtype, element));
            }
            fault => panic!("{fault:?}"),
        }
    }
    let vast = accused(&mut random, &execution, &Lie::Vast { operator: 2 });
    assert!(vast.conviction.is_some());
}

#[test]
fn truth_stands_however_large_it_is() {
    let mut random = Random(14);
    for execution in [graphs::long(&mut random, 2_100), graphs::wide(&mut random, 315_000)] {
        let challengers = BadChallenger::ALL.map(Challenger::Bad);
        let honest = Honest(&execution);
        let outcome =
            TestExt::new().execute_with(|| meet(&mut random, &execution, &honest, 0, &execution, &challengers));
        assert_eq!((outcome.conviction, outcome.lost.len()), (None, challengers.len()));
    }
}

#[test]
fn lone_challenger_needs_few_transactions_and_bytes() {
    let mut random = Random(15);
    // The largest that are revealed in one step, and ones that need another.
    for (execution, most_transactions, most_bytes) in [
        (graphs::long(&mut random, 1_024), 7, 60_000),
        (graphs::wide(&mut random, 256 << 10), 7, 60_000),
        (graphs::long(&mut random, 1_500), 9, 60_000),
        (graphs::wide(&mut random, 315_000), 9, 60_000),
    ] {
        let lie = Lie::Element {
            operator: 3,
            element: 3,
            bits: 1 << 20,
            downstream: Downstream::Computed,
        };
        let liar = Liar::new(&execution, &lie, Manner::Answers)
            .expect("it is in memory")
            .expect("it is a lie");
        let alone = [Challenger::Honest];
        let outcome = TestExt::new().execute_with(|| meet(&mut random, liar.pretended(), &liar, 0, &execution, &alone));
        println!(
            "{} transactions, {} bytes, {} blocks",
            outcome.transactions, outcome.bytes, outcome.blocks
        );
        assert!(outcome.conviction.is_some());
        assert!(
            outcome.transactions <= most_transactions && outcome.bytes <= most_bytes,
            "{outcome:?}"
        );
    }
}
