//! The checks that make a graph fit to be evaluated.

use super::{
    BindError, Dimension, Graph, MAX_NAME_BYTES, MAX_NODE_BYTES, MAX_NODES, MAX_RANK, MAX_SCHEMA_NAME_BYTES,
    MAX_SYMBOLS, MAX_TENSORS, MAX_WEIGHTS, Node, ShapeError, Value,
    shape::Layout,
    work::{self, Taken},
};
use crate::{
    digest::{DataType, tensor_size_bytes},
    model::{MAX_TERMS, Polynomial, Sum, SumError},
};
use alloc::{collections::BTreeSet, string::String, vec::Vec};
use codec::Encode;

/// Bytes that the outputs of all operators may have together, at the maximum values of the symbols: what a trace
/// hashes, which takes hours.
pub const MAX_TRACE_BYTES: u64 = 1 << 42;
/// Work that one execution may be, at the maximum values of the symbols, in the unit of [`CheckedGraph::work`].
pub const MAX_WORK: u64 = 1 << 56;

/// A graph all of whose operators can take what they are given, for every value of its symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedGraph {
    graph: Graph,
    inputs: Vec<Layout>,
    weights: Vec<Layout>,
    nodes: Vec<Layout>,
    work: Polynomial,
    trace_bytes: Polynomial,
}

/// Why a graph is not fit to be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// It has more of something than is allowed, or none of what it needs.
    Count {
        /// `inputs`, `nodes` and so on.
        what: &'static str,
        /// Number that it has.
        actual: usize,
        /// Number that it may have.
        max: usize,
    },
    /// A name or a source is too long, or a name is empty.
    NameLength {
        /// The name, or its beginning.
        name: String,
    },
    /// Two inputs, two weights, two symbols or two outputs have the same name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A symbol's least value is 0 or above its greatest.
    SymbolRange {
        /// The symbol's name.
        symbol: String,
    },
    /// A symbol is in no input's dimensions, so that nothing binds it.
    UnboundSymbol {
        /// The symbol's name.
        symbol: String,
    },
    /// A dimension of an input is computed from symbols. It cannot give them their values, and nothing else may.
    ComputedInput {
        /// Name of the input.
        name: String,
    },
    /// An input or a weight has too many dimensions, an empty one, one of an unknown symbol, or is too large.
    Tensor {
        /// Name of the input or the weight.
        name: String,
    },
    /// A node or an output takes a tensor that does not stand before it.
    UnknownValue {
        /// Name of the node or the output.
        name: String,
        /// The value that it asks for.
        value: Value,
    },
    /// An operator cannot take what it is given.
    Shape {
        /// Name of the node.
        node: String,
        /// The operator's name in ATen.
        operator: &'static str,
        /// Where the author wrote it.
        source: String,
        /// The misfit.
        error: ShapeError,
    },
    /// An input's range of values is empty, or does not fit its type, which must be an integer.
    ValueRange {
        /// Name of the input.
        name: String,
    },
    /// No output depends on a node. An execution leaves it out, and a trace would have to hold it.
    Unused {
        /// Name of the node.
        node: String,
    },
    /// An execution or its trace can be larger than anybody can check, at the maximum values of the symbols.
    Vast {
        /// `work` or `trace`.
        what: &'static str,
        /// The amount; `None` beyond 64 bits.
        actual: Option<u64>,
        /// The maximum.
        max: u64,
    },
    /// The work or the size of the trace depends on the symbols in more ways than can be written down.
    Terms,
    /// An output is an input handed through. Its digest would be of the canonical bytes and that of the input of the
    /// bytes as they were sent, so that no dispute about it could be decided.
    HandedThrough {
        /// Name of the output.
        name: String,
    },
    /// A node is too long to be opened in a dispute.
    NodeTooLong {
        /// Name of the node.
        node: String,
        /// Bytes that it has.
        bytes: usize,
    },
    /// The output of a node is too large at the greatest values of the symbols.
    TooLarge {
        /// Name of the node.
        node: String,
    },
}

