//! Imports a `.pt2` archive, runs it on zeros, and prints the digest of its trace. No chain is needed for any of it.
//!
//! `cargo run --example trace_digest models/digits/digits.pt2`

use assay_engine::{Engine, ReferenceEngine};
use assay_exact::{digest::tensor_size_bytes, graph::Value, quantise::Precision};
use assay_import::{ImportOptions, import};
use assay_ops::tensor::{Blake2b256, Tensor};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let archive = std::env::args().nth(1).ok_or("which archive? Name a .pt2 file")?;
    let package = import(archive.as_ref(), ImportOptions::new("example", Precision::Int8))?;

    let graph = package.graph();
    let smallest: Vec<u32> = graph.graph().symbols.iter().map(|symbol| symbol.min).collect();
    let mut zeros = Vec::new();
    for (index, input) in (0..).zip(&graph.graph().inputs) {
        let shape = graph
            .shape(Value::Input(index), &smallest)
            .ok_or("an input without a shape")?;
        let bytes = tensor_size_bytes(input.dtype, &shape).ok_or("an input that is too large")?;
        zeros.push(Tensor::new(input.dtype, shape, vec![0; usize::try_from(bytes)?])?);
    }

    let model = ReferenceEngine.load(&package)?;
    for output in model.run(&zeros)? {
        println!("output {:?} {:?}", output.dtype(), output.shape());
    }
    let digest = model.trace_digests(&zeros)?.digest::<Blake2b256>();
    println!("trace  0x{}", digest.map(|byte| format!("{byte:02x}")).concat());
    Ok(())
}
