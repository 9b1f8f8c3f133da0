//! Import of `torch.export` archives and GGUF files as packages: names resolved, dimensions made symbols, operators
//! mapped or refused.
//!
//! Every file below knows a family of ATen operators and says what each becomes in exact arithmetic. One that is not
//! listed, an argument that is not read, and a result that is not laid out as the program says end the import.

mod activation;
mod advice;
mod archive;
mod arguments;
mod attention;
mod builder;
mod complex;
mod constants;
mod contraction;
mod convolution;
mod core;
mod derived;
mod einsum;
mod elementwise;
mod error;
mod expression;
mod fourier;
mod functions;
mod gguf;
mod indexing;
mod movement;
mod normalisation;
#[cfg(test)]
mod opset;
mod padding;
mod pooling;
mod precision;
mod program;
mod progress;
mod ranges;
mod ranking;
mod recurrent;
mod reduction;
mod resampling;
mod routing;
mod scatter;
mod smooth;
mod state;
mod stored;
mod symbols;
mod transposed;
mod version;
mod views;

pub use error::{ImportError, Place};
pub use gguf::{GgufOptions, import_gguf, import_gguf_with};
pub use progress::{OnProgress, Progress, Stage};
pub use smooth::Calibration;

use archive::Archive;
use arguments::Call;
use assay_exact::{
    graph::{CheckedGraph, Graph},
    quantise::Precision,
};
use assay_package::{
    Details, Package, PackageError,
    generation::{LanguageModel, check_graph},
};
use builder::{Builder, Tensor};
use program::{ExportedProgram, InputSpec, ProgramNode, tensor_name};
use progress::Steps;
use state::States;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use stored::{Layouts, Stored, read_weights};
use views::Sharing;

/// Options that the program does not say about the package that it becomes.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Name, version, licence and description for the manifest.
    pub details: Details,
    /// Precision of every contraction.
    pub precision: Precision,
    /// A safetensors file with the weights that the archive leaves out, under their names in the module.
    pub weights: Option<PathBuf>,
    /// Files that travel with the model, such as a tokenizer; each keeps its file name.
    pub assets: Vec<PathBuf>,
}

impl ImportOptions {
    /// Options for a package of this name, without assets, whose archive holds its weights.
    pub fn new(name: &str, precision: Precision) -> Self {
        Self {
            details: Details {
                name: name.to_owned(),
                version: "0.1.0".to_owned(),
                licence: "unknown".to_owned(),
                description: String::new(),
            },
            precision,
            weights: None,
            assets: Vec::new(),
        }
    }
}

/// Tensors that an operator of the program becomes, in order.
type Handler = for<'c, 'p> fn(&mut Call<'c, 'p>) -> Result<Vec<Tensor>, ImportError>;

/// The families of operators.
const FAMILIES: &[&[(&str, Handler)]] = &[
    contraction::OPERATORS,
    einsum::OPERATORS,
    elementwise::OPERATORS,
    functions::OPERATORS,
    activation::OPERATORS,
    movement::OPERATORS,
    padding::OPERATORS,
    indexing::OPERATORS,
    scatter::OPERATORS,
    reduction::OPERATORS,
    ranking::OPERATORS,
    normalisation::OPERATORS,
    convolution::OPERATORS,
    transposed::OPERATORS,
    pooling::OPERATORS,
    resampling::OPERATORS,
    attention::OPERATORS,
    recurrent::OPERATORS,
    routing::OPERATORS,
    constants::OPERATORS,
];

