//! Tracers, which execute a job with everything on the way: an engine in this process, or one in another.

use super::{
    kept::Kept,
    trees::{TreesAt, TreesWriter},
};
use assay_engine::LoadedModel;
use assay_exact::{
    evaluate::EvaluateError,
    trace::{Trace, TraceBuilder},
};
use assay_ops::{
    program::EngineError,
    tensor::{Blake2b256, Digest, Tensor},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

/// Parts that are wanted of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether the digests of all operators' outputs are.
    pub digests: bool,
    /// Operators whose outputs are, whatever their size.
    pub operators: BTreeSet<u32>,
    /// Operators whose outputs are kept as far as there is room, the last ones first; all of them, if `None`.
    pub others: Option<BTreeSet<u32>>,
    /// Bytes that there is room for.
    pub most_bytes: u64,
    /// Where the digest trees of all operators' outputs are written, if they are wanted.
    pub trees: Option<TreesAt>,
}

/// Result of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// The digests, if they were wanted.
    pub trace: Option<Trace>,
    /// Outputs of operators that were wanted.
    pub wanted: BTreeMap<u32, Arc<Tensor>>,
    /// Outputs of others for which there was room.
    pub others: BTreeMap<u32, Arc<Tensor>>,
}

/// A model that can be executed with everything on the way.
pub trait Tracer: Send + Sync {
    /// Name under which the model is registered.
    fn root(&self) -> Digest;

    /// Executes a job, on its inputs as they were given. Takes as long as the model takes, and more.
    fn trace(&self, inputs: &[Tensor], wanted: &Wanted) -> Result<Traced, EngineError>;
}

impl Tracer for LoadedModel {
    fn root(&self) -> Digest {
        self.root()
    }

    fn trace(&self, inputs: &[Tensor], wanted: &Wanted) -> Result<Traced, EngineError> {
        trace(self, inputs, wanted, &mut || {})
    }
}

/// Executes a job, and says after each operator that it is there.
pub(crate) fn trace(
    model: &LoadedModel,
    inputs: &[Tensor],
    wanted: &Wanted,
    after_each: &mut dyn FnMut(),
) -> Result<Traced, EngineError> {
    let failed = |reason: String| EngineError::Failed {
        engine: "dispute".to_owned(),
        reason,
    };
    let builder = wanted
        .digests
        .then(|| TraceBuilder::<Blake2b256>::new(model.graph(), inputs));
    let mut builder = builder.transpose().map_err(|error| match error {
        EvaluateError::Inputs(error) => EngineError::Inputs(error),
        error => failed(error.to_string()),
    })?;
    // Whatever does not fit into memory fits into no machine's address space either.
    let mut kept = Kept::new(usize::try_from(wanted.most_bytes).unwrap_or(usize::MAX));
    let mut found = BTreeMap::new();
    let mut trees = wanted.trees.as_ref().and_then(|at| written(TreesWriter::create(at)));
    let outputs = model.trace(inputs, &mut |operator, output| {
        let digest = match &mut trees {
            Some(trees) => written(trees.record(operator, &output.tensor()?)),
            None => None,
        };
        if digest.is_none() {
            // Trees without one output are of no use.
            trees = None;
        }
        if let (Some(builder), Ok(index)) = (&mut builder, usize::try_from(operator)) {
            match digest {
                Some(digest) => builder.record_digest(index, digest),
                None => builder.record_digest(index, output.digest()?),
            }
        }
        if wanted.operators.contains(&operator) {
            found.insert(operator, Arc::new(output.tensor()?));
        } else if wanted.others.as_ref().is_none_or(|others| others.contains(&operator)) {
            // A tensor that is too large is not copied first.
            if output.size_bytes() <= wanted.most_bytes {
                kept.insert(operator, Arc::new(output.tensor()?));
            }
        }
        after_each();
        Ok(())
    })?;
    if let Some(trees) = trees {
        written(trees.finish());
    }
    let trace = builder.map(|builder| builder.finish(&outputs)).transpose();
    Ok(Traced {
        trace: trace.map_err(|operator| failed(format!("the engine did not show operator {operator}")))?,
        wanted: found,
        others: kept.into_tensors(),
    })
}

/// The trees that were written. Without them statements take longer, so an execution does not fail for their sake.
fn written<T>(result: io::Result<T>) -> Option<T> {
    result
        .inspect_err(|error| {
            tracing::warn!(%error, "the digest trees of an execution are not kept: statements execute the model again");
        })
        .ok()
}
