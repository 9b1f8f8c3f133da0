//! Import of GGUF files: a language model that llama.cpp runs becomes a package, without torch.
//!
//! The file says what the model is by name (`general.architecture`), so a family of models is a module here that
//! reads its parameters and says which tensors it has: [`FAMILIES`] lists them. What they share is the graph
//! ([`decoder`]), the weights as integers ([`quantise`]) and the tokenizer ([`tokenizer`]).

mod blocks;
mod container;
mod decoder;
mod llama;
mod metadata;
mod quantise;
mod rotary;
#[cfg(test)]
mod tests;
mod tokenizer;
mod weights;

use crate::{
    builder::Builder,
    checked,
    error::ImportError,
    program::{ExportedProgram, Expression, GraphModule, ProgramGraph, Range, Signature, Size, TensorMeta},
    progress::{OnProgress, Stage, Steps},
    read_asset,
    stored::{Stored, weight_bytes},
};
use assay_exact::{
    digest::DataType,
    graph::{CheckedGraph, Graph, GraphError},
    quantise::Precision,
    tensor::Tensor,
};
use assay_package::{
    Details, Package, PackageError,
    generation::{LanguageModel, check_graph},
};
pub(super) use blocks::half;
use container::{Container, refused};
use decoder::Decoder;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};
use weights::{Weights, described};

/// Maximum length of a sequence where the options name none.
const DEFAULT_LENGTH: u32 = 2048;
/// Maximum length of a sequence: a softmax's row is at most 64 KiB.
const MAX_LENGTH: u32 = 16_384;
/// Sequences of a batch, if their trace may be as large.
const MAX_BATCH: u32 = 64;
/// The input.
const TOKENS: &str = "tokens";
/// The output.
const LOGITS: &str = "logits";

/// Options that a file does not say about the package that it becomes.
#[derive(Clone, Debug)]
pub struct GgufOptions {
    /// Name, version, licence and description for the manifest.
    pub details: Details,
    /// Precision of every contraction. With Int16 the weights are Float32 and quantised by the engine, otherwise they
    /// are integers of 8 bits in the package.
    pub precision: Precision,
    /// Maximum length of a sequence; without it the model's context, and 2,048 at most.
    pub max_length: Option<u32>,
    /// With this, the package is the check graph of what the model generates, which ends after one of these tokens;
    /// where there are none, after one of those that the file names.
    pub generation: Option<Vec<i64>>,
    /// Files that travel with the model; one replaces what the file holds under the same name, such as
    /// `tokenizer.json`.
    pub assets: Vec<PathBuf>,
}

/// Reader of a family of models: its graph's shape and its weights, for sequences of at most this length.
type Family = fn(&mut Container, Precision, u32) -> Result<(Decoder, Weights), ImportError>;

/// The architectures that are imported, and what reads each.
const FAMILIES: &[(&str, Family)] = &[("llama", llama::read)];

/// Imports a GGUF file of version 2 or 3.
pub fn import_gguf(path: &Path, options: GgufOptions) -> Result<Package, ImportError> {
    import_gguf_with(path, options, &mut |_| {})
}

/// The same, which tells how far it is.
pub fn import_gguf_with(
    path: &Path,
    options: GgufOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<Package, ImportError> {
    let mut container = Container::open(path)?;
    let read_family = family(&container)?;
    let length = max_length(&container, options.max_length)?;
    let (model, weights) = read_family(&mut container, options.precision, length)?;
    let graph = graph(&model, &weights, options.precision, length)?;
    let mut assets = BTreeMap::new();
    for path in &options.assets {
        let (name, content) = read_asset(path)?;
        assets.insert(name, content);
    }
    tokenizer::add_assets(&container.metadata, model.vocabulary, &mut assets)?;
    let assets = assets.into_iter().collect();
    let Some(mut stop_tokens) = options.generation else {
        let weights = read(&weights, &mut container, graph.graph(), on_progress)?;
        let mut packing = Steps::begin(on_progress, Stage::Package, 1);
        let package = Package::new(options.details, options.precision, graph, weights, assets)?;
        packing.advance(1);
        return Ok(package);
    };
    if stop_tokens.is_empty() {
        stop_tokens = tokenizer::ends(&container.metadata)?
            .into_iter()
            .map(i64::from)
            .collect();
    }
    let model = LanguageModel {
        graph: graph.graph().clone(),
        tokens: 0,
        logits: 0,
    };
    let graph = check_graph(model, &stop_tokens).map_err(PackageError::from)?;
    let weights = read(&weights, &mut container, graph.graph(), on_progress)?;
    let mut packing = Steps::begin(on_progress, Stage::Package, 1);
    let package = Package::new_generation(options.details, options.precision, graph, weights, assets, stop_tokens)?;
    packing.advance(1);
    Ok(package)
}

/// Reads the weights that a graph takes.
fn read(
    weights: &Weights,
    container: &mut Container,
    graph: &Graph,
    on_progress: &mut OnProgress<'_>,
) -> Result<Vec<Tensor>, ImportError> {
    let mut steps = Steps::begin(on_progress, Stage::Weights, weight_bytes(graph));
    weights.read(container, graph, &mut steps)
}

fn family(container: &Container) -> Result<Family, ImportError> {
    const KEY: &str = "general.architecture";
    let name = container.metadata.text(KEY)?;
    let family = FAMILIES.iter().find(|(known, _)| *known == name);
    family.map(|(_, family)| *family).ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|(known, _)| *known).collect();
        let known = known.join(", ");
        refused(
            KEY,
            format!(
                "the architecture {name:?} is not imported from GGUF, only {known}; export the model with torch.export"
            ),
        )
    })
}

