//! An execution of a job, as a player sees it: small things are there, tensors are asked for.

use crate::{Hash, PlayError};
use assay_exact::{
    digest::{DataType, Digest, tensor_digest_of_root},
    graph::{CheckedGraph, Value},
    judge::{Openings, Shape, TensorOpening},
    tensor::Tensor,
    trace::Trace,
    tree::{Tree, chunk_leaves},
};
use assay_types::{
    H256, ModelParts,
    dispute::{Committed, Place},
};
use std::{ops::Deref, sync::Arc};

/// An execution of one job.
pub trait Execution {
    /// The model's graph.
    fn graph(&self) -> &CheckedGraph;

    /// The model's weights, in the graph's order.
    fn weights(&self) -> &[Tensor];

    /// Their digests.
    fn weight_digests(&self) -> &[Digest];

    /// The model's parts, as they are registered.
    fn parts(&self) -> &ModelParts;

    /// The inputs as they were given, which need not be canonical, with the advice if the model takes any.
    fn inputs(&self) -> &[Tensor];

    /// The digests of everything that was computed.
    fn trace(&self) -> &Trace;

    /// The outputs of these operators, in this order. May execute the model again, once for all of them.
    fn nodes(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable>;

    /// The outputs of these operators without their bytes, in this order. An execution that keeps the digests of chunks
    /// has them without executing the model again.
    fn chunked(&self, operators: &[u32]) -> Result<Vec<Chunked>, Unavailable> {
        let nodes = self.nodes(operators)?;
        Ok(nodes.iter().map(|tensor| Chunked::of(tensor)).collect())
    }
}

/// A tensor without its bytes: its type, its shape, and the digests of its chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunked {
    /// Type of the elements.
    pub dtype: DataType,
    /// Elements in each dimension, outermost first.
    pub shape: Vec<u32>,
    /// Digests of the chunks, of which there is at least one.
    pub leaves: Vec<Digest>,
}

impl Chunked {
    /// A tensor, hashed.
    pub fn of(tensor: &Tensor) -> Self {
        Self {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            leaves: chunk_leaves::<Hash>(tensor.bytes()),
        }
    }

    /// The root over the chunks.
    pub fn root(&self) -> Digest {
        Tree::Chunks.fold::<Hash>(&self.leaves)
    }

    /// The digest of the tensor.
    pub fn digest(&self) -> Digest {
        tensor_digest_of_root::<Hash>(self.dtype, &self.shape, &self.root())
    }

    /// The tensor that a digest commits to; `None` if it has more dimensions than a tensor may.
    pub fn opening(&self) -> Option<TensorOpening> {
        Some(TensorOpening {
            dtype: self.dtype,
            shape: Shape::new(self.shape.clone())?,
            root: self.root(),
        })
    }
}

/// A reference to an execution, borrowed or shared, is one.
impl<P: Deref<Target: Execution>> Execution for P {
    fn graph(&self) -> &CheckedGraph {
        (**self).graph()
    }

    fn weights(&self) -> &[Tensor] {
        (**self).weights()
    }

    fn weight_digests(&self) -> &[Digest] {
        (**self).weight_digests()
    }

    fn parts(&self) -> &ModelParts {
        (**self).parts()
    }

    fn inputs(&self) -> &[Tensor] {
        (**self).inputs()
    }

    fn trace(&self) -> &Trace {
        (**self).trace()
    }

    fn nodes(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable> {
        (**self).nodes(operators)
    }

    fn chunked(&self, operators: &[u32]) -> Result<Vec<Chunked>, Unavailable> {
        (**self).chunked(operators)
    }
}

/// Why a tensor of an execution is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the output of operator {operator} is not there: {reason}")]
pub struct Unavailable {
    /// Position of the operator.
    pub operator: u32,
    /// Why not.
    pub reason: String,
}

/// A tensor that an operator takes.
#[derive(Clone, Debug)]
pub enum Operand<'a> {
    /// An input or a weight.
    Given(&'a Tensor),
    /// The output of another operator.
    Computed(Arc<Tensor>),
}

impl Deref for Operand<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match self {
            Self::Given(tensor) => tensor,
            Self::Computed(tensor) => tensor,
        }
    }
}