/// Form of the package that an archive becomes.
#[derive(Clone, Copy)]
pub enum Form<'a> {
    /// The model itself.
    Model,
    /// The model with activations and weights balanced by powers of two, for less loss in Int8 and Int16Int8: as rows
    /// of the same model, imported without that in any precision, say.
    Smoothed(&'a Calibration),
    /// The check graph of a language model's generations, which end after one of these tokens.
    ///
    /// The program takes tokens `[batch, length]` of Int64 and nothing else, and gives logits
    /// `[batch, length, vocabulary]` first.
    Generation(&'a [i64]),
}

/// Imports a `.pt2` archive of torch 2.9 to 2.11 as the model itself.
pub fn import(pt2: &Path, options: ImportOptions) -> Result<Package, ImportError> {
    import_with(pt2, options, Form::Model, &mut |_| {})
}

/// Imports a `.pt2` archive in any form, and tells how far it is.
pub fn import_with(
    pt2: &Path,
    options: ImportOptions,
    form: Form<'_>,
    on_progress: &mut OnProgress<'_>,
) -> Result<Package, ImportError> {
    let (mut graph, mut weights, assets) = read_model(pt2, &options, on_progress)?;
    let mut packing = Steps::begin(on_progress, Stage::Package, 1);
    let ImportOptions { details, precision, .. } = options;
    let package = match form {
        Form::Model => Package::new(details, precision, checked(graph)?, weights, assets)?,
        Form::Smoothed(calibration) => {
            (graph, weights) = smooth::smooth(graph, weights, calibration);
            Package::new(details, precision, checked(graph)?, weights, assets)?
        }
        Form::Generation(stop_tokens) => {
            let model = LanguageModel {
                graph,
                tokens: 0,
                logits: 0,
            };
            let graph = check_graph(model, stop_tokens).map_err(PackageError::from)?;
            Package::new_generation(details, precision, graph, weights, assets, stop_tokens.to_vec())?
        }
    };
    packing.advance(1);
    Ok(package)
}

/// File names and contents.
type Assets = Vec<(String, Vec<u8>)>;

/// The graph as the program says it, unchecked, with its weights and the files that travel with it.
fn read_model(
    pt2: &Path,
    options: &ImportOptions,
    on_progress: &mut OnProgress<'_>,
) -> Result<(Graph, Vec<assay_ops::tensor::Tensor>, Assets), ImportError> {
    let mut archive = Archive::open(pt2)?;
    let program = archive.program()?;
    let layouts = Layouts::read(&mut archive)?;
    let (graph, stored) = read_graph(&program, &layouts, options.precision, on_progress)?;
    drop(program);
    let mut steps = Steps::begin(on_progress, Stage::Weights, stored::weight_bytes(&graph));
    let weights = read_weights(
        &mut archive,
        &layouts,
        (&graph, stored.as_slice()),
        options.weights.as_deref(),
        &mut steps,
    )?;
    let assets = options.assets.iter().map(|path| read_asset(path));
    Ok((graph, weights, assets.collect::<Result<Vec<_>, _>>()?))
}

/// Imports the graph of a `.pt2` archive of torch 2.9 to 2.11 and none of its weights, which need not be there.
pub fn import_graph(pt2: &Path, precision: Precision) -> Result<CheckedGraph, ImportError> {
    let mut archive = Archive::open(pt2)?;
    let program = archive.program()?;
    let (graph, _) = read_graph(&program, &Layouts::read(&mut archive)?, precision, &mut |_| {})?;
    checked(graph)
}

/// Gives a graph's inputs their ranges of values, and checks it.
///
/// Where the export says that the batch is 2 or more, it is 1 or more here if no row of the graph depends on another:
/// one job alone then gives what it gives beside others.
fn checked(mut graph: Graph) -> Result<CheckedGraph, ImportError> {
    ranges::give(&mut graph);
    let checked = graph.check()?;
    let Some(batch) = checked.batch_symbol() else {
        return Ok(checked);
    };
    let mut graph = checked.graph().clone();
    match graph.symbols.get_mut(usize::from(batch)) {
        Some(symbol) if symbol.min > 1 => symbol.min = 1,
        _ => return Ok(checked),
    }
    Ok(match graph.check() {
        Ok(lowered) if lowered.batch_symbol() == Some(batch) => lowered,
        _ => checked,
    })
}

fn read_graph(
    program: &ExportedProgram,
    layouts: &Layouts,
    precision: Precision,
    on_progress: &mut OnProgress<'_>,
) -> Result<(Graph, Vec<Arc<Stored>>), ImportError> {
    let mut graph = Builder::new(program, precision);
    let states = States::find(program, layouts)?;
    take_inputs(&mut graph, program, layouts, &states)?;
    take_nodes(&mut graph, program, on_progress)?;
    let outputs = take_outputs(&mut graph, program, &states)?;
    let (graph, stored) = graph.finish(outputs);
    Ok((refined(graph, precision), stored))
}

/// The graph with the contractions in Int16 that a package of Int16Int8 has.
fn refined(graph: Graph, precision: Precision) -> Graph {
    match precision {
        Precision::Int16Int8 => precision::refine(graph),
        Precision::Int8 | Precision::Int16 => graph,
    }
}

fn read_asset(path: &Path) -> Result<(String, Vec<u8>), ImportError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).map_err(|error| ImportError::Read {
        path: path.to_owned(),
        error,
    })?;
    Ok((name.unwrap_or_default(), bytes))
}

