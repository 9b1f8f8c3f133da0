//! Our own execution of a disputed job: its digests are there, its tensors are computed again when they are asked for.

use super::{
    kept::Kept,
    tracer::{Tracer, Wanted},
    trees::{Trees, TreesAt},
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
use assay_player::{Chunked, Execution, Unavailable};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes of operators' outputs that an execution keeps which shares its room with no other.
pub const MOST_KEPT_BYTES: usize = 512 << 20;

/// The outputs that several executions keep together, up to a number of bytes. A tensor that is larger than all of it
/// is computed each time that its bytes are asked for.
#[derive(Clone, Debug)]
pub struct Pool {
    kept: Arc<Mutex<Kept<(u64, u32)>>>,
    /// Number of the next execution.
    next: Arc<AtomicU64>,
}

/// Memory and disk that an execution may keep.
#[derive(Clone, Debug)]
pub struct Room {
    /// Where it keeps outputs.
    pub pool: Pool,
    /// Bytes of outputs that it takes at once without having been asked for them.
    pub others_bytes: usize,
    /// Where its digest trees are or may be written, if anywhere.
    pub trees: Option<TreesAt>,
}

/// A model that disputes can be about: its package, and whoever executes it.
pub struct Subject {
    package: Arc<Package>,
    model: Arc<dyn Tracer>,
}

/// An execution of one job. It serves all games of a dispute, and both sides.
///
/// It holds the digest of every operator's output and, as far as there is room, the outputs that were computed or
/// asked for last. Asking for another one executes the model again, and so does asking for the digests of an output's
/// chunks, unless they are on disk.
pub struct JobExecution {
    subject: Arc<Subject>,
    inputs: Vec<Tensor>,
    trace: Trace,
    /// This execution in the pool.
    number: u64,
    room: Room,
    /// Held during an execution.
    turn: Mutex<()>,
    trees: Mutex<OpenedTrees>,
}

/// Knowledge of the digest trees on disk.
#[derive(Clone, Debug)]
enum OpenedTrees {
    /// They are to be looked for.
    Unknown,
    /// There are none, and the next execution writes them.
    Absent,
    /// They are open.
    Open(Arc<Trees>),
}

impl Pool {
    /// Nothing yet, and never more than `most_bytes`.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            kept: Arc::new(Mutex::new(Kept::new(most_bytes))),
            next: Arc::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<(u64, u32)>> {
        guard(&self.kept)
    }
}

impl Room {
    /// A room of its own for one execution, without trees.
    pub fn of(most_kept_bytes: usize) -> Self {
        Self {
            pool: Pool::new(most_kept_bytes),
            others_bytes: most_kept_bytes,
            trees: None,
        }
    }
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

    /// Name under which the model is registered.
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
        Self::in_room(subject, inputs, Room::of(most_kept_bytes))
    }

    /// The same in a room that is shared.
    pub fn in_room(subject: Arc<Subject>, inputs: Vec<Tensor>, room: Room) -> Result<Self, EngineError> {
        let wanted = Wanted {
            digests: true,
            most_bytes: room.others_bytes as u64,
            trees: room.trees.clone(),
            ..Wanted::default()
        };
        let traced = subject.model.trace(&inputs, &wanted)?;
        let trace = traced.trace.ok_or_else(|| EngineError::Failed {
            engine: "dispute".to_owned(),
            reason: "there are no digests".to_owned(),
        })?;
        let execution = Self::with_trace(subject, inputs, trace, room);
        execution.keep(traced.others);
        Ok(execution)
    }

    /// An execution whose digests are known already. Nothing is executed until a tensor is asked for.
    pub fn with_trace(subject: Arc<Subject>, inputs: Vec<Tensor>, trace: Trace, room: Room) -> Self {
        Self {
            trace,
            subject,
            inputs,
            number: room.pool.next.fetch_add(1, Ordering::Relaxed),
            room,
            turn: Mutex::new(()),
            trees: Mutex::new(OpenedTrees::Unknown),
        }
    }

    fn keep(&self, outputs: BTreeMap<u32, Arc<Tensor>>) {
        let mut kept = self.room.pool.kept();
        for (operator, output) in outputs {
            kept.insert((self.number, operator), output);
        }
    }

    /// Executes the job again and takes these operators' outputs, and, as far as there is room, what the operators
    /// take: a proof about an operator follows on the question what it gives.
    fn capture(&self, wanted: &BTreeSet<u32>) -> Result<BTreeMap<u32, Arc<Tensor>>, EngineError> {
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
        let others = {
            let kept = self.room.pool.kept();
            let is_missing = |operator: &u32| !kept.contains((self.number, *operator));
            taken.into_iter().filter(is_missing).collect()
        };
        let writes_trees = self.trees().is_none();
        let wanted = Wanted {
            digests: false,
            operators: wanted.clone(),
            others: Some(others),
            most_bytes: self.room.others_bytes as u64,
            trees: self.room.trees.clone().filter(|_| writes_trees),
        };
        let traced = self.subject.model.trace(&self.inputs, &wanted)?;
        if writes_trees {
            *guard(&self.trees) = OpenedTrees::Unknown;
        }
        self.keep(traced.others);
        // Last, so that they stay longest.
        self.keep(traced.wanted.clone());
        Ok(traced.wanted)
    }

    /// The outputs of these operators, for whoever has the turn.
    fn nodes_in_turn(&self, operators: &[u32]) -> Result<Vec<Arc<Tensor>>, Unavailable> {
        let mut found: BTreeMap<u32, Arc<Tensor>> = BTreeMap::new();
        let mut missing = BTreeSet::new();
        {
            let mut kept = self.room.pool.kept();
            for operator in operators {
                match kept.get((self.number, *operator)) {
                    Some(tensor) => drop(found.insert(*operator, tensor)),
                    None => drop(missing.insert(*operator)),
                }
            }
        }
        if let Some(first) = missing.first() {
            let captured = self.capture(&missing).map_err(|error| Unavailable {
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

    /// The digest trees on disk, if there are any.
    fn trees(&self) -> Option<Arc<Trees>> {
        let at = self.room.trees.as_ref()?;
        let mut trees = guard(&self.trees);
        if let OpenedTrees::Unknown = &*trees {
            let opened = Trees::open(&at.path).unwrap_or_else(|error| {
                tracing::warn!(path = %at.path.display(), %error, "digest trees cannot be read");
                None
            });
            *trees = opened.map_or(OpenedTrees::Absent, |opened| OpenedTrees::Open(Arc::new(opened)));
        }
        match &*trees {
            OpenedTrees::Open(trees) => Some(trees.clone()),
            OpenedTrees::Unknown | OpenedTrees::Absent => None,
        }
    }

    /// Digests of an operator's output by the trees on disk. Trees that say anything else than the trace are removed.
    fn chunked_on_disk(&self, operator: u32) -> Option<Chunked> {
        let digest = self.trace.nodes.get(usize::try_from(operator).ok()?)?;
        let chunked = self.trees()?.chunked(operator, digest);
        if let Ok(Some(chunked)) = chunked {
            return Some(chunked);
        }
        *guard(&self.trees) = OpenedTrees::Absent;
        if let Some(at) = &self.room.trees {
            tracing::warn!(path = %at.path.display(), "these digest trees are damaged, or another execution's");
            let removed = fs::remove_file(&at.path);
            if let Err(error) = removed.or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }) {
                tracing::warn!(path = %at.path.display(), %error, "it cannot be removed");
            }
        }
        None
    }
}

impl Drop for JobExecution {
    fn drop(&mut self) {
        self.room.pool.kept().forget(|(number, _)| *number == self.number);
    }
}

/// A lock's content. Whoever panicked while holding it has left a collection of tensors, all of which are right.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        // Whoever else asks waits for what an execution may bring.
        let _turn = guard(&self.turn);
        self.nodes_in_turn(operators)
    }

    fn chunked(&self, operators: &[u32]) -> Result<Vec<Chunked>, Unavailable> {
        let mut found: Vec<_> = operators
            .iter()
            .map(|operator| self.chunked_on_disk(*operator))
            .collect();
        if found.iter().any(Option::is_none) {
            let _turn = guard(&self.turn);
            // Whoever had the turn may have written the trees.
            let missing = operators.iter().zip(&found).filter(|(_, found)| found.is_none());
            let again: Vec<_> = missing
                .map(|(operator, _)| (*operator, self.chunked_on_disk(*operator)))
                .collect();
            let unknown = again.iter().filter(|(_, found)| found.is_none());
            let unknown: Vec<u32> = unknown.map(|(operator, _)| *operator).collect();
            let mut computed = match unknown.is_empty() {
                true => Vec::new(),
                false => self.nodes_in_turn(&unknown)?,
            }
            .into_iter();
            let again = again.into_iter();
            let mut again =
                again.map(|(_, on_disk)| on_disk.or_else(|| computed.next().map(|node| Chunked::of(&node))));
            for place in found.iter_mut().filter(|place| place.is_none()) {
                *place = again.next().flatten();
            }
        }
        // None is missing: whatever was not on disk was computed.
        Ok(found.into_iter().flatten().collect())
    }
}
