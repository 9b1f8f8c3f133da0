//! A batch that cannot be 1: a job is one entry of a batch, so nobody could ask for one.

use super::*;

#[test]
fn a_batch_of_at_least_two_is_refused_with_the_way_out() {
    let imported = import_program(|program| program["range_constraints"]["s40"]["min_val"] = 2.into());
    let error = imported.expect_err("no batch of 1");
    assert!(matches!(error, ImportError::Batch { min: 2 }), "{error}");
    assert!(error.to_string().contains("Dim(\"batch\", min=1)"), "{error}");
    // What torch 2.9 to 2.11 write for Dim("batch").
    import_program(|program| program["range_constraints"]["s40"]["min_val"] = 0.into()).expect("a batch of 1");
}
