//! A lie about one job, made up from an honest execution of it; the same execution always gives the same lie.

use assay_adversary::{Altered, Downstream, Manner, Random, cheaper_weights, garbled};
use assay_daemon::{
    games::SharedExecution,
    serve::{executor::output, memory::Output},
};
use assay_exact::{
    digest::DataType,
    graph::{MAX_RANK, Value},
    tensor::Tensor,
};
use assay_player::{Execution, PlayError, Statements, node, statement};
use assay_types::{
    dispute::{Place, PlaceKind, Statement},
    schema::ModelKind,
};
use clap::ValueEnum;
use std::{collections::BTreeSet, ops::Deref};

/// Subject of a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// An element in the middle of the model is another one, and everything after it follows from it
    WrongOutput,
    /// The outputs are those of a cheaper model: the same one with half the bits of its weights
    CheaperModel,
    /// The output is right, and an element of the trace is not
    WrongTrace,
    /// An operator's output has another shape, and the job's output is wrong
    WrongHeader,
    /// An operator has taken another operand than the graph says
    WrongWiring,
    /// The output is wrong, and the worker never reveals a trace
    SilenceAtTrace,
    /// The output is wrong, and the worker never reveals an operator's output
    SilenceAtTensor,
    /// The output is wrong, and the worker never reveals a chunk
    SilenceAtChunk,
    /// The output is wrong, and what the worker says of operators' outputs does not fit its trace
    Garbage,
    /// The output is wrong, and every answer comes late
    Late,
    /// The last token of a generation is another one, and the worker says that it is right
    ChangedToken,
    /// A generation is made with another seed than the client's
    OtherDraw,
    /// The last token of a generation is left out
    StopsEarly,
}

impl Kind {
    /// Whether it is the sequence of a generation that is lied about.
    pub fn is_of_sequence(self) -> bool {
        matches!(self, Self::ChangedToken | Self::OtherDraw | Self::StopsEarly)
    }

    /// Whether it can be told about a model of this kind: of a generation there is a sequence to lie about, and nothing
    /// else.
    pub fn fits(self, model: ModelKind) -> bool {
        match model {
            ModelKind::Plain => true,
            ModelKind::Generation => self.is_of_sequence(),
        }
    }

    fn manner(self) -> Manner {
        match self {
            Self::SilenceAtTrace => Manner::Silent(PlaceKind::Trace),
            Self::SilenceAtTensor => Manner::Silent(PlaceKind::Tensor),
            Self::SilenceAtChunk => Manner::Silent(PlaceKind::Chunk),
            Self::Garbage => Manner::Garbage(PlaceKind::Tensor),
            _ => Manner::Answers,
        }
    }
}

/// An execution that did not happen, and how it is told.
pub struct Story {
    pretended: Altered<SharedExecution>,
    manner: Manner,
}

impl Story {
    /// Makes a story up.
    pub fn new(kind: Kind, honest: SharedExecution) -> Result<Self, PlayError> {
        let mut story = Self {
            pretended: Altered::new(honest),
            manner: kind.manner(),
        };
        let middle = story.middle();
        match kind {
            Kind::CheaperModel => story.cheapen()?,
            Kind::WrongTrace => story.flip(middle, Downstream::Kept)?,
            Kind::WrongHeader => story.reshape(middle)?,
            Kind::WrongWiring => story.rewire()?,
            _ if kind.is_of_sequence() && story.is_generation() => return story.insisting(),
            _ => story.flip(middle, Downstream::Computed)?,
        }
        if kind != Kind::WrongTrace && !story.is_wrong() {
            // The difference was lost on the way, in a comparison for example.
            for operator in story.outputs() {
                story.flip(operator, Downstream::Kept)?;
            }
        }
        Ok(story)
    }

    /// The output that is claimed.
    pub fn output(&self) -> Result<Output, PlayError> {
        Ok(output(&self.tensors()?))
    }

    /// The outputs that are claimed.
    pub fn tensors(&self) -> Result<Vec<Tensor>, PlayError> {
        let graph = self.pretended.graph().graph();
        let tensors = graph.outputs.iter().map(|output| {
            Ok(match output.value {
                Value::Node(operator) => node(&self.pretended, operator)?.deref().clone(),
                Value::Input(index) => self.pretended.inputs()[usize::from(index)].clone().canonical(),
                Value::Weight(index) => self.pretended.weights()[usize::from(index)].clone(),
            })
        });
        tensors.collect()
    }

    fn is_generation(&self) -> bool {
        self.pretended.parts().kind == ModelKind::Generation
    }

    /// Says that the sequence is valid, whatever the check graph gives.
    fn insisting(mut self) -> Result<Self, PlayError> {
        let valid = self.pretended.graph().graph().outputs.last().map(|output| output.value);
        if let Some(Value::Node(operator)) = valid {
            self.tell(operator, DataType::Bool, vec![1], vec![1], Downstream::Kept)?;
        }
        Ok(self)
    }

    fn is_wrong(&self) -> bool {
        self.pretended.trace().outputs != self.pretended.honest().trace().outputs
    }

    /// The operators whose outputs are the job's, each once.
    fn outputs(&self) -> Vec<u32> {
        let outputs = self.pretended.graph().graph().outputs.iter();
        let operators = outputs.filter_map(|output| match output.value {
            Value::Node(operator) => Some(operator),
            Value::Input(_) | Value::Weight(_) => None,
        });
        operators.collect::<BTreeSet<u32>>().into_iter().collect()
    }

