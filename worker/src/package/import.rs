//! From an exported program to a package: names resolved, dimensions made symbols, operators mapped or refused.

use super::{
    Package,
    archive::Archive,
    error::{ImportError, Place},
    manifest::Details,
    program::{ExportedProgram, InputSpec, ProgramNode, SCHEMA_MAJOR, Size, TensorMeta, data_type, tensor_name},
    stored::{Stored, fixed_shape, read_weights},
};
use assay_exact::{
    graph::{Dimension, Graph, Input, Node, Operator, Output, Symbol, Value, Weight},
    quantise::Precision,
};
use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

/// Greatest value of a dynamic dimension whose range the export leaves open.
const OPEN_RANGE_MAX: u32 = 65_536;

/// What the program does not say about the package that it becomes.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Name, version, licence and description for the manifest.
    pub details: Details,
    /// Precision of every contraction.
    pub precision: Precision,
    /// Files that travel with the model, such as a tokenizer; each keeps its file name.
    pub assets: Vec<PathBuf>,
}

/// Imports a `.pt2` archive of torch 2.11.
pub fn import(pt2: &Path, options: ImportOptions) -> Result<Package, ImportError> {
    let mut archive = Archive::open(pt2)?;
    let program = archive.program()?;
    let version = &program.schema_version;
    if version.major != SCHEMA_MAJOR {
        return Err(ImportError::SchemaVersion {
            major: version.major,
            minor: version.minor,
        });
    }
    let mut importer = Importer::new(&program, options.precision);
    importer.take_inputs()?;
    importer.take_nodes()?;
    importer.take_outputs()?;
    let (graph, stored) = importer.finish()?;
    let weights = read_weights(&mut archive, &graph, &stored)?;
    let assets = options
        .assets
        .iter()
        .map(|path| read_asset(path))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Package::new(
        options.details,
        options.precision,
        graph.check()?,
        weights,
        assets,
    )?)
}

fn read_asset(path: &Path) -> Result<(String, Vec<u8>), ImportError> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bytes = std::fs::read(path).map_err(|error| ImportError::Read {
        path: path.to_owned(),
        error,
    })?;
    Ok((name, bytes))
}

/// A graph in the making.
struct Importer<'a> {
    program: &'a ExportedProgram,
    precision: Precision,
    symbols: Vec<(String, Symbol)>,
    inputs: Vec<Input>,
    /// Tensors of the program that are weights, by the program's name for them.
    stored: HashMap<String, Stored>,
    /// The weights that operators use, by their name in the module; sorted, so that the package is canonical.
    used: BTreeMap<String, (Stored, Weight)>,
    nodes: Vec<(Node, Vec<Operand>)>,
    values: HashMap<String, Value>,
    outputs: Vec<(String, Operand)>,
}

/// A tensor before the weights have their final order.
#[derive(Clone)]
enum Operand {
    Value(Value),
    Weight(String),
}

/// An operator of the program in exact arithmetic's terms, and the names of its arguments in the program.
struct Mapped {
    operator: Operator,
    /// Tensors that it needs, in order.
    required: &'static [&'static str],
    /// Tensors that may follow.
    optional: &'static [&'static str],
    /// Arguments that the operator above already says.
    absorbed: &'static [&'static str],
}

impl<'a> Importer<'a> {
    fn new(program: &'a ExportedProgram, precision: Precision) -> Self {
        Self {
            program,
            precision,
            symbols: Vec::new(),
            inputs: Vec::new(),
            stored: HashMap::new(),
            used: BTreeMap::new(),
            nodes: Vec::new(),
            values: HashMap::new(),
            outputs: Vec::new(),
        }
    }

    fn take_inputs(&mut self) -> Result<(), ImportError> {
        for spec in &self.program.graph_module.signature.input_specs {
            let (name, stored) = match spec {
                InputSpec::UserInput { arg } => {
                    self.take_user_input(arg)?;
                    continue;
                }
                InputSpec::Parameter { arg, parameter_name } => (arg, ("weights", parameter_name)),
                InputSpec::Buffer {
                    arg,
                    buffer_name,
                    persistent: true,
                } => (arg, ("weights", buffer_name)),
                InputSpec::Buffer {
                    arg,
                    buffer_name,
                    persistent: false,
                } => (arg, ("constants", buffer_name)),
                InputSpec::TensorConstant {
                    arg,
                    tensor_constant_name,
                } => (arg, ("constants", tensor_constant_name)),
                InputSpec::Other(other) => {
                    return Err(ImportError::Signature {
                        what: format!("takes {other}"),
                    });
                }
            };
            let (folder, key) = (stored.0, stored.1.clone());
            self.stored.insert(name.name.clone(), Stored { folder, key });
        }
        Ok(())
    }

