//! Workers that lie, stay silent, or talk nonsense.

use crate::{Altered, Downstream, Lie, Random};
use assay_exact::{
    bounded::Bounded,
    digest::Digest,
    judge::{Shape, TensorOpening},
    tensor::Tensor,
    tree::{Tree, chunk_count},
};
use assay_player::{Execution, Hash, PlayError, Statements, committed, node, statement};
use assay_types::dispute::{Committed, Nodes, Place, PlaceKind, Statement, Window};
use std::sync::atomic::{AtomicU64, Ordering};

/// Manner in which a worker answers, whatever it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It answers.
    Answers,
    /// It says nothing of places of this kind.
    Silent(PlaceKind),
    /// Statements on places of this kind do not fit the earlier ones, differently each time.
    Garbage(PlaceKind),
    /// It takes this many blocks for each answer; whoever drives it sees to that.
    Late {
        /// Blocks from a question to its answer.
        blocks: u32,
    },
}

/// A worker that has told a lie.
pub struct Liar<E> {
    altered: Altered<E>,
    vast: Option<(u32, TensorOpening, Nodes)>,
    /// False number of entries of its trace; `None` if it tells the true one.
    count: Option<u32>,
    manner: Manner,
    answers: AtomicU64,
}

impl<E: Execution> Liar<E> {
    /// A worker that tells this lie about its execution. `None` if that would be the truth.
    pub fn new(honest: E, lie: &Lie, manner: Manner) -> Result<Option<Self>, PlayError> {
        let operators = honest.trace().nodes.len() as u32;
        let mut liar = Self::truthful(honest, manner);
        let altered = &mut liar.altered;
        let told = match lie {
            Lie::Element {
                operator,
                element,
                bits,
                downstream,
            } => {
                let truth = node(altered, *operator)?;
                altered.alter(*operator, with_other_bits(&truth, *element, *bits), *downstream)?
            }
            Lie::Tensors(tensors) => {
                let mut told = false;
                for (operator, tensor) in tensors {
                    told |= altered.alter(*operator, tensor.clone(), Downstream::Kept)?;
                }
                told
            }
            Lie::Wiring {
                operator,
                operand,
                instead,
                downstream,
            } => match altered.compute(*operator, Some((*operand, *instead)))? {
                Some(tensor) => altered.alter(*operator, tensor, *downstream)?,
                None => false,
            },
            Lie::Vast { operator } => {
                let (opening, nodes) = vast(&*node(altered, *operator)?)?;
                altered.set_digest(*operator, opening.digest::<Hash>());
                liar.vast = Some((*operator, opening, nodes));
                true
            }
            Lie::Claim { output } => {
                let outputs = &mut altered.trace_mut().outputs;
                outputs[*output] = Random(u64::from(operators) + 1).digest();
                true
            }
            Lie::Count { more } => {
                let nodes = &mut altered.trace_mut().nodes;
                if *more {
                    nodes.push([1; 32]);
                } else {
                    nodes.pop();
                }
                liar.count = Some(operators);
                true
            }
        };
        Ok(told.then_some(liar))
    }

    /// A worker that has told the truth, and may still answer badly.
    pub fn truthful(honest: E, manner: Manner) -> Self {
        Self {
            altered: Altered::new(honest),
            vast: None,
            count: None,
            manner,
            answers: AtomicU64::new(0),
        }
    }

    /// Digests that it claims.
    pub fn committed(&self) -> Committed {
        committed(&self.altered)
    }

    /// The execution that it pretends to have made.
    pub fn pretended(&self) -> &Altered<E> {
        &self.altered
    }

    /// Manner in which it answers.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    fn say(&self, place: &Place) -> Result<Option<Statement>, PlayError> {
        if let (Some((operator, opening, nodes)), Place::Tensor { operator: asked }) = (&self.vast, place)
            && asked == operator
            && let Statement::Tensor { opening: operands, .. } = statement(self.altered.honest(), place)?
        {
            return Ok(Some(Statement::Tensor {
                operator: *operator,
                opening: operands,
                output: opening.clone(),
                nodes: nodes.clone(),
            }));
        }
        let said = match statement(&self.altered, place) {
            Ok(said) => said,
            // It has pointed itself into a corner: there is nothing that would fit.
            Err(PlayError::NoSuchPlace { .. } | PlayError::TooLarge { .. } | PlayError::Proof { .. }) => {
                return Ok(None);
            }
            Err(PlayError::Unavailable(_)) if self.count.is_some() => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(match (said, self.count) {
            (Statement::Trace(mut trace), Some(count)) => {
                // The entries of the outputs are said to be of a trace of the right length.
                let mut outputs = trace.outputs.into_inner();
                outputs.iter_mut().for_each(|output| output.source.count = count);
                trace.outputs = Bounded::new(outputs).unwrap_or_default();
                Statement::Trace(trace)
            }
            (said, _) => said,
        }))
    }
}

