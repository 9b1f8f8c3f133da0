//! Subjects of a worker's lies.

use crate::{Downstream, InMemory, Random};
use assay_exact::{
    binary32::Binary32,
    digest::{DataType, tensor_size_bytes},
    graph::{MAX_RANK, Value},
    tensor::Tensor,
};
use assay_player::{Execution, PlayError, node};

/// One lie. Whoever tells it may keep it up or contradict itself: see [`Downstream`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lie {
    /// An element of an operator's output is another one.
    Element {
        /// Position of the operator.
        operator: u32,
        /// Position of the element in row-major order.
        element: u64,
        /// Which of its bits are others; not 0.
        bits: u64,
        /// Effect on the rest.
        downstream: Downstream,
    },
    /// Operators give these tensors, and all others what they gave: the answer of a cheaper model, for example.
    Tensors(Vec<(u32, Tensor)>),
    /// An operator was given another operand than the graph says.
    Wiring {
        /// Position of the operator.
        operator: u32,
        /// Position of the operand.
        operand: usize,
        /// The value that it took instead.
        instead: Value,
        /// Effect on the rest.
        downstream: Downstream,
    },
    /// An operator's output is said to have 2^42 bytes, for which there are digests and no tensor.
    Vast {
        /// Position of the operator.
        operator: u32,
    },
    /// The claim names an output that is not in the trace, which is right.
    Claim {
        /// Position of the output.
        output: usize,
    },
    /// The trace has one entry too few or too many.
    Count {
        /// Too many.
        more: bool,
    },
}

/// The weights of a cheaper model: numbers without their last 16 bits.
pub fn cheaper_weights(weights: &[Tensor]) -> Vec<Tensor> {
    let cheaper = weights.iter().map(|weight| match weight.dtype() {
        DataType::Float32 => {
            let numbers = weight
                .numbers()
                .map(|number| Binary32::from_bits(number.to_bits() & 0xffff_0000));
            Tensor::from_numbers(weight.shape().to_vec(), numbers).unwrap_or_else(|_| weight.clone())
        }
        _ => weight.clone(),
    });
    cheaper.collect()
}

impl Lie {
    /// A lie about this execution. Where chance finds one that would be the truth, as a wrong operand that is equal,
    /// telling it fails: see [`Liar::new`](crate::Liar::new).
    pub fn random(random: &mut Random, execution: &dyn Execution) -> Result<Self, PlayError> {
        let operators = execution.trace().nodes.len() as u64;
        let operator = random.below(operators) as u32;
        let downstream = random.one(&[Downstream::Computed, Downstream::Computed, Downstream::Kept]);
        let truth = node(execution, operator)?;
        Ok(match random.below(20) {
            0..10 => element(random, operator, &truth, downstream),
            10..13 => Self::Tensors(vec![(operator, other_header(random, &truth))]),
            13..17 => {
                let taken = &execution.graph().graph().nodes[operator as usize].inputs;
                if taken.is_empty() {
                    element(random, operator, &truth, downstream)
                } else {
                    Self::Wiring {
                        operator,
                        operand: random.below(taken.len() as u64) as usize,
                        instead: any_value(random, execution, operator),
                        downstream,
                    }
                }
            }
            17 => Self::Vast { operator },
            18 => Self::Claim {
                output: random.below(execution.trace().outputs.len() as u64) as usize,
            },
            _ => Self::Count {
                more: random.once_in(2),
            },
        })
    }

    /// Results of a cheaper model, whose weights have lost their last 16 bits, for the same inputs: only its outputs,
    /// or all of it. `None` if there is no difference.
    pub fn cheaper(execution: &InMemory, outputs_only: bool) -> Result<Option<Self>, PlayError> {
        let weights = cheaper_weights(execution.weights());
        let Ok(cheaper) = InMemory::new(execution.graph().clone(), weights, execution.inputs().to_vec()) else {
            return Ok(None);
        };
        let outputs = &execution.graph().graph().outputs;
        let operators = 0..execution.trace().nodes.len() as u32;
        let operators = operators
            .filter(|operator| !outputs_only || outputs.iter().any(|output| output.value == Value::Node(*operator)));
        let tensors = operators.map(|operator| Ok((operator, (*node(&cheaper, operator)?).clone())));
        let tensors = tensors.collect::<Result<Vec<_>, PlayError>>()?;
        let differs = |(operator, _): &(u32, Tensor)| {
            cheaper.trace().nodes[*operator as usize] != execution.trace().nodes[*operator as usize]
        };
        Ok(tensors.iter().any(differs).then_some(Self::Tensors(tensors)))
    }
}

fn element(random: &mut Random, operator: u32, truth: &Tensor, downstream: Downstream) -> Lie {
    let size = truth.dtype().size_bytes();
    Lie::Element {
        operator,
        element: random.below((truth.bytes().len() / size) as u64),
        bits: 1 << random.below(8 * size as u64),
        downstream,
    }
}

/// A tensor that the graph has before the operator, or that the job or the model gives.
fn any_value(random: &mut Random, execution: &dyn Execution, operator: u32) -> Value {
    let (inputs, weights) = (execution.inputs().len() as u64, execution.weights().len() as u64);
    match random.below(inputs + weights + u64::from(operator)) {
        index if index < inputs => Value::Input(index as u16),
        index if index < inputs + weights => Value::Weight((index - inputs) as u16),
        index => Value::Node((index - inputs - weights) as u32),
    }
}

/// The tensor with another type or shape, and with as many of its bytes as fit that.
fn other_header(random: &mut Random, truth: &Tensor) -> Tensor {
    let (dtype, mut shape) = (truth.dtype(), truth.shape().to_vec());
    let dtype = match random.below(6) {
        0 if shape.len() < MAX_RANK => {
            shape.push(1);
            dtype
        }
        1 if shape.len() < MAX_RANK => {
            shape.insert(0, 1);
            dtype
        }
        2 if !shape.is_empty() => {
            let position = random.below(shape.len() as u64) as usize;
            shape[position] = random.below(u64::from(shape[position]) + 3) as u32;
            dtype
        }
        3 => {
            shape = vec![0; random.below(3) as usize + 1];
            dtype
        }
        4 => {
            shape.reverse();
            dtype
        }
        _ => random.one(&crate::graphs::TYPES),
    };
    let size = tensor_size_bytes(dtype, &shape).unwrap_or_default() as usize;
    let bytes = truth.bytes().iter().copied().chain(std::iter::repeat(0)).take(size);
    Tensor::new(dtype, shape, bytes.collect()).unwrap_or_else(|_| truth.clone())
}
