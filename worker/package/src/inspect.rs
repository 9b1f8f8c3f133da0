//! A package as a table for people.

use super::{
    DimensionEntry, Package, TensorEntry,
    dimension::{polynomial, written},
    manifest::symbol_name,
};
use assay_exact::{digest::tensor_size_bytes, graph::Value};
use assay_ops::tensor::DataType;
use std::fmt::Write;

/// Describes a package: what it is, what it takes and gives, and every operator with its output and source line.
pub fn inspect(package: &Package) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = describe(package, &mut text);
    text
}

/// For a check graph, what its model generates.
fn generates(package: &Package, text: &mut String) -> std::fmt::Result {
    if let Some(generation) = package.generation() {
        let (tokens, stops) = (generation.vocabulary, &generation.stop_tokens);
        writeln!(
            text,
            "generates  sequences of {tokens} tokens, up to {}; stops after {stops:?}",
            generation.max_length
        )?;
    }
    Ok(())
}

fn describe(package: &Package, text: &mut String) -> std::fmt::Result {
    let manifest = package.manifest();
    let graph = package.graph().graph();
    writeln!(
        text,
        "{} {}    {}",
        manifest.name, manifest.version, manifest.description
    )?;
    writeln!(text, "root       0x{}", hex::encode(package.root()))?;
    writeln!(text, "precision  {}", manifest.precision)?;
    writeln!(text, "licence    {}", manifest.licence)?;
    generates(package, text)?;
    let weights = graph
        .weights
        .iter()
        .filter_map(|weight| tensor_size_bytes(weight.dtype, &weight.shape));
    writeln!(
        text,
        "weights    {} tensors, {} bytes",
        graph.weights.len(),
        weights.sum::<u64>()
    )?;
    let parts = package.parts();
    let name = |symbol| symbol_name(graph, symbol);
    writeln!(text, "work       {}", polynomial(&parts.work, name))?;
    writeln!(text, "trace      {} bytes", polynomial(&parts.trace_bytes, name))?;
    for symbol in &manifest.symbols {
        writeln!(text, "dimension  {}: {} to {}", symbol.name, symbol.min, symbol.max)?;
    }
    for input in &manifest.inputs {
        writeln!(text, "takes      {}", tensor(input))?;
    }
    for output in &manifest.outputs {
        writeln!(text, "gives      {}", tensor(output))?;
    }
    for asset in &manifest.assets {
        writeln!(text, "asset      {}, {} bytes", asset.file, asset.bytes)?;
    }
    writeln!(text)?;
    writeln!(
        text,
        "{:>5}  {:<20}  {:<20}  {:<20}  source",
        "node", "operator", "name", "output"
    )?;
    for (index, node) in graph.nodes.iter().enumerate() {
        let output = package.graph().value(Value::Node(index as u32));
        let (dtype, dimensions) = output.unwrap_or((DataType::Float32, &[]));
        let dimensions = dimensions
            .iter()
            .map(|dimension| written(*dimension, |symbol| symbol_name(graph, symbol)));
        let output = format!(
            "{} [{}]",
            format!("{dtype:?}").to_lowercase(),
            dimensions.collect::<Vec<_>>().join(", ")
        );
        writeln!(
            text,
            "{index:>5}  {:<20}  {:<20}  {output:<20}  {}",
            node.operator.name(),
            node.name,
            node.source
        )?;
    }
    Ok(())
}

fn tensor(entry: &TensorEntry) -> String {
    let dimensions = entry.dimensions.iter().map(|dimension| match dimension {
        DimensionEntry::Fixed(elements) => elements.to_string(),
        DimensionEntry::Dynamic(text) => text.clone(),
    });
    let values = entry.values.map(|[min, max]| format!(", {min} to {max}"));
    format!(
        "{}: {} [{}]{}",
        entry.name,
        entry.data_type,
        dimensions.collect::<Vec<_>>().join(", "),
        values.unwrap_or_default()
    )
}