impl core::fmt::Display for GraphError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Count { what, actual, max } => write!(f, "the graph has {actual} {what}, and 1 to {max} are allowed"),
            Self::NameLength { name } => write!(f, "the name {name:?} is empty or too long"),
            Self::DuplicateName { name } => write!(f, "the name {name} stands for two things"),
            Self::SymbolRange { symbol } => write!(f, "the range of dimension {symbol} is empty or includes 0"),
            Self::UnboundSymbol { symbol } => write!(f, "no input has the dimension {symbol}"),
            Self::ComputedInput { name } => write!(
                f,
                "a dimension of input {name} is computed from symbols; let it be fixed, or a symbol of its own"
            ),
            Self::Tensor { name } => write!(f, "the dimensions of {name} are too many, empty, unknown or too large"),
            Self::UnknownValue { name, value } => write!(f, "{name} takes {value:?}, which does not stand before it"),
            Self::Shape {
                node,
                operator,
                source,
                error,
            } => write!(f, "{operator} ({node}, {source}) {error}"),
            Self::HandedThrough { name } => write!(
                f,
                "the output {name} is an input handed through; give it a node, such as a reshape to its own shape"
            ),
            Self::ValueRange { name } => write!(f, "the range of values of input {name} does not fit its type"),
            Self::Unused { node } => write!(f, "no output depends on the node {node}; leave it out"),
            Self::Vast { what, actual, max } => {
                let actual = actual.map_or_else(|| "more than 2^64".into(), |actual| alloc::format!("{actual}"));
                write!(
                    f,
                    "the {what} of one execution can be {actual}, and {max} is allowed: narrow the ranges of the symbols"
                )
            }
            Self::Terms => write!(
                f,
                "its size depends on the symbols in more than {MAX_TERMS} ways: give it fewer dynamic dimensions"
            ),
            Self::NodeTooLong { node, bytes } => write!(
                f,
                "the node {node} has {bytes} bytes, and {MAX_NODE_BYTES} are allowed: give it a shorter name and source, or fewer \
                 operands"
            ),
            Self::TooLarge { node } => write!(f, "the output of {node} can be larger than can be counted"),
        }
    }
}

impl core::error::Error for GraphError {}

impl Graph {
    /// Checks everything that evaluation relies on.
    pub fn check(self) -> Result<CheckedGraph, GraphError> {
        let mut checked = self.check_of(MAX_TENSORS)?;
        checked.measure()?;
        Ok(checked)
    }

    /// The same for a graph that an engine makes for itself, which nobody registers: it may take and give as many
    /// tensors as it has weights, and its work and its trace are not measured.
    pub fn check_derived(self) -> Result<CheckedGraph, GraphError> {
        self.check_of(MAX_WEIGHTS)
    }

    fn check_of(self, max_tensors: usize) -> Result<CheckedGraph, GraphError> {
        self.check_counts(max_tensors)?;
        self.check_names()?;
        self.check_sizes()?;
        self.check_symbols()?;
        let (inputs, weights) = (self.input_layouts()?, self.weight_layouts()?);
        let mut checked = CheckedGraph {
            graph: self,
            inputs,
            weights,
            nodes: Vec::new(),
            work: Polynomial::default(),
            trace_bytes: Polynomial::default(),
        };
        for node in &checked.graph.nodes {
            let layout = checked.infer(node)?;
            if !checked.graph.is_sound(&layout) {
                return Err(GraphError::TooLarge {
                    node: node.name.clone(),
                });
            }
            checked.nodes.push(layout);
        }
        for output in &checked.graph.outputs {
            if matches!(output.value, Value::Input(_)) {
                return Err(GraphError::HandedThrough {
                    name: output.name.clone(),
                });
            }
            if checked.layout(output.value).is_none() {
                return Err(GraphError::UnknownValue {
                    name: output.name.clone(),
                    value: output.value,
                });
            }
        }
        checked.check_uses()?;
        Ok(checked)
    }

    fn input_layouts(&self) -> Result<Vec<Layout>, GraphError> {
        let layouts = self.inputs.iter().map(|input| {
            let layout = Layout {
                dtype: input.dtype,
                dimensions: input.dimensions.clone(),
            };
            let name = || input.name.clone();
            if layout.dimensions.iter().any(|dimension| dimension.is_computed()) {
                Err(GraphError::ComputedInput { name: name() })
            } else if input.range.is_some_and(|range| !range.fits(input.dtype)) {
                Err(GraphError::ValueRange { name: name() })
            } else if self.is_sound(&layout) {
                Ok(layout)
            } else {
                Err(GraphError::Tensor { name: name() })
            }
        });
        layouts.collect()
    }

