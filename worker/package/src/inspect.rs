//! A package as a table for people.

use super::{
    DimensionEntry, Package, TensorEntry,
    costs::{Costs, percent, short, shown_sizes},
    dimension::{polynomial, written},
    manifest::symbol_name,
};
use assay_exact::{
    digest::tensor_size_bytes,
    graph::{CheckedGraph, Value},
};
use assay_ops::tensor::DataType;
use std::fmt::Write;

/// Describes a package: what it is, what it takes and gives, what its operators cost in which precision, and every
/// operator with its share of the work, its output and its source line.
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
    let costs = Costs::at(package.graph(), &shown_sizes(package.graph()));
    list_costs(package, &costs, text)?;
    list_nodes(package.graph(), &costs, text)
}

/// A table of operators and precisions with their work and their share of a trace.
fn list_costs(package: &Package, costs: &Costs, text: &mut String) -> std::fmt::Result {
    let graph = package.graph().graph();
    let sizes = graph.symbols.iter().zip(shown_sizes(package.graph()));
    let sizes: Vec<String> = sizes
        .map(|(symbol, size)| format!("{} = {size}", symbol.name))
        .collect();
    let (work, trace) = (costs.work(), costs.trace_bytes());
    let place = match sizes.is_empty() {
        true => String::new(),
        false => format!(" at {}", sizes.join(", ")),
    };
    writeln!(text)?;
    writeln!(
        text,
        "costs{place}: work {}, a trace of {}B",
        short(work).trim_end(),
        short(trace)
    )?;
    writeln!(
        text,
        "{:<20}  {:<10}  {:>6}  {:>10}  {:>7}  {:>10}",
        "operator", "precision", "nodes", "work", "share", "trace"
    )?;
    for sum in costs.by_operator(package.graph()) {
        writeln!(
            text,
            "{:<20}  {:<10}  {:>6}  {:>10}  {:>5.1} %  {:>9}B",
            sum.operator,
            sum.cost.precision.unwrap_or("float32"),
            sum.nodes,
            short(sum.cost.work).trim_end(),
            percent(sum.cost.work, work),
            short(sum.cost.trace_bytes)
        )?;
    }
    Ok(())
}

fn list_nodes(checked: &CheckedGraph, costs: &Costs, text: &mut String) -> std::fmt::Result {
    writeln!(text)?;
    writeln!(
        text,
        "{:>5}  {:<24}  {:<20}  {:<20}  {:>7}  source",
        "node", "operator", "name", "output", "work"
    )?;
    let work = costs.work();
    for (index, (node, cost)) in checked.graph().nodes.iter().zip(&costs.nodes).enumerate() {
        let operator = match cost.precision {
            Some(precision) => format!("{} {precision}", node.operator.name()),
            None => node.operator.name().to_owned(),
        };
        writeln!(
            text,
            "{index:>5}  {operator:<24}  {:<20}  {:<20}  {:>5.1} %  {}",
            node.name,
            layout(checked, Value::Node(index as u32)),
            percent(cost.work, work),
            node.source
        )?;
    }
    Ok(())
}

/// Type and dimensions of a tensor of a graph: `float32 [batch, 8]`.
pub(super) fn layout(checked: &CheckedGraph, value: Value) -> String {
    let (dtype, dimensions) = checked.value(value).unwrap_or((DataType::Float32, &[]));
    let dimensions = dimensions
        .iter()
        .map(|dimension| written(*dimension, |symbol| symbol_name(checked.graph(), symbol)));
    format!(
        "{} [{}]",
        format!("{dtype:?}").to_lowercase(),
        dimensions.collect::<Vec<_>>().join(", ")
    )
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
