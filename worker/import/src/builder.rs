//! A graph in the making: tensors by their names in the program, nodes without repetition, and what is used of both.

use super::{
    arguments::Number,
    symbols::Symbols,
    views::{Bound, Owner, Sharing, Storage},
};
use crate::{
    error::{ImportError, Place},
    program::{ExportedProgram, TensorMeta, data_type, is_complex},
    stored::{Stored, fixed_shape},
};
use assay_exact::{
    digest::DataType,
    graph::{Dimension, Graph, Input, Node, Operator, Output, Value, Weight},
    quantise::Precision,
};
use codec::Encode;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// A tensor of the graph in the making.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Where it comes from.
    pub source: Source,
    /// Type of its elements.
    pub dtype: DataType,
    /// Its dimensions, outermost first.
    pub dims: Vec<Dimension>,
}

/// Where a tensor comes from, before weights and nodes have their final places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Source {
    Input(u16),
    Weight(usize),
    Node(usize),
}

struct Draft {
    name: String,
    operator: Operator,
    inputs: Vec<Source>,
    source: String,
    dtype: DataType,
    dims: Vec<Dimension>,
}

/// A graph in the making.
pub(super) struct Builder<'p> {
    program: &'p ExportedProgram,
    pub(super) precision: Precision,
    pub(super) symbols: Symbols<'p>,
    inputs: Vec<Input>,
    /// Tensors of the program that are weights, by the program's name for them, with the shape under which the archive
    /// has them.
    stored: HashMap<String, (Arc<Stored>, Option<Vec<u32>>)>,
    /// Weights that operators use, in the order in which they were met.
    weights: Vec<(Arc<Stored>, Weight)>,
    /// Their positions by their names.
    weight_named: HashMap<String, usize>,
    drafts: Vec<Draft>,
    /// Nodes that there are already: encoded operator and inputs to the node.
    known: HashMap<(Vec<u8>, Vec<Source>), usize>,
    pub(super) named: HashMap<String, Bound>,
    pub(super) storages: Vec<Storage>,
    /// The program's node that is being taken, its source line, and the first draft that belongs to it.
    place: Place,
    first_draft: usize,
}

type Result<T> = std::result::Result<T, ImportError>;

impl<'p> Builder<'p> {
    pub fn new(program: &'p ExportedProgram, precision: Precision) -> Self {
        Self {
            program,
            precision,
            symbols: Symbols::new(program),
            inputs: Vec::new(),
            stored: HashMap::new(),
            weights: Vec::new(),
            weight_named: HashMap::new(),
            drafts: Vec::new(),
            known: HashMap::new(),
            named: HashMap::new(),
            storages: Vec::new(),
            place: Place::default(),
            first_draft: 0,
        }
    }

    /// Takes an input of the program.
    pub fn add_input(&mut self, name: &str) -> Result<()> {
        self.add_input_as(name, name, Owner::Caller)
    }

    /// Takes a buffer of the program as an input of another name, which the program may change.
    pub fn add_state(&mut self, name: &str, input: &str) -> Result<()> {
        self.add_input_as(name, input, Owner::Program)
    }

    fn add_input_as(&mut self, name: &str, input: &str, owner: Owner) -> Result<()> {
        let meta = self.meta(name)?;
        let dtype = element_type(name, meta)?;
        let dims = self.symbols.declare(name, meta)?;
        let source = Source::Input(self.inputs.len() as u16);
        self.inputs.push(Input {
            name: input.to_owned(),
            dtype,
            dimensions: dims.clone(),
            range: None,
        });
        self.bind(name, Tensor { source, dtype, dims }, owner);
        Ok(())
    }

    /// Takes a buffer of the program that is filled before it is read.
    pub fn add_empty(&mut self, name: &str) -> Result<()> {
        let (dtype, dims) = self.described(name)?;
        let zero = self.fill(Number::Int(0), dtype)?;
        let tensor = self.expand(&zero, &dims)?;
        self.bind(name, tensor, Owner::Program);
        self.name_helpers(&HashSet::new());
        Ok(())
    }

    /// Takes a weight of the program, which becomes one of the graph when it is used.
    pub fn add_weight(&mut self, name: &str, stored: Arc<Stored>, shape: Option<Vec<u32>>) {
        self.stored.insert(name.to_owned(), (stored, shape));
    }

