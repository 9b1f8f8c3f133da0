//! An own execution of a disputed job: its digests are there, its tensors are computed again when they are asked for.

use super::{
    kept::Kept,
    tracer::{Tracer, Wanted},
};
use assay_exact::{
    graph::{CheckedGraph, Value},
    model::ModelParts,
    trace::Trace,
};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_package::Package;
use assay_player::{Execution, Unavailable};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Bytes of operators' outputs that one execution keeps. A tensor that is larger is computed each time that it is
/// asked for.
pub const MOST_KEPT_BYTES: usize = 512 << 20;

/// A model that disputes can be about: its package, and whoever executes it.
pub struct Subject {
    package: Arc<Package>,
    model: Arc<dyn Tracer>,
}

/// An execution of one job. It serves all games of a dispute, and both sides.
///
/// It holds the digest of every operator's output and, up to a number of bytes, the outputs that were computed or
/// asked for last. Asking for another one executes the model again.
pub struct JobExecution {
    subject: Arc<Subject>,
    inputs: Vec<Tensor>,
    trace: Trace,
    kept: Mutex<Kept>,
}

impl Subject {
    /// A package, and the same package as an engine has loaded it.
    pub fn new(package: Arc<Package>, model: Arc<dyn Tracer>) -> Result<Self, EngineError> {
        if package.root() != model.root() {
            return Err(EngineError::Failed {
                engine: "dispute".to_owned(),
                reason: "the engine has loaded another package".to_owned(),
            });
        }
        Ok(Self { package, model })
    }

    /// What the model is registered under.
    pub fn root(&self) -> Digest {
        self.package.root()
    }
}

impl JobExecution {
    /// Executes a job, on its inputs as they were given, and keeps the digests.
    pub fn new(subject: Arc<Subject>, inputs: Vec<Tensor>) -> Result<Self, EngineError> {
        Self::keeping(subject, inputs, MOST_KEPT_BYTES)
    }

    /// The same with another bound on what is kept.
    pub fn keeping(subject: Arc<Subject>, inputs: Vec<Tensor>, most_kept_bytes: usize) -> Result<Self, EngineError> {
        let wanted = Wanted {
            digests: true,
            most_bytes: most_kept_bytes as u64,
            ..Wanted::default()
        };
        let traced = subject.model.trace(&inputs, &wanted)?;
        let trace = traced.trace.ok_or_else(|| EngineError::Failed {
            engine: "dispute".to_owned(),
            reason: "there are no digests".to_owned(),
        })?;
        let mut kept = Kept::new(most_kept_bytes);
        for (operator, output) in traced.others {
            kept.insert(operator, output);
        }
        Ok(Self {
            trace,
            subject,
            inputs,
            kept: Mutex::new(kept),
        })
    }

    /// An execution whose digests are known already. Nothing is executed until a tensor is asked for.
    pub fn with_trace(subject: Arc<Subject>, inputs: Vec<Tensor>, trace: Trace, most_kept_bytes: usize) -> Self {
        Self {
            trace,
            subject,
            inputs,
            kept: Mutex::new(Kept::new(most_kept_bytes)),
        }
    }

    /// Executes the job again and takes these operators' outputs, and, as far as there is room, what the operators
    /// take: a proof about an operator follows on the question what it gives.
    fn capture(&self, wanted: &BTreeSet<u32>, kept: &mut Kept) -> Result<BTreeMap<u32, Arc<Tensor>>, EngineError> {
        let nodes = &self.graph().graph().nodes;
        let wanted_nodes = wanted
            .iter()
            .filter_map(|operator| nodes.get(usize::try_from(*operator).ok()?));
        let taken: BTreeSet<u32> = wanted_nodes
            .flat_map(|node| &node.inputs)
            .filter_map(|value| match value {
                Value::Node(operator) => Some(*operator),
                Value::Input(_) | Value::Weight(_) => None,
            })
            .collect();
        let wanted = Wanted {
            digests: false,
            operators: wanted.clone(),
            others: Some(taken.into_iter().filter(|operator| !kept.contains(*operator)).collect()),
            most_bytes: kept.most_bytes() as u64,
        };
        let traced = self.subject.model.trace(&self.inputs, &wanted)?;
        for (operator, output) in traced.others {
            kept.insert(operator, output);
        }
        // Last, so that they stay longest.
        for (operator, output) in &traced.wanted {
            kept.insert(*operator, output.clone());
        }
        Ok(traced.wanted)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Whoever panicked while holding it has left a collection of tensors, all of which are right.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Execution for JobExecution {
    fn graph(&self) -> &CheckedGraph {
        self.subject.package.graph()
    }

    fn weights(&self) -> &[Tensor] {
        self.subject.package.weights()
    }

    fn weight_digests(&self) -> &[Digest] {
        self.subject.package.weight_digests()
    }

    fn parts(&self) -> &ModelParts {
        self.subject.package.parts()
    }

    fn inputs(&self) -> &[Tensor] {
        &self.inputs
    }

    fn trace(&self) -> &Trace {
        &self.trace
    }

    fn nodes(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable> {
        // Held during an execution: whoever else asks waits for what it may bring.
        let mut kept = self.kept();
        let mut found: BTreeMap<u32, Arc<Tensor>> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        for operator in operators {
            match kept.get(*operator) {
                Some(tensor) => drop(found.insert(*operator, tensor)),
                None => drop(missing.insert(*operator)),
            }
        }
        if let Some(first) = missing.first() {
            let captured = self.capture(&missing, &mut kept).map_err(|error| Unavailable {
                operator: *first,
                reason: error.to_string(),
            })?;
            found.extend(captured);
        }
        let nodes = operators.iter().map(|operator| {
            found.get(operator).cloned().ok_or_else(|| Unavailable {
                operator: *operator,
                reason: "the model has no such operator".to_owned(),
            })
        });
        nodes.collect()
    }
}