impl<E: Execution> Statements for Liar<E> {
    fn statement(&self, place: &Place) -> Result<Option<Statement>, PlayError> {
        let answer = self.answers.fetch_add(1, Ordering::Relaxed);
        match self.manner {
            Manner::Silent(kind) if kind == place.kind() => Ok(None),
            Manner::Garbage(kind) if kind == place.kind() => {
                let mut random = Random(answer + 1);
                Ok(self.say(place)?.map(|said| garbled(&mut random, said)))
            }
            _ => self.say(place),
        }
    }
}

/// The statement with something changed, so that it is not what was said before.
pub fn garbled(random: &mut Random, said: Statement) -> Statement {
    let mut nodes = |nodes: Nodes| {
        let mut nodes = nodes.into_inner();
        let position = random.below(nodes.len() as u64) as usize;
        match random.below(3) {
            0 => nodes[position] = random.digest(),
            1 => drop(nodes.remove(position)),
            _ => nodes.insert(position, random.digest()),
        }
        // One node too many for any statement becomes none at all.
        Nodes::new(nodes).unwrap_or_default()
    };
    match said {
        Statement::Trace(mut trace) => {
            trace.nodes = nodes(trace.nodes);
            Statement::Trace(trace)
        }
        Statement::TraceSpan {
            level,
            index,
            nodes: said,
        } => Statement::TraceSpan {
            level,
            index,
            nodes: nodes(said),
        },
        Statement::Tensor {
            operator,
            opening,
            output,
            nodes: said,
        } => Statement::Tensor {
            operator,
            opening,
            output,
            nodes: nodes(said),
        },
        Statement::TensorSpan {
            operator,
            level,
            index,
            nodes: said,
        } => Statement::TensorSpan {
            operator,
            level,
            index,
            nodes: nodes(said),
        },
        Statement::Chunk { operator, chunk, bytes } => {
            let mut bytes = bytes.into_inner();
            match bytes.pop() {
                Some(last) if random.once_in(2) => bytes.push(last ^ 1),
                _ => {}
            }
            let garbled = Bounded::new(bytes).unwrap_or_default();
            let chunk = if garbled.is_empty() { chunk + 1 } else { chunk };
            Statement::Chunk {
                operator,
                chunk,
                bytes: garbled,
            }
        }
    }
}

fn with_other_bits(truth: &Tensor, element: u64, bits: u64) -> Tensor {
    let size = truth.dtype().size_bytes();
    let mut bytes = truth.bytes().to_vec();
    let start = element as usize * size;
    for (byte, bits) in bytes[start..start + size].iter_mut().zip(bits.to_le_bytes()) {
        *byte ^= bits;
    }
    Tensor::new(truth.dtype(), truth.shape().to_vec(), bytes).unwrap_or_else(|_| truth.clone())
}

/// A header of 2^40 elements, and the top of a tree over chunks that nobody has.
fn vast(truth: &Tensor) -> Result<(TensorOpening, Nodes), PlayError> {
    let too_large = || PlayError::TooLarge { what: "a lie" };
    let (dtype, shape) = (truth.dtype(), vec![1 << 20, 1 << 20]);
    let count = Window::top(chunk_count(dtype, &shape).ok_or_else(too_large)?).count;
    let mut random = Random(count);
    let nodes: Vec<Digest> = (0..count).map(|_| random.digest()).collect();
    let opening = TensorOpening {
        dtype,
        shape: Shape::new(shape).ok_or_else(too_large)?,
        root: Tree::Chunks.fold::<Hash>(&nodes),
    };
    Ok((opening, Nodes::new(nodes).ok_or_else(too_large)?))
}