    /// From here on, nodes belong to this one of the program.
    pub fn begin(&mut self, place: Place) {
        self.place = place;
        self.first_draft = self.drafts.len();
    }

    /// Gives what the node has given its names in the program.
    pub fn end(&mut self, outputs: Vec<(&str, Tensor)>, sharing: Sharing<'_>) -> Result<()> {
        let first = self.first_draft;
        let mut own = HashSet::new();
        for (name, tensor) in &outputs {
            self.check_described(name, tensor)?;
            if let Source::Node(node) = tensor.source
                && node >= first
                && own.insert(node)
            {
                self.drafts[node].name = (*name).to_owned();
            }
        }
        for (name, tensor) in outputs {
            match sharing {
                Sharing::Fresh => self.bind(name, tensor, Owner::Program),
                Sharing::View(of) => self.bind_view(name, tensor, of)?,
                Sharing::Unsure(of) => self.bind_unsure(name, tensor, of),
                Sharing::InPlace(of) => self.write(of, tensor, name)?,
            }
        }
        self.name_helpers(&own);
        Ok(())
    }

    /// Names the nodes of the place that is being taken, but for its own, after the place.
    fn name_helpers(&mut self, own: &HashSet<usize>) {
        let helpers = (self.first_draft..self.drafts.len()).filter(|node| !own.contains(node));
        for (position, node) in helpers.enumerate() {
            // A name with a full stop is no name of the program's.
            self.drafts[node].name = format!("{}.{}", self.place.node, position + 1);
        }
    }

    /// The tensor that the program calls `name`, if there is one so far.
    pub fn tensor(&mut self, name: &str) -> Result<Option<Tensor>> {
        if let Some(tensor) = self.shown(name)? {
            return Ok(Some(tensor));
        }
        let Some((stored, stored_shape)) = self.stored.get(name).cloned() else {
            return Ok(None);
        };
        let meta = self.meta(name)?;
        let dtype = element_type(&stored.key, meta)?;
        let shape = fixed_shape(&stored.key, meta)?;
        let fixed = |shape: &[u32]| shape.iter().map(|elements| Dimension::Fixed(*elements)).collect();
        // Elements that have another shape under another name are one weight. Where the archive and the program differ,
        // the weight keeps the program's shape and is refused when it is read.
        let as_stored = stored.shape.clone().filter(|_| stored_shape.as_ref() == Some(&shape));
        let weight = Weight {
            name: stored.key.clone(),
            dtype,
            shape: as_stored.unwrap_or_else(|| shape.clone()),
        };
        let weight_dims: Vec<Dimension> = fixed(&weight.shape);
        let known = self.weight_named.get(&weight.name).copied();
        let position = match known {
            Some(position) if self.weights[position] == (stored.clone(), weight.clone()) => position,
            Some(_) => {
                return Err(ImportError::Weight {
                    weight: weight.name,
                    reason: "two weights have this name".to_owned(),
                });
            }
            None => {
                self.weight_named.insert(weight.name.clone(), self.weights.len());
                self.weights.push((stored, weight));
                self.weights.len() - 1
            }
        };
        let source = Source::Weight(position);
        let dims: Vec<Dimension> = fixed(&shape);
        let tensor = Tensor {
            source,
            dtype,
            dims: weight_dims,
        };
        if tensor.dims == dims {
            return Ok(Some(tensor));
        }
        let reshape = Operator::Reshape {
            dimensions: dims.clone(),
        };
        Ok(Some(self.node(reshape, &[&tensor], dtype, dims)))
    }

    /// The node for an operator and its inputs; one that is there already serves again.
    pub(super) fn node(
        &mut self,
        operator: Operator,
        inputs: &[&Tensor],
        dtype: DataType,
        dims: Vec<Dimension>,
    ) -> Tensor {
        let inputs: Vec<Source> = inputs.iter().map(|tensor| tensor.source).collect();
        let key = (operator.encode(), inputs);
        let node = match self.known.get(&key) {
            Some(node) => *node,
            None => {
                self.drafts.push(Draft {
                    name: String::new(),
                    operator,
                    inputs: key.1.clone(),
                    source: self.place.source.clone(),
                    dtype,
                    dims: dims.clone(),
                });
                self.known.insert(key, self.drafts.len() - 1);
                self.drafts.len() - 1
            }
        };
        let source = Source::Node(node);
        Tensor { source, dtype, dims }
    }