/// The maximum length of a sequence: what is asked for, if the model's context has it.
fn max_length(container: &Container, asked: Option<u32>) -> Result<u32, ImportError> {
    let key = format!("{}.context_length", container.metadata.text("general.architecture")?);
    let context = container.metadata.u32(&key)?;
    let most = context.min(MAX_LENGTH);
    match asked.unwrap_or(most.min(DEFAULT_LENGTH)) {
        0 => Err(refused(&key, "sequences have at least one token")),
        length if length > most => {
            let reason =
                format!("sequences of {length} tokens are longer than the context of {context} or than {MAX_LENGTH}");
            Err(refused(&key, reason))
        }
        length => Ok(length),
    }
}

/// The checked graph, for batches as large as the size of a trace permits.
fn graph(model: &Decoder, weights: &Weights, precision: Precision, length: u32) -> Result<CheckedGraph, ImportError> {
    let program = program(weights, length);
    let mut builder = Builder::new(&program, precision);
    for (stored, shape, _) in weights.described() {
        builder.add_weight(&stored.key.clone(), stored, Some(shape));
    }
    builder.add_input(TOKENS)?;
    let tokens = builder.tensor(TOKENS)?;
    let tokens = tokens.ok_or_else(|| refused(TOKENS, "the graph does not have its input"))?;
    let logits = decoder::assemble(&mut builder, model, &tokens)?;
    let (mut graph, _): (Graph, Vec<Arc<Stored>>) = builder.finish(vec![(LOGITS.to_owned(), logits)]);
    if let Some(symbol) = graph.symbols.get_mut(1) {
        symbol.name = "length".to_owned();
    }
    loop {
        match checked(graph.clone()) {
            Err(ImportError::Graph(GraphError::Vast { .. } | GraphError::TooLarge { .. }))
                if graph.symbols[0].max > 1 =>
            {
                graph.symbols[0].max /= 2;
            }
            result => return result,
        }
    }
}

/// Torch's description of the model before its first operator: the input, the weights, and the ranges of sizes.
fn program(weights: &Weights, length: u32) -> ExportedProgram {
    let size = |name: &str| {
        Size::AsExpr(Expression {
            expr_str: name.to_owned(),
        })
    };
    let tokens = described(DataType::Int64, [size("batch"), size("length")].into_iter());
    let weights = weights.described().map(|(stored, _, meta)| (stored.key.clone(), meta));
    let tensor_values: BTreeMap<String, TensorMeta> = weights.chain([(TOKENS.to_owned(), tokens)]).collect();
    let range = |max: u32| Range {
        min_val: Some(1),
        max_val: Some(i64::from(max)),
    };
    ExportedProgram {
        graph_module: GraphModule {
            graph: ProgramGraph {
                nodes: Vec::new(),
                tensor_values,
                sym_int_values: BTreeMap::new(),
            },
            signature: Signature {
                input_specs: Vec::new(),
                output_specs: Vec::new(),
            },
        },
        range_constraints: BTreeMap::from([
            ("batch".to_owned(), range(MAX_BATCH)),
            ("length".to_owned(), range(length)),
        ]),
    }
}
