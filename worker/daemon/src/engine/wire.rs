//! Tensors, outputs and traces as frames carry them.

use crate::{
    dispute::{Traced, TreesAt, Wanted},
    serve::memory::Output,
};
use assay_exact::trace::Trace;
use assay_ops::{
    program::EngineError,
    tensor::{DataType, Digest, Tensor},
};
use assay_types::H256;
use codec::{Decode, Encode};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
};

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct WireTensor {
    dtype: DataType,
    shape: Vec<u32>,
    bytes: Vec<u8>,
}

/// An output.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct WireOutput {
    digest: [u8; 32],
    bytes: Vec<u8>,
}

/// Why a job was not executed, by a child that is still there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) enum WireFault {
    /// The job asks for more memory than there may be.
    TooLarge { needed: u64, limit: u64 },
    /// The job's inputs are at fault, in these words.
    Inputs(String),
    /// The engine is.
    Failed(String),
}

/// Parts that are wanted of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct WireWanted {
    digests: bool,
    operators: Vec<u32>,
    others: Option<Vec<u32>>,
    most_bytes: u64,
    /// File and bytes of its folder; see [`TreesAt`].
    trees: Option<(Vec<u8>, u64)>,
}

/// The digests of a trace, if they were wanted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct WireTraced(Option<WireTrace>);

/// See [`Trace`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct WireTrace {
    inputs: Vec<Digest>,
    nodes: Vec<Digest>,
    outputs: Vec<Digest>,
    symbols: Vec<u32>,
}

impl WireTensor {
    pub fn of(tensor: Tensor) -> Self {
        Self {
            dtype: tensor.dtype(),
            shape: tensor.shape().to_vec(),
            bytes: tensor.into_bytes(),
        }
    }

    /// The tensor, if there are as many bytes as the shape says.
    pub fn tensor(self) -> Option<Tensor> {
        Tensor::new(self.dtype, self.shape, self.bytes).ok()
    }
}

impl From<Output> for WireOutput {
    fn from(output: Output) -> Self {
        Self {
            digest: output.digest.0,
            bytes: output.bytes,
        }
    }
}

impl From<WireOutput> for Output {
    fn from(output: WireOutput) -> Self {
        Self {
            digest: H256(output.digest),
            bytes: output.bytes,
        }
    }
}

impl From<EngineError> for WireFault {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Inputs(error) => Self::Inputs(error.to_string()),
            EngineError::TooLarge { needed, limit } => Self::TooLarge { needed, limit },
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<WireFault> for EngineError {
    fn from(fault: WireFault) -> Self {
        match fault {
            WireFault::TooLarge { needed, limit } => Self::TooLarge { needed, limit },
            // The parent has checked the inputs, so this is a mistake of the program, not of the job.
            WireFault::Inputs(reason) | WireFault::Failed(reason) => Self::Failed {
                engine: "the engine's process".to_owned(),
                reason,
            },
        }
    }
}

impl From<&Wanted> for WireWanted {
    fn from(wanted: &Wanted) -> Self {
        Self {
            digests: wanted.digests,
            operators: wanted.operators.iter().copied().collect(),
            others: wanted.others.as_ref().map(|others| others.iter().copied().collect()),
            most_bytes: wanted.most_bytes,
            trees: wanted
                .trees
                .as_ref()
                .map(|trees| (trees.path.as_os_str().as_bytes().to_vec(), trees.most_bytes)),
        }
    }
}

impl From<WireWanted> for Wanted {
    fn from(wanted: WireWanted) -> Self {
        Self {
            digests: wanted.digests,
            operators: wanted.operators.into_iter().collect(),
            others: wanted.others.map(BTreeSet::from_iter),
            most_bytes: wanted.most_bytes,
            trees: wanted.trees.map(|(path, most_bytes)| TreesAt {
                path: OsString::from_vec(path).into(),
                most_bytes,
            }),
        }
    }
}

impl From<Option<Trace>> for WireTraced {
    fn from(trace: Option<Trace>) -> Self {
        Self(trace.map(|trace| WireTrace {
            inputs: trace.inputs,
            nodes: trace.nodes,
            outputs: trace.outputs,
            symbols: trace.symbols,
        }))
    }
}

impl WireTraced {
    /// With no tensors yet.
    pub fn traced(self) -> Traced {
        let trace = self.0.map(|trace| Trace {
            inputs: trace.inputs,
            nodes: trace.nodes,
            outputs: trace.outputs,
            symbols: trace.symbols,
        });
        Traced {
            trace,
            wanted: BTreeMap::new(),
            others: BTreeMap::new(),
        }
    }
}