    /// An operator in the middle of the model whose output has elements and is not the job's.
    fn middle(&self) -> u32 {
        let count = self.pretended.trace().nodes.len() as u32;
        let outputs = self.outputs();
        let inner = (count / 2..count).chain((0..count / 2).rev());
        let mut inner = inner.filter(|operator| !outputs.contains(operator));
        inner.next().unwrap_or(0)
    }

    /// Changes the first element of an operator's output by the highest bit that is no sign and no exponent.
    fn flip(&mut self, operator: u32, downstream: Downstream) -> Result<(), PlayError> {
        let truth = node(&self.pretended, operator)?;
        let mut bytes = truth.bytes().to_vec();
        match truth.dtype() {
            DataType::Float32 => bytes.iter_mut().skip(2).take(1).for_each(|byte| *byte ^= 0x40),
            _ => bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1),
        }
        self.tell(operator, truth.dtype(), truth.shape().to_vec(), bytes, downstream)
    }

    fn reshape(&mut self, operator: u32) -> Result<(), PlayError> {
        let truth = node(&self.pretended, operator)?;
        let mut shape = truth.shape().to_vec();
        if shape.len() < MAX_RANK {
            shape.push(1);
        } else {
            shape.pop();
        }
        self.tell(operator, truth.dtype(), shape, truth.bytes().to_vec(), Downstream::Kept)
    }

    fn tell(
        &mut self,
        operator: u32,
        dtype: DataType,
        shape: Vec<u32>,
        bytes: Vec<u8>,
        downstream: Downstream,
    ) -> Result<(), PlayError> {
        let tensor = Tensor::new(dtype, shape, bytes);
        let tensor = tensor.map_err(|_| PlayError::TooLarge { what: "a lie" })?;
        self.pretended.alter(operator, tensor, downstream).map(|_| ())
    }

    /// Lets the first operator for which that makes a difference take its operands the wrong way round, or one of them
    /// from elsewhere.
    fn rewire(&mut self) -> Result<(), PlayError> {
        let nodes = self.pretended.graph().graph().nodes.clone();
        for (operator, node) in (0u32..).zip(&nodes) {
            let earlier = (0..operator).map(Value::Node).chain([Value::Input(0)]);
            for instead in node.inputs.iter().copied().chain(earlier) {
                for position in 0..node.inputs.len() {
                    let wrong = self.pretended.compute(operator, Some((position, instead)))?;
                    if let Some(wrong) = wrong
                        && self.pretended.alter(operator, wrong, Downstream::Computed)?
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Executes the model with weights of half the bits, and keeps its outputs alone.
    fn cheapen(&mut self) -> Result<(), PlayError> {
        let honest = self.pretended.honest().clone();
        let weights = cheaper_weights(honest.weights());
        let graph = honest.graph();
        let inputs: Vec<Tensor> = honest.inputs().iter().cloned().map(Tensor::canonical).collect();
        let cheap = assay_exact::evaluate::evaluate(graph, &weights, &inputs);
        let cheap = cheap.map_err(|_| PlayError::TooLarge {
            what: "a cheaper model",
        })?;
        for (output, tensor) in graph.graph().outputs.iter().zip(cheap) {
            if let Value::Node(operator) = output.value {
                self.pretended.alter(operator, tensor.canonical(), Downstream::Kept)?;
            }
        }
        Ok(())
    }
}

impl Statements for Story {
    fn statement(&self, place: &Place) -> Result<Option<Statement>, PlayError> {
        let said = match statement(&self.pretended, place) {
            Ok(said) => said,
            // It has lied itself into a corner.
            Err(PlayError::NoSuchPlace { .. } | PlayError::TooLarge { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(match self.manner {
            Manner::Silent(kind) if kind == place.kind() => None,
            Manner::Garbage(kind) if kind == place.kind() => Some(garbled(&mut Random(1), said)),
            _ => Some(said),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_adversary::graphs;
    use assay_player::committed;
    use std::sync::Arc;

    #[test]
    fn a_story_is_wrong_where_its_kind_says_and_the_same_each_time() {
        let mut random = Random(7);
        let mut wrong = 0;
        for _ in 0..12 {
            let honest: SharedExecution = Arc::new(graphs::random(&mut random, 8));
            let right = committed(&*honest);
            // A weight or an input that is handed through as an output is all that cannot be lied about.
            let outputs = &honest.graph().graph().outputs;
            let can_be_wrong = outputs.iter().any(|output| matches!(output.value, Value::Node(_)));
            for kind in Kind::value_variants() {
                let tell = || Story::new(*kind, honest.clone()).expect("a story about a sound model");
                let story = tell();
                let claimed = committed(&story.pretended);
                assert_eq!(claimed, committed(&tell().pretended), "{kind:?}");
                let output = story.output().expect("outputs that there are");
                assert_eq!(output.digest, claimed.output_digest, "{kind:?}");
                if can_be_wrong && *kind != Kind::WrongTrace {
                    assert_ne!(claimed.output_digest, right.output_digest, "{kind:?}");
                    wrong += 1;
                }
            }
        }
        assert!(wrong > 6 * 9, "only {wrong} of 144 stories could be wrong");
    }
}