    fn take_user_input(&mut self, arg: &serde_json::Value) -> Result<(), ImportError> {
        let name = tensor_name(arg).ok_or_else(|| ImportError::Signature {
            what: format!("takes {arg}"),
        })?;
        let meta = self.meta(name)?;
        let dtype = data_type(meta.dtype).ok_or_else(|| ImportError::DataType {
            tensor: name.to_owned(),
            code: meta.dtype,
        })?;
        let dimensions = self.dimensions(name, &meta)?;
        self.values
            .insert(name.to_owned(), Value::Input(self.inputs.len() as u16));
        self.inputs.push(Input {
            name: name.to_owned(),
            dtype,
            dimensions,
        });
        Ok(())
    }

    fn take_nodes(&mut self) -> Result<(), ImportError> {
        let (mut mapped, mut refused) = (Vec::new(), Vec::new());
        for node in &self.program.graph_module.graph.nodes {
            // The sizes that it reads are in the dimensions of whatever uses them.
            if node.target == "torch.ops.aten.sym_size.int" {
                continue;
            }
            match self.map(node)? {
                Some(operator) => mapped.push((node, operator)),
                None => refused.push(place(node)),
            }
        }
        if !refused.is_empty() {
            return Err(ImportError::Operators(refused));
        }
        mapped
            .into_iter()
            .try_for_each(|(node, operator)| self.take_node(node, operator))
    }

    /// What a node of the program becomes; `None` if exact arithmetic does not define it.
    fn map(&mut self, node: &ProgramNode) -> Result<Option<Mapped>, ImportError> {
        let Some(target) = node.target.strip_prefix("torch.ops.aten.") else {
            return Ok(None);
        };
        Ok(Some(match target {
            "linear.default" => Mapped {
                operator: Operator::Linear {
                    precision: self.precision,
                },
                required: &["input", "weight"],
                optional: &["bias"],
                absorbed: &[],
            },
            "relu.default" => Mapped {
                operator: Operator::Relu,
                required: &["self"],
                optional: &[],
                absorbed: &[],
            },
            "flatten.using_ints" | "view.default" | "reshape.default" | "unsqueeze.default" | "squeeze.dim" => {
                let output = node.outputs.first().and_then(tensor_name);
                let output = output.ok_or_else(|| argument_error(node, "output"))?;
                let meta = self.meta(output)?;
                Mapped {
                    operator: Operator::Reshape {
                        dimensions: self.dimensions(output, &meta)?,
                    },
                    required: &["self"],
                    optional: &[],
                    absorbed: &["start_dim", "end_dim", "size", "shape", "dim"],
                }
            }
            _ => return Ok(None),
        }))
    }

    fn take_node(&mut self, node: &ProgramNode, mapped: Mapped) -> Result<(), ImportError> {
        let Mapped {
            operator,
            required,
            optional,
            absorbed,
        } = mapped;
        let is_known = |name: &str| [required, optional, absorbed].iter().any(|names| names.contains(&name));
        if let Some(unknown) = node.inputs.iter().find(|input| !is_known(&input.name)) {
            return Err(argument_error(node, &unknown.name));
        }
        let mut operands = Vec::new();
        for name in required.iter().chain(optional) {
            match node.argument(name) {
                Some(argument) => {
                    let tensor = tensor_name(argument).ok_or_else(|| argument_error(node, name))?;
                    operands.push(self.operand(tensor)?.ok_or_else(|| argument_error(node, name))?);
                }
                None if required.contains(name) => return Err(argument_error(node, name)),
                None => {}
            }
        }
        let [output] = node.outputs.as_slice() else {
            return Err(argument_error(node, "output"));
        };
        let output = tensor_name(output).ok_or_else(|| argument_error(node, "output"))?;
        self.values
            .insert(output.to_owned(), Value::Node(self.nodes.len() as u32));
        let node = Node {
            name: node.label(),
            operator,
            inputs: Vec::new(),
            source: node.source(),
        };
        self.nodes.push((node, operands));
        Ok(())
    }

    fn take_outputs(&mut self) -> Result<(), ImportError> {
        for (index, spec) in self.program.graph_module.signature.output_specs.iter().enumerate() {
            let refused = || ImportError::Signature {
                what: format!("gives {spec}"),
            };
            let tensor = spec
                .get("user_output")
                .and_then(|output| output.get("arg"))
                .and_then(tensor_name);
            let operand = self.operand(tensor.ok_or_else(refused)?)?.ok_or_else(refused)?;
            self.outputs.push((format!("output_{index}"), operand));
        }
        Ok(())
    }