fn take_inputs<'p>(
    graph: &mut Builder<'p>,
    program: &'p ExportedProgram,
    layouts: &Layouts,
    states: &States<'p>,
) -> Result<(), ImportError> {
    for spec in &program.graph_module.signature.input_specs {
        match (spec, spec.stored()) {
            (InputSpec::UserInput { arg }, _) => {
                let name = tensor_name(arg).ok_or_else(|| ImportError::Signature {
                    what: format!("takes {arg}"),
                })?;
                graph.add_input(name)?;
            }
            (_, Some((name, _, _))) if states.has(name) => {}
            (_, Some((name, folder, key))) => {
                graph.add_weight(name, layouts.stored(folder, key), layouts.shape(folder, key));
            }
            (InputSpec::Other(other), None) => {
                return Err(ImportError::Signature {
                    what: format!("takes {other}"),
                });
            }
            // Each of the other kinds is stored.
            (_, None) => {}
        }
    }
    states.declare(graph)
}

/// Function that imports an operator of the program.
struct Known {
    handler: Handler,
    /// Whether it changes what it takes.
    is_in_place: bool,
}

/// Looks an operator up, as `torch.ops.aten.NAME.OVERLOAD`. A name that ends in an underscore changes its operand, and
/// so does one such as `__iand__`.
fn find(target: &str) -> Option<Known> {
    if let Some((_, handler)) = routing::FOREIGN.iter().find(|(name, _)| *name == target) {
        return Some(Known {
            handler: *handler,
            is_in_place: false,
        });
    }
    let target = target.strip_prefix("torch.ops.aten.")?;
    let listed = |target: &str| {
        let mut operators = FAMILIES.iter().flat_map(|operators| operators.iter());
        operators.find(|(name, _)| *name == target).map(|(_, handler)| *handler)
    };
    if let Some(handler) = listed(target) {
        return Some(Known {
            handler,
            is_in_place: false,
        });
    }
    let (name, overload) = target.split_once('.')?;
    let name = match name.strip_prefix("__i").filter(|name| name.ends_with("__")) {
        Some(name) => format!("__{name}"),
        None => name.strip_suffix('_').filter(|name| !name.starts_with('_'))?.to_owned(),
    };
    Some(Known {
        handler: listed(&format!("{name}.{overload}"))?,
        is_in_place: true,
    })
}

/// The same for an operator that takes or gives complex numbers.
fn find_complex(target: &str) -> Option<Known> {
    let target = target.strip_prefix("torch.ops.aten.")?;
    let mut operators = complex::OPERATORS.iter().chain(fourier::OPERATORS);
    let known = operators.find(|(name, _)| *name == target);
    known.map(|(_, handler)| Known {
        handler: *handler,
        is_in_place: false,
    })
}

/// Whether a node gives no tensor: arithmetic on sizes, which the program describes where they are used, and checks
/// that the author or the export put in.
fn is_silent(node: &ProgramNode) -> bool {
    let gives_tensors = node.outputs.iter().any(|output| {
        let is_size = [
            "as_sym_int",
            "as_sym_bool",
            "as_sym_float",
            "as_none",
            "as_int",
            "as_bool",
            "as_float",
        ];
        !is_size.iter().any(|kind| output.get(kind).is_some())
    });
    !gives_tensors && is_silent_target(&node.target)
}

