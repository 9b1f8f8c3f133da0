//! The worker's words: the statement of every place, from its execution.

use crate::{
    Execution, Hash, PlayError,
    execution::{chunked, opened_operands},
    node, openings,
};
use assay_exact::{
    bounded::Bounded,
    digest::Digest,
    judge::TensorOpening,
    tree::{Tree, chunk_bytes},
};
use assay_types::dispute::{MAX_NODES, Nodes, Place, Statement, TraceStatement, Window, window};

/// Somebody who is asked for statements.
pub trait Statements {
    /// Statement on this place; nothing, if the player stays silent.
    fn statement(&self, place: &Place) -> Result<Option<Statement>, PlayError>;
}

/// Says of every place what the execution gives.
#[derive(Clone, Copy)]
pub struct Honest<'a>(pub &'a dyn Execution);

impl Statements for Honest<'_> {
    fn statement(&self, place: &Place) -> Result<Option<Statement>, PlayError> {
        statement(self.0, place).map(Some)
    }
}

/// Statement of this execution on a place.
pub fn statement(execution: &dyn Execution, place: &Place) -> Result<Statement, PlayError> {
    let missing = || PlayError::NoSuchPlace { place: *place };
    let trace = &execution.trace().nodes;
    let operators = u32::try_from(trace.len()).map_err(|_| missing())?;
    match *place {
        Place::Trace => self::trace(execution, operators).map(Statement::Trace),
        Place::TraceSpan { level, index } => {
            let window = window(place, operators, None).ok_or_else(missing)?;
            let nodes = nodes(Tree::List, trace, window).ok_or_else(missing)?;
            Ok(Statement::TraceSpan { level, index, nodes })
        }
        Place::Tensor { operator } => self::tensor(execution, operator),
        Place::TensorSpan { operator, level, index } => {
            let leaves = chunked(execution, operator)?.leaves;
            let window = Window::below(leaves.len() as u64, level, index).ok_or_else(missing)?;
            let nodes = nodes(Tree::Chunks, &leaves, window).ok_or_else(missing)?;
            Ok(Statement::TensorSpan {
                operator,
                level,
                index,
                nodes,
            })
        }
        Place::Chunk { operator, chunk } => {
            let tensor = node(execution, operator)?;
            let bytes = chunk_bytes(tensor.bytes(), chunk).ok_or_else(missing)?;
            let bytes = Bounded::new(bytes.to_vec()).ok_or_else(missing)?;
            Ok(Statement::Chunk { operator, chunk, bytes })
        }
    }
}

fn trace(execution: &dyn Execution, operators: u32) -> Result<TraceStatement, PlayError> {
    let too_large = |what| move || PlayError::TooLarge { what };
    let outputs = openings(execution).prove_outputs::<Hash>();
    let inputs = execution.inputs().iter().map(TensorOpening::of::<Hash>);
    let inputs = inputs.collect::<Option<Vec<_>>>().and_then(Bounded::new);
    let top = Window::top(operators.into());
    Ok(TraceStatement {
        inputs: inputs.ok_or_else(too_large("the list of inputs"))?,
        nodes: nodes(Tree::List, &execution.trace().nodes, top).ok_or_else(too_large("the trace"))?,
        outputs: outputs.map_err(|_| PlayError::TooLarge {
            what: "the list of outputs",
        })?,
    })
}

/// Opens an operator with its operands and the head of its output.
fn tensor(execution: &dyn Execution, operator: u32) -> Result<Statement, PlayError> {
    let missing = || PlayError::NoSuchPlace {
        place: Place::Tensor { operator },
    };
    let (operands, output) = opened_operands(execution, operator)?;
    let opening = openings(execution).open_operator_with::<Hash>(operator, operands);
    let opening = opening.map_err(|error| PlayError::Proof { operator, error })?;
    let top = Window::top(output.leaves.len() as u64);
    let nodes = nodes(Tree::Chunks, &output.leaves, top).ok_or_else(missing)?;
    let output = output.opening().ok_or(PlayError::TooLarge { what: "a shape" })?;
    Ok(Statement::Tensor {
        operator,
        opening,
        output,
        nodes,
    })
}

/// The nodes of a window of the tree over these leaves.
pub(crate) fn nodes(tree: Tree, leaves: &[Digest], window: Window) -> Option<Nodes> {
    debug_assert!(window.count <= MAX_NODES.into());
    let end = window.start.checked_add(window.count)?;
    Nodes::new(tree.nodes::<Hash>(leaves, window.level, window.start..end)?)
}
