//! Preimage of a model root: everything that decides what a job on the model gives, takes and costs.
//!
//! ```text
//! model_root   H( MODEL_DOMAIN ‖ SCALE(ModelParts) )
//! ```
//!
//! The chain stores the parts and hashes them itself, so nobody can register a root with other parts than its own. A
//! dispute then opens nodes of the graph and weights under the parts, never the parts.

mod kind;
mod polynomial;
mod schema;

pub use kind::{GENERATION_INPUTS, GENERATION_OUTPUTS, ModelKind};
pub use polynomial::{MAX_TERMS, Polynomial, Term};
pub(crate) use polynomial::{Sum, SumError};
pub use schema::{
    Schema, SchemaError, SchemaName, SymbolRange, TensorLayout, TensorSchema, ValueRange, payload_digest,
};

use crate::{
    DEFINITION_NUMBER,
    bounded::Bounded,
    digest::{DOMAIN_BYTES, Digest, Hash256, domain_hash},
    graph::{CheckedGraph, MAX_NODES, MAX_TENSORS, Value},
    judge::ModelHead,
    quantise::Precision,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Domain of a model.
pub const MODEL_DOMAIN: [u8; DOMAIN_BYTES] = *b"assay/model/2\0\0\0";

/// The parts of a model.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[scale_info(capture_docs = "always")]
pub struct ModelParts {
    /// Number of the definition by which it is computed: [`DEFINITION_NUMBER`] of the version that made it.
    pub definition: u32,
    /// Meaning of a claim on it.
    pub kind: ModelKind,
    /// The graph's operators and weights.
    pub head: ModelHead,
    /// The tensors that the graph gives, in the order of the schema's outputs.
    pub outputs: Bounded<Value, { MAX_TENSORS as u32 }>,
    /// The tensors that it takes and gives.
    pub schema: Schema,
    /// Precision of its contractions.
    pub precision: Precision,
    /// Work of one execution, for the values of the symbols: see [`CheckedGraph::work`].
    pub work: Polynomial,
    /// Bytes of the outputs of all operators, for the values of the symbols.
    pub trace_bytes: Polynomial,
    /// Hash of the manifest's bytes as they lie in the package.
    pub manifest_hash: Digest,
}

/// Reasons for which no job may name a model with these parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartsError {
    /// The definition is not the one that this version computes by.
    Definition {
        /// The number that it computes by.
        known: u32,
    },
    /// The graph has no operator, or more than a graph may have.
    Operators,
    /// The list of outputs has another length than the schema's, or one of them is an input, or an operator that the
    /// graph does not have.
    Outputs,
    /// The inputs and outputs are not those of a model of its kind.
    Kind,
    /// The schema is unsound.
    Schema(SchemaError),
    /// A polynomial is not written in its canonical form, or names a symbol that the schema does not have.
    Polynomial,
    /// At the maximum values of the symbols an execution is more than can be checked: see [`MAX_TRACE_BYTES`] and
    /// [`MAX_WORK`].
    ///
    /// [`MAX_TRACE_BYTES`]: crate::graph::MAX_TRACE_BYTES
    /// [`MAX_WORK`]: crate::graph::MAX_WORK
    TooLarge,
}

impl core::fmt::Display for PartsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Definition { known } => write!(f, "the model is not of definition {known}; import it again"),
            Self::Operators => write!(f, "the number of operators is not one that a graph may have"),
            Self::Outputs => write!(f, "the outputs are not those of the schema"),
            Self::Kind => write!(f, "the inputs and outputs are not those of a model of its kind"),
            Self::Schema(error) => write!(f, "the schema is unsound: {error:?}"),
            Self::Polynomial => write!(f, "the work or the size of the trace is not in canonical form"),
            Self::TooLarge => write!(
                f,
                "an execution can be larger than anybody can check; narrow the symbols' ranges"
            ),
        }
    }
}

impl core::error::Error for PartsError {}

impl ModelParts {
    /// The parts of a plain model: those of a checked graph with weights of this list digest; `None` if the graph's
    /// schema has more than the
    /// chain takes, which no checked graph has.
    pub fn new<H: Hash256>(
        graph: &CheckedGraph,
        weights_root: Digest,
        precision: Precision,
        manifest_hash: Digest,
    ) -> Option<Self> {
        Some(Self {
            definition: DEFINITION_NUMBER,
            kind: ModelKind::Plain,
            head: ModelHead {
                operators: u32::try_from(graph.graph().nodes.len()).ok()?,
                nodes_root: graph.graph().nodes_root::<H>(),
                weights_root,
            },
            outputs: Bounded::new(graph.graph().outputs.iter().map(|output| output.value).collect())?,
            schema: Schema::of(graph)?,
            precision,
            work: graph.work().clone(),
            trace_bytes: graph.trace_bytes().clone(),
            manifest_hash,
        })
    }

    /// The same parts of a model of another kind.
    pub fn with_kind(self, kind: ModelKind) -> Self {
        Self { kind, ..self }
    }

    /// The root under which the model is registered.
    pub fn root<H: Hash256>(&self) -> Digest {
        domain_hash::<H>(&MODEL_DOMAIN, &[&self.encode()])
    }

    /// Checks what can be checked without the graph.
    pub fn validate(&self) -> Result<(), PartsError> {
        if self.definition != DEFINITION_NUMBER {
            return Err(PartsError::Definition {
                known: DEFINITION_NUMBER,
            });
        }
        if self.head.operators == 0 || self.head.operators as usize > MAX_NODES {
            return Err(PartsError::Operators);
        }
        let exists = |output: &Value| match output {
            Value::Input(_) => false,
            Value::Weight(_) => true,
            Value::Node(index) => *index < self.head.operators,
        };
        if self.outputs.len() != self.schema.outputs.len() || !self.outputs.iter().all(exists) {
            return Err(PartsError::Outputs);
        }
        self.schema.validate().map_err(PartsError::Schema)?;
        if !self.kind.fits(&self.schema) {
            return Err(PartsError::Kind);
        }
        let symbols = self.schema.symbols.len();
        if !self.work.is_canonical(symbols) || !self.trace_bytes.is_canonical(symbols) {
            return Err(PartsError::Polynomial);
        }
        let largest: Vec<u32> = self.schema.symbols.iter().map(|symbol| symbol.max).collect();
        let bounded = |of: &Polynomial, most: u64| of.at(&largest).is_some_and(|value| value <= most);
        let fits =
            bounded(&self.work, crate::graph::MAX_WORK) && bounded(&self.trace_bytes, crate::graph::MAX_TRACE_BYTES);
        fits.then_some(()).ok_or(PartsError::TooLarge)
    }
}

#[cfg(test)]
mod tests;