/// Whether an operator of this name computes sizes or checks them.
fn is_silent_target(target: &str) -> bool {
    let is_size = ["_operator.", "math.", "torch.sym_", "torch.ops.aten.sym_"];
    let is_check = ["torch.ops.aten._assert_", "torch.ops.aten.sym_constrain_range"];
    is_size.iter().chain(&is_check).any(|prefix| target.starts_with(prefix))
}

fn take_nodes<'p>(
    graph: &mut Builder<'p>,
    program: &'p ExportedProgram,
    on_progress: &mut OnProgress<'_>,
) -> Result<(), ImportError> {
    let (mut known, mut refused) = (Vec::new(), Vec::new());
    for node in program.graph_module.graph.nodes.iter().filter(|node| !is_silent(node)) {
        let names = node.taken().into_iter().chain(node.given());
        let found = match names.into_iter().any(|name| graph.is_complex(name)) {
            true => find_complex(&node.target),
            false => find(&node.target),
        };
        match found {
            Some(operator) => known.push((node, operator)),
            None => refused.push(place(node)),
        }
    }
    // All of them at once, so that nobody has to try again and again.
    if !refused.is_empty() {
        return Err(ImportError::Operators(refused));
    }
    let mut steps = Steps::begin(on_progress, Stage::Operators, known.len() as u64);
    known.into_iter().try_for_each(|(node, operator)| {
        take_node(graph, node, &operator)?;
        steps.advance(1);
        Ok(())
    })
}

fn take_node<'p>(graph: &mut Builder<'p>, node: &'p ProgramNode, operator: &Known) -> Result<(), ImportError> {
    graph.begin(place(node));
    let mut call = Call::new(graph, node);
    let tensors = (operator.handler)(&mut call)?;
    call.finish()?;
    let names = call.outputs();
    if names.len() < tensors.len() && !operator.is_in_place || names.is_empty() {
        return Err(call.refuse("output", "is not as many tensors as the operator gives"));
    }
    let first = node.inputs.first().and_then(|input| tensor_name(&input.arg));
    let sharing = match first {
        Some(first) if operator.is_in_place => Sharing::InPlace(first),
        None if operator.is_in_place => return Err(graph.misfit("is not a tensor")),
        _ => graph.sharing(&node.target, first, names[0]),
    };
    graph.end(names.into_iter().zip(tensors).collect(), sharing)
}

fn take_outputs(
    graph: &mut Builder<'_>,
    program: &ExportedProgram,
    states: &States<'_>,
) -> Result<Vec<(String, Tensor)>, ImportError> {
    let mut outputs = Vec::new();
    for spec in &program.graph_module.signature.output_specs {
        if ["buffer_mutation", "user_input_mutation"]
            .iter()
            .any(|kind| spec.get(kind).is_some())
        {
            continue;
        }
        let refused = || ImportError::Signature {
            what: format!("gives {spec}"),
        };
        let output = spec.get("user_output").and_then(|output| output.get("arg"));
        let name = output.and_then(tensor_name).ok_or_else(refused)?;
        if graph.is_complex(name) {
            return Err(ImportError::Signature {
                what: format!("gives {name} of complex numbers (let it give `torch.view_as_real` of them)"),
            });
        }
        let output = format!("output_{}", outputs.len());
        let tensor = graph.given(&output, name)?.ok_or_else(refused)?;
        outputs.push((output, tensor));
    }
    for (output, name) in states.outputs() {
        let tensor = graph.given(output, name)?;
        let tensor = tensor.ok_or_else(|| ImportError::Signature {
            what: format!("changes {name}, which is no tensor of it"),
        })?;
        outputs.push((output.to_owned(), tensor));
    }
    Ok(outputs)
}

fn place(node: &ProgramNode) -> Place {
    let operator = node.target.strip_prefix("torch.ops.").unwrap_or(&node.target);
    Place {
        operator: operator.to_owned(),
        node: node.label(),
        source: node.source(),
    }
}
