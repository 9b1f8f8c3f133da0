//! A batch that cannot be 1, as `Dim.AUTO` and `Dim.DYNAMIC` give it.

use super::*;
use assay_engine::{Engine as _, ReferenceEngine};
use assay_exact::graph::Value as GraphValue;
use assay_ops::tensor::Tensor;

/// Zeros in a batch of this many.
fn zeros(package: &Package, batch: u32) -> Vec<Tensor> {
    let dtype = package.graph().graph().inputs[0].dtype;
    let shape = package
        .graph()
        .shape(GraphValue::Input(0), &[batch])
        .expect("one input");
    let elements: u32 = shape.iter().product();
    let bytes = vec![0; dtype.size_bytes() * elements as usize];
    vec![Tensor::new(dtype, shape, bytes).expect("as many bytes")]
}

#[test]
fn a_batch_of_at_least_two_is_imported_and_jobs_are_as_large_at_least() {
    let imported = import_program(|program| program["range_constraints"]["s40"]["min_val"] = 2.into());
    let package = imported.expect("a batch of two");
    let model = ReferenceEngine.load(&package).expect("it loads");
    assert!(model.run(&zeros(&package, 1)).is_err());
    // Jobs of several rows are put together as those of one are.
    let jobs = [2, 3, 2].map(|batch| zeros(&package, batch));
    for (job, together) in jobs.iter().zip(model.run_jobs(&jobs)) {
        assert_eq!(together, model.run(job));
    }
    // What torch 2.9 to 2.11 write for Dim("batch").
    import_program(|program| program["range_constraints"]["s40"]["min_val"] = 0.into()).expect("a batch of 1");
}