    /// The operator that gives a tensor, and its first input.
    pub(super) fn origin(&self, tensor: &Tensor) -> Option<(&Operator, Option<Source>)> {
        match tensor.source {
            Source::Node(node) => {
                let draft = self.drafts.get(node)?;
                Some((&draft.operator, draft.inputs.first().copied()))
            }
            _ => None,
        }
    }

    /// The operator that gives a tensor, and what it takes.
    pub(super) fn made_of(&self, tensor: &Tensor) -> Option<(&Operator, Vec<Tensor>)> {
        let Source::Node(node) = tensor.source else {
            return None;
        };
        let draft = self.drafts.get(node)?;
        let inputs = draft.inputs.iter().map(|source| self.at(*source));
        Some((&draft.operator, inputs.collect::<Option<_>>()?))
    }

    fn at(&self, source: Source) -> Option<Tensor> {
        let (dtype, dims) = match source {
            Source::Input(input) => {
                let input = self.inputs.get(usize::from(input))?;
                (input.dtype, input.dimensions.clone())
            }
            Source::Weight(weight) => {
                let (_, weight) = self.weights.get(weight)?;
                (
                    weight.dtype,
                    weight.shape.iter().copied().map(Dimension::Fixed).collect(),
                )
            }
            Source::Node(node) => {
                let draft = self.drafts.get(node)?;
                (draft.dtype, draft.dims.clone())
            }
        };
        Some(Tensor { source, dtype, dims })
    }

