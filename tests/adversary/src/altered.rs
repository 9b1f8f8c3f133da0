//! An execution some of whose tensors are others: what a lie comes to if it is kept up.

use assay_exact::{
    digest::Digest,
    graph::{CheckedGraph, Value},
    model::ModelParts,
    tensor::Tensor,
    trace::Trace,
};
use assay_player::{Execution, Hash, PlayError, Unavailable, operands};
use std::{collections::BTreeMap, ops::Deref, sync::Arc};

/// Effect on the operators that take an altered tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downstream {
    /// They are computed from it, so that everything but one step is right: the strongest lie.
    Computed,
    /// They stay as they were.
    Kept,
}

/// An execution some of whose tensors are others.
#[derive(Clone, Debug)]
pub struct Altered<E> {
    honest: E,
    tensors: BTreeMap<u32, Arc<Tensor>>,
    trace: Trace,
}

impl<E: Execution> Altered<E> {
    /// Nothing is altered yet.
    pub fn new(honest: E) -> Self {
        Self {
            trace: honest.trace().clone(),
            tensors: BTreeMap::new(),
            honest,
        }
    }

    /// The execution as it was.
    pub fn honest(&self) -> &E {
        &self.honest
    }

    /// Says that an operator gives this. Whether that is another digest than before.
    pub fn alter(&mut self, operator: u32, tensor: Tensor, downstream: Downstream) -> Result<bool, PlayError> {
        if !self.set(operator, tensor) {
            return Ok(false);
        }
        if downstream == Downstream::Computed {
            for later in operator.saturating_add(1)..self.trace.nodes.len() as u32 {
                if self.takes_altered(later)
                    && let Some(tensor) = self.compute(later, None)?
                {
                    self.set(later, tensor);
                }
            }
        }
        Ok(true)
    }

    /// Output of an operator for its operands here, or with one operand replaced; `None` where they do not fit it.
    pub fn compute(&self, operator: u32, replaced: Option<(usize, Value)>) -> Result<Option<Tensor>, PlayError> {
        let graph = self.honest.graph();
        let value = Value::Node(operator);
        let mut taken = operands(self, operator)?;
        if let Some((position, value)) = replaced {
            let Some(operand) = taken.get_mut(position) else {
                return Ok(None);
            };
            *operand = match value {
                Value::Input(index) => assay_player::Operand::Given(&self.honest.inputs()[usize::from(index)]),
                Value::Weight(index) => assay_player::Operand::Given(&self.honest.weights()[usize::from(index)]),
                Value::Node(index) => assay_player::Operand::Computed(assay_player::node(self, index)?),
            };
        }
        // Inputs are read as canonical, and tensors that were made up may be anything.
        let taken: Vec<Tensor> = taken
            .iter()
            .map(|operand| operand.deref().clone().canonical())
            .collect();
        let taken: Vec<&Tensor> = taken.iter().collect();
        let computed = graph.value(value).zip(graph.shape(value, &self.trace.symbols));
        let computed = computed.and_then(|((dtype, _), shape)| {
            let node = graph.graph().nodes.get(operator as usize)?;
            node.operator.resolve(&self.trace.symbols)?.apply(&taken, dtype, shape)
        });
        Ok(computed.map(Tensor::canonical))
    }

    /// Says that an operator's output has this digest, of which there need not be a tensor.
    pub fn set_digest(&mut self, operator: u32, digest: Digest) {
        self.trace.nodes[operator as usize] = digest;
        let outputs = self.honest.graph().graph().outputs.iter().zip(&mut self.trace.outputs);
        for (output, claimed) in outputs {
            if output.value == Value::Node(operator) {
                *claimed = digest;
            }
        }
    }

    /// The trace, to say something that no tensor stands behind.
    pub fn trace_mut(&mut self) -> &mut Trace {
        &mut self.trace
    }

    fn set(&mut self, operator: u32, tensor: Tensor) -> bool {
        let digest = tensor.digest::<Hash>();
        if self
            .trace
            .nodes
            .get(operator as usize)
            .is_none_or(|before| *before == digest)
        {
            return false;
        }
        self.set_digest(operator, digest);
        self.tensors.insert(operator, Arc::new(tensor));
        true
    }

    fn takes_altered(&self, operator: u32) -> bool {
        let nodes = &self.honest.graph().graph().nodes;
        nodes[operator as usize]
            .inputs
            .iter()
            .any(|value| matches!(value, Value::Node(index) if self.tensors.contains_key(index)))
    }
}

impl<E: Execution> Execution for Altered<E> {
    fn graph(&self) -> &CheckedGraph {
        self.honest.graph()
    }

    fn weights(&self) -> &[Tensor] {
        self.honest.weights()
    }

    fn weight_digests(&self) -> &[Digest] {
        self.honest.weight_digests()
    }

    fn parts(&self) -> &ModelParts {
        self.honest.parts()
    }

    fn inputs(&self) -> &[Tensor] {
        self.honest.inputs()
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn nodes(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable> {
        let others = operators.iter().filter(|operator| !self.tensors.contains_key(operator));
        let mut honest = self.honest.nodes(&others.copied().collect::<Vec<_>>())?.into_iter();
        let nodes = operators.iter().map(|operator| {
            let altered = self.tensors.get(operator).cloned();
            altered.or_else(|| honest.next()).ok_or_else(|| Unavailable {
                operator: *operator,
                reason: "the execution has no such operator".to_owned(),
            })
        });
        nodes.collect()
    }
}