    fn weight_layouts(&self) -> Result<Vec<Layout>, GraphError> {
        let layouts = self.weights.iter().map(|weight| {
            let layout = Layout {
                dtype: weight.dtype,
                dimensions: weight.shape.iter().copied().map(Dimension::Fixed).collect(),
            };
            let name = || weight.name.clone();
            let sound = self.is_sound(&layout).then_some(layout);
            sound.ok_or_else(|| GraphError::Tensor { name: name() })
        });
        layouts.collect()
    }

    fn check_counts(&self, max_tensors: usize) -> Result<(), GraphError> {
        let counts = [
            ("inputs", self.inputs.len(), 1, max_tensors),
            ("outputs", self.outputs.len(), 1, max_tensors),
            ("nodes", self.nodes.len(), 1, MAX_NODES),
            ("weights", self.weights.len(), 0, MAX_WEIGHTS),
            ("symbols", self.symbols.len(), 0, MAX_SYMBOLS),
        ];
        for (what, actual, min, max) in counts {
            if !(min..=max).contains(&actual) {
                return Err(GraphError::Count { what, actual, max });
            }
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), GraphError> {
        check_names(self.symbols.iter().map(|symbol| &symbol.name), MAX_SCHEMA_NAME_BYTES)?;
        check_names(self.inputs.iter().map(|input| &input.name), MAX_SCHEMA_NAME_BYTES)?;
        check_names(self.outputs.iter().map(|output| &output.name), MAX_SCHEMA_NAME_BYTES)?;
        check_names(self.weights.iter().map(|weight| &weight.name), MAX_NAME_BYTES)?;
        check_names(self.nodes.iter().map(|node| &node.name), MAX_NAME_BYTES)?;
        match self.nodes.iter().find(|node| node.source.len() > MAX_NAME_BYTES) {
            Some(node) => Err(GraphError::NameLength {
                name: beginning(&node.source),
            }),
            None => Ok(()),
        }
    }

    /// Checks that a dispute can open the graph.
    fn check_sizes(&self) -> Result<(), GraphError> {
        let sizes = self.nodes.iter().map(|node| (node, node.encoded_size()));
        match sizes.into_iter().find(|(_, bytes)| *bytes > MAX_NODE_BYTES as usize) {
            Some((node, bytes)) => Err(GraphError::NodeTooLong {
                node: node.name.clone(),
                bytes,
            }),
            None => Ok(()),
        }
    }

    fn check_symbols(&self) -> Result<(), GraphError> {
        for (index, symbol) in self.symbols.iter().enumerate() {
            if symbol.min == 0 || symbol.min > symbol.max {
                return Err(GraphError::SymbolRange {
                    symbol: symbol.name.clone(),
                });
            }
            let mut dimensions = self.inputs.iter().flat_map(|input| &input.dimensions);
            if !dimensions.any(|d| matches!(d, Dimension::Symbol(used) if usize::from(*used) == index)) {
                return Err(GraphError::UnboundSymbol {
                    symbol: symbol.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether a tensor has few enough dimensions, none of them empty, all known, and a size that can be counted where
    /// each dimension has its maximum.
    fn is_sound(&self, layout: &Layout) -> bool {
        let greatest = layout.dimensions.iter().map(|dimension| {
            let bounds = self.bounds(*dimension).filter(|bounds| bounds.min >= 1)?;
            u32::try_from(bounds.max).ok()
        });
        let greatest: Option<Vec<u32>> = greatest.collect();
        layout.dimensions.len() <= MAX_RANK
            && greatest
                .and_then(|shape| tensor_size_bytes(layout.dtype, &shape))
                .is_some_and(|size| size <= i64::MAX as u64)
    }
}

impl CheckedGraph {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type and the dimensions of a tensor; `None` if the graph has no such tensor.
    pub fn value(&self, value: Value) -> Option<(DataType, &[Dimension])> {
        self.layout(value)
            .map(|layout| (layout.dtype, layout.dimensions.as_slice()))
    }

    /// The values of the symbols, in the graph's order, for inputs of these types and shapes.
    pub fn bind(&self, inputs: &[(DataType, &[u32])]) -> Result<Vec<u32>, BindError> {
        Graph::bind_to(&self.graph.symbols, &self.graph.inputs, inputs)
    }

    /// Work of one execution as a polynomial of the symbols, in products of two 8-bit integers and what takes as long:
    /// see `docs/numerics.md`, *Work*.
    ///
    /// It is a measure for prices and deadlines, the same for everybody, and no prediction of seconds.
    pub fn work(&self) -> &Polynomial {
        &self.work
    }

    /// Bytes of the outputs of all operators together, as a polynomial of the symbols.
    pub fn trace_bytes(&self) -> &Polynomial {
        &self.trace_bytes
    }

    /// Checks that every node reaches an output.
    fn check_uses(&self) -> Result<(), GraphError> {
        let used = self.graph.used();
        let unused = self.graph.nodes.iter().zip(used).find(|(_, is_used)| !is_used);
        unused.map_or(Ok(()), |(node, _)| {
            Err(GraphError::Unused {
                node: node.name.clone(),
            })
        })
    }

    /// Adds up work and trace, and checks that they are bounded.
    fn measure(&mut self) -> Result<(), GraphError> {
        let mut trace = Sum::default();
        for layout in &self.nodes {
            let added = trace.add(layout.dtype.size_bytes() as u64, &layout.dimensions);
            added.map_err(|error| too_much("trace", error, MAX_TRACE_BYTES))?;
        }
        self.trace_bytes = self.bounded("trace", trace, MAX_TRACE_BYTES)?;
        let mut work = Sum::default();
        for (node, layout) in self.graph.nodes.iter().zip(&self.nodes) {
            let operands = node.inputs.iter().filter_map(|value| self.layout(*value));
            let taken = Taken {
                operands: operands.map(|layout| layout.dimensions.as_slice()).collect(),
                output: &layout.dimensions,
            };
            let added = work::add(&node.operator, &taken, &mut work);
            added.map_err(|error| too_much("work", error, MAX_WORK))?;
        }
        self.work = self.bounded("work", work, MAX_WORK)?;
        Ok(())
    }

    /// The sum, if it is at most `max` at the maximum values of the symbols.
    fn bounded(&self, what: &'static str, sum: Sum, max: u64) -> Result<Polynomial, GraphError> {
        let polynomial = sum.finish().ok_or(GraphError::Terms)?;
        let largest: Vec<u32> = self.graph.symbols.iter().map(|symbol| symbol.max).collect();
        match polynomial.at(&largest) {
            Some(value) if value <= max => Ok(polynomial),
            actual => Err(vast(what, actual, max)),
        }
    }

    /// The shape of a tensor for these values of the symbols; `None` if the graph has no such tensor or symbol.
    pub fn shape(&self, value: Value, symbols: &[u32]) -> Option<Vec<u32>> {
        self.layout(value)
            .and_then(|layout| resolve(&layout.dimensions, symbols))
    }

    fn layout(&self, value: Value) -> Option<&Layout> {
        match value {
            Value::Input(index) => self.inputs.get(usize::from(index)),
            Value::Weight(index) => self.weights.get(usize::from(index)),
            Value::Node(index) => self.nodes.get(usize::try_from(index).ok()?),
        }
    }

    fn infer(&self, node: &Node) -> Result<Layout, GraphError> {
        let inputs = node.inputs.iter().map(|value| {
            self.layout(*value).ok_or_else(|| GraphError::UnknownValue {
                name: node.name.clone(),
                value: *value,
            })
        });
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let layout = node.operator.infer(&self.graph, &inputs);
        layout
            .and_then(|layout| self.graph.check_computed(layout))
            .map_err(|error| GraphError::Shape {
                node: node.name.clone(),
                operator: node.operator.name(),
                source: node.source.clone(),
                error,
            })
    }
}

fn too_much(what: &'static str, error: SumError, max: u64) -> GraphError {
    match error {
        SumError::TooLarge => vast(what, None, max),
        SumError::Terms => GraphError::Terms,
    }
}

fn vast(what: &'static str, actual: Option<u64>, max: u64) -> GraphError {
    GraphError::Vast { what, actual, max }
}

fn resolve(dimensions: &[Dimension], symbols: &[u32]) -> Option<Vec<u32>> {
    dimensions.iter().map(|dimension| dimension.elements(symbols)).collect()
}

fn check_names<'a>(names: impl Iterator<Item = &'a String>, max_bytes: usize) -> Result<(), GraphError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > max_bytes {
            return Err(GraphError::NameLength { name: beginning(name) });
        }
        if !seen.insert(name) {
            return Err(GraphError::DuplicateName { name: name.clone() });
        }
    }
    Ok(())
}

fn beginning(name: &str) -> String {
    name.chars().take(40).collect()
}
