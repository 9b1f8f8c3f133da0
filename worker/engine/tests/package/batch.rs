//! The minimum of a batch: a job is one entry of a batch.

use super::*;

#[test]
fn a_batch_of_at_least_two_becomes_one_of_at_least_one() {
    // What torch writes for Dim.AUTO, and what torch 2.9 to 2.11 write for Dim("batch").
    for min in [2, 0] {
        let package = import_program(|program| program["range_constraints"]["s40"]["min_val"] = min.into());
        let package = package.expect("a batch of 1");
        let symbols = &package.graph().graph().symbols;
        assert_eq!(symbols[0].min, 1, "{min}");
    }
}