    /// The tensor that the program calls `name`, if there is one so far.
    fn operand(&mut self, name: &str) -> Result<Option<Operand>, ImportError> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(Operand::Value(*value)));
        }
        let Some(stored) = self.stored.get(name).cloned() else {
            return Ok(None);
        };
        let meta = self.meta(name)?;
        let dtype = data_type(meta.dtype).ok_or_else(|| ImportError::DataType {
            tensor: stored.key.clone(),
            code: meta.dtype,
        })?;
        let shape = fixed_shape(&stored.key, &meta)?;
        let weight = Weight {
            name: stored.key.clone(),
            dtype,
            shape,
        };
        let key = stored.key.clone();
        self.used.insert(key.clone(), (stored, weight));
        Ok(Some(Operand::Weight(key)))
    }

    fn finish(self) -> Result<(Graph, Vec<Stored>), ImportError> {
        let positions: HashMap<String, u16> = self
            .used
            .keys()
            .enumerate()
            .map(|(position, key)| (key.clone(), position as u16))
            .collect();
        let place = |operand: Operand| match operand {
            Operand::Value(value) => value,
            Operand::Weight(key) => Value::Weight(positions[&key]),
        };
        let (stored, weights) = self.used.into_values().unzip();
        let nodes = self.nodes.into_iter().map(|(mut node, operands)| {
            node.inputs = operands.into_iter().map(place).collect();
            node
        });
        let mut graph = Graph {
            symbols: Vec::new(),
            inputs: self.inputs,
            weights,
            nodes: nodes.collect(),
            outputs: self
                .outputs
                .into_iter()
                .map(|(name, operand)| Output {
                    name,
                    value: place(operand),
                })
                .collect(),
        };
        // The export forgets the author's name for a dimension. One that all inputs begin with is the batch.
        let batch = |index: usize| {
            graph
                .inputs
                .iter()
                .all(|input| input.dimensions.first() == Some(&Dimension::Symbol(index as u8)))
        };
        let symbols = self.symbols.into_iter().enumerate().map(|(index, (_, mut symbol))| {
            symbol.name = if batch(index) {
                "batch".to_owned()
            } else {
                format!("s{index}")
            };
            symbol
        });
        graph.symbols = symbols.collect();
        Ok((graph, stored))
    }

    fn meta(&self, name: &str) -> Result<TensorMeta, ImportError> {
        let meta = self.program.graph_module.graph.tensor_values.get(name);
        meta.cloned().ok_or_else(|| ImportError::Archive {
            reason: format!("the program does not describe {name}"),
        })
    }

    /// A tensor's dimensions; symbols are numbered in the order in which they are met.
    fn dimensions(&mut self, tensor: &str, meta: &TensorMeta) -> Result<Vec<Dimension>, ImportError> {
        let mut dimensions = Vec::with_capacity(meta.sizes.len());
        for (position, size) in meta.sizes.iter().enumerate() {
            let error = |reason: String| ImportError::Dimension {
                tensor: tensor.to_owned(),
                dimension: position,
                reason,
            };
            dimensions.push(match size {
                Size::AsInt(elements) => {
                    let elements = u32::try_from(*elements);
                    Dimension::Fixed(elements.map_err(|_| error("has a size that no tensor has".to_owned()))?)
                }
                Size::AsExpr(expression) => {
                    let name = expression.symbol();
                    let name = name.ok_or_else(|| error(format!("{} is not a symbol alone", expression.expr_str)))?;
                    Dimension::Symbol(self.symbol(name).map_err(error)?)
                }
            });
        }
        Ok(dimensions)
    }

    fn symbol(&mut self, name: &str) -> Result<u8, String> {
        let known = self.symbols.iter().position(|(known, _)| known == name);
        let position = match known {
            Some(position) => position,
            None => {
                let range = self.program.range_constraints.get(name);
                let min = range.and_then(|range| range.min_val).unwrap_or(1).max(1);
                let max = range
                    .and_then(|range| range.max_val)
                    .unwrap_or(i64::from(OPEN_RANGE_MAX));
                let bounds = (u32::try_from(min), u32::try_from(max));
                let (Ok(min), Ok(max)) = bounds else {
                    return Err(format!(
                        "has the range {min} to {max}; give torch.export.Dim a max below 2^32"
                    ));
                };
                self.symbols.push((
                    name.to_owned(),
                    Symbol {
                        name: name.to_owned(),
                        min,
                        max,
                    },
                ));
                self.symbols.len() - 1
            }
        };
        u8::try_from(position).map_err(|_| "is one dynamic dimension too many".to_owned())
    }
}

fn place(node: &ProgramNode) -> Place {
    let operator = node
        .target
        .strip_prefix("torch.ops.")
        .unwrap_or(&node.target)
        .to_owned();
    Place {
        operator,
        node: node.label(),
        source: node.source(),
    }
}

fn argument_error(node: &ProgramNode, argument: &str) -> ImportError {
    ImportError::Argument {
        place: place(node),
        argument: argument.to_owned(),
    }
}