    /// An error at the node that is being taken.
    pub fn misfit(&self, reason: &str) -> ImportError {
        ImportError::Argument {
            place: self.place.clone(),
            argument: "self".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn meta(&self, name: &str) -> Result<&'p TensorMeta> {
        let meta = self.program.graph_module.graph.tensor_values.get(name);
        meta.ok_or_else(|| ImportError::Archive {
            reason: format!("the program does not describe {name}"),
        })
    }

    /// Whether the program's tensors of these names have the same type.
    pub fn keeps_type(&self, a: &str, b: &str) -> bool {
        let dtype = |name| self.meta(name).map(|meta| meta.dtype).ok();
        dtype(a).is_some() && dtype(a) == dtype(b)
    }

    /// Whether the program lays a tensor out in row-major order.
    pub fn is_plain(&self, name: &str) -> bool {
        let Ok(meta) = self.meta(name) else {
            return false;
        };
        let mut expected = Some(Dimension::Fixed(1));
        meta.sizes.iter().zip(&meta.strides).rev().all(|(size, stride)| {
            let (Ok(size), Ok(stride)) = (self.symbols.dimension(size), self.symbols.dimension(stride)) else {
                return false;
            };
            // The stride of a dimension of one element is never used.
            let is_in_order = size == Dimension::Fixed(1) || Some(stride) == expected;
            expected = expected.and_then(|expected| expected.times(size));
            is_in_order
        })
    }

    /// Whether the program says that a tensor is complex.
    pub fn is_complex(&self, name: &str) -> bool {
        self.meta(name).is_ok_and(|meta| is_complex(meta.dtype))
    }

    /// The type and the dimensions that the program says a tensor has. One that is complex there has numbers here, and
    /// a last dimension of two.
    pub fn described(&self, name: &str) -> Result<(DataType, Vec<Dimension>)> {
        let meta = self.meta(name)?;
        let mut dims = self.symbols.dimensions(name, meta).map_err(|error| match error {
            ImportError::Dimension { dimension, reason, .. } => ImportError::Argument {
                place: self.place.clone(),
                argument: "output".to_owned(),
                reason: format!("has a dimension {dimension} that is not imported: {reason}"),
            },
            error => error,
        })?;
        if is_complex(meta.dtype) {
            dims.push(Dimension::Fixed(2));
            return Ok((DataType::Float32, dims));
        }
        Ok((element_type(name, meta)?, dims))
    }

    fn check_described(&self, name: &str, tensor: &Tensor) -> Result<()> {
        let (dtype, dims) = self.described(name)?;
        if (dtype, &dims) == (tensor.dtype, &tensor.dims) {
            return Ok(());
        }
        // Where the batch is dynamic, torch 2.11 describes the last states of an lstm as [layers, 1, batch, width].
        if self.place.operator.starts_with("aten.lstm.")
            && dims.get(1) == Some(&Dimension::Fixed(1))
            && [&dims[..1], &dims[2..]].concat() == tensor.dims
        {
            return Ok(());
        }
        let (ours, theirs) = (
            self.layout_text(tensor.dtype, &tensor.dims),
            self.layout_text(dtype, &dims),
        );
        Err(ImportError::Argument {
            place: self.place.clone(),
            argument: "output".to_owned(),
            reason: format!("is {ours} in exact arithmetic and {theirs} in the program"),
        })
    }

    fn layout_text(&self, dtype: DataType, dims: &[Dimension]) -> String {
        let dims: Vec<String> = dims.iter().map(|dim| self.symbols.text(*dim)).collect();
        format!("{dtype:?} [{}]", dims.join(", "))
    }

    /// The size that the program calls `name`.
    pub fn size_named(&self, name: &str) -> std::result::Result<Dimension, String> {
        let size = self.program.graph_module.graph.sym_int_values.get(name);
        let size = size.ok_or_else(|| format!("names {name}, which is no size"))?;
        self.symbols.dimension(size)
    }

    /// The program's value `name`, as an output. An input that is handed through becomes a node's output, which is
    /// canonical where the input need not be, so that a dispute can decide about it.
    pub fn given(&mut self, output: &str, name: &str) -> Result<Option<Tensor>> {
        self.begin(Place {
            operator: "output".to_owned(),
            node: output.to_owned(),
            source: String::new(),
        });
        let Some(mut tensor) = self.tensor(name)? else {
            return Ok(None);
        };
        if let Source::Input(_) = tensor.source {
            let operator = Operator::Reshape {
                dimensions: tensor.dims.clone(),
            };
            tensor = self.node(operator, &[&tensor], tensor.dtype, tensor.dims.clone());
        }
        self.name_helpers(&HashSet::new());
        Ok(Some(tensor))
    }

    /// The graph with what its outputs need, and where its weights are stored, in the graph's order.
    pub fn finish(self, outputs: Vec<(String, Tensor)>) -> (Graph, Vec<Arc<Stored>>) {
        let mut needed = vec![false; self.drafts.len()];
        let mut used: BTreeMap<&str, usize> = BTreeMap::new();
        let mut pending: Vec<Source> = outputs.iter().map(|(_, tensor)| tensor.source).collect();
        while let Some(source) = pending.pop() {
            match source {
                Source::Input(_) => {}
                Source::Weight(weight) => {
                    used.insert(&self.weights[weight].1.name, weight);
                }
                Source::Node(node) if needed[node] => {}
                Source::Node(node) => {
                    needed[node] = true;
                    pending.extend(&self.drafts[node].inputs);
                }
            }
        }
        // Weights are ordered by name and nodes as the program has them, so that the graph is canonical.
        let weight_places: HashMap<usize, u16> = used.values().copied().zip(0..).collect();
        let node_places: HashMap<usize, u32> = (0..needed.len()).filter(|node| needed[*node]).zip(0..).collect();
        let place = |source: Source| match source {
            Source::Input(input) => Value::Input(input),
            Source::Weight(weight) => Value::Weight(weight_places[&weight]),
            Source::Node(node) => Value::Node(node_places[&node]),
        };
        let (stored, weights) = used.values().map(|weight| self.weights[*weight].clone()).unzip();
        let nodes = self
            .drafts
            .iter()
            .zip(&needed)
            .filter(|(_, needed)| **needed)
            .map(|(draft, _)| Node {
                name: draft.name.clone(),
                operator: draft.operator.clone(),
                inputs: draft.inputs.iter().map(|source| place(*source)).collect(),
                source: draft.source.clone(),
            });
        let nodes = nodes.collect();
        let outputs = outputs.into_iter().map(|(name, tensor)| Output {
            name,
            value: place(tensor.source),
        });
        let outputs = outputs.collect();
        let symbols = self
            .symbols
            .finish(self.inputs.iter().map(|input| input.dimensions.as_slice()));
        let graph = Graph {
            symbols,
            inputs: self.inputs,
            weights,
            nodes,
            outputs,
        };
        (graph, stored)
    }
}

fn element_type(tensor: &str, meta: &TensorMeta) -> Result<DataType> {
    data_type(meta.dtype).ok_or_else(|| ImportError::DataType {
        tensor: tensor.to_owned(),
        code: meta.dtype,
    })
}