/// Commitment of a claim of this execution's outputs.
pub fn committed(execution: &dyn Execution) -> Committed {
    let trace = execution.trace();
    Committed {
        model_root: H256(execution.parts().root::<Hash>()),
        input_digest: H256(trace.given_digest::<Hash>(execution.parts().kind)),
        output_digest: H256(trace.output_digest::<Hash>()),
    }
}

/// The openings of an execution under its own trace.
pub fn openings(execution: &dyn Execution) -> Openings<'_> {
    let graph = execution.graph().graph();
    let openings = Openings::new::<Hash>(graph, execution.weight_digests(), execution.trace());
    openings.of_kind(execution.parts().kind)
}

/// The output of one operator.
pub fn node(execution: &dyn Execution, operator: u32) -> Result<Arc<Tensor>, PlayError> {
    let mut nodes = execution.nodes(&[operator])?;
    nodes.pop().ok_or(PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    })
}

/// The output of one operator, without its bytes.
pub(crate) fn chunked(execution: &dyn Execution, operator: u32) -> Result<Chunked, PlayError> {
    let mut chunked = execution.chunked(&[operator])?;
    chunked.pop().ok_or(PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    })
}

/// Openings of the tensors that an operator takes, in its order, and its output without its bytes: all from one
/// execution, if one is needed.
pub(crate) fn opened_operands(
    execution: &dyn Execution,
    operator: u32,
) -> Result<(Vec<TensorOpening>, Chunked), PlayError> {
    let missing = || PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    };
    let index = usize::try_from(operator).map_err(|_| missing())?;
    let node = execution.graph().graph().nodes.get(index).ok_or_else(missing)?;
    let asked = node.inputs.iter().filter_map(|value| match value {
        Value::Node(index) => Some(*index),
        Value::Input(_) | Value::Weight(_) => None,
    });
    let mut computed = execution.chunked(&asked.chain([operator]).collect::<Vec<_>>())?;
    let output = computed.pop().ok_or_else(missing)?;
    let mut computed = computed.into_iter();
    let openings = node.inputs.iter().map(|value| match value {
        Value::Input(index) => TensorOpening::of::<Hash>(execution.inputs().get(usize::from(*index))?),
        Value::Weight(index) => TensorOpening::of::<Hash>(execution.weights().get(usize::from(*index))?),
        Value::Node(_) => computed.next()?.opening(),
    });
    let openings = openings.collect::<Option<_>>().ok_or_else(missing)?;
    Ok((openings, output))
}

/// The tensors that an operator takes, in its order.
pub fn operands(execution: &dyn Execution, operator: u32) -> Result<Vec<Operand<'_>>, PlayError> {
    let missing = || PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    };
    let index = usize::try_from(operator).map_err(|_| missing())?;
    let node = execution.graph().graph().nodes.get(index).ok_or_else(missing)?;
    let asked = node.inputs.iter().filter_map(|value| match value {
        Value::Node(index) => Some(*index),
        Value::Input(_) | Value::Weight(_) => None,
    });
    // One execution for all of them.
    let mut computed = execution.nodes(&asked.collect::<Vec<_>>())?.into_iter();
    let operands = node.inputs.iter().map(|value| {
        Some(match value {
            Value::Input(index) => Operand::Given(execution.inputs().get(usize::from(*index))?),
            Value::Weight(index) => Operand::Given(execution.weights().get(usize::from(*index))?),
            Value::Node(_) => Operand::Computed(computed.next()?),
        })
    });
    operands.collect::<Option<_>>().ok_or_else(missing)
}
