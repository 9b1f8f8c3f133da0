//! Why a player cannot make its move.

use crate::Unavailable;
use assay_exact::judge::{JudgeError, ProofError};
use assay_types::dispute::Place;

/// Why a statement, a pointer or a proof cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlayError {
    /// A tensor of our own execution cannot be had.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// Our own execution is of a different job: another model or other inputs.
    #[error("the own execution is of another {what}")]
    AnotherJob {
        /// Name of the part that differs.
        what: &'static str,
    },
    /// The execution has no such place.
    #[error("the execution has no place {place:?}")]
    NoSuchPlace {
        /// The place.
        place: Place,
    },
    /// The place has not been revealed yet: read the chain again.
    #[error("nothing is revealed of {place:?}")]
    NotRevealed {
        /// The place.
        place: Place,
    },
    /// Nothing at this place can be proved wrong: point on.
    #[error("nothing can be proved at {place:?}")]
    NothingToProve {
        /// The place.
        place: Place,
    },
    /// Something is larger than a statement can say. No model that was registered has it.
    #[error("{what} is too large for a statement")]
    TooLarge {
        /// Name of the part.
        what: &'static str,
    },
    /// The proof cannot be built.
    #[error("operator {operator} cannot be opened: {error}")]
    Proof {
        /// Position of the operator.
        operator: u32,
        /// Why not.
        error: ProofError,
    },
    /// The proof was built, and a judge would not take it: the trace differs before this operator, so that another one
    /// is to be pointed at.
    #[error("a judge would refuse the proof about operator {operator}: {error}")]
    Refused {
        /// Position of the operator.
        operator: u32,
        /// The judge's error.
        error: JudgeError,
    },
    /// A judge would find for the worker: what it revealed is right.
    #[error("what is revealed of operator {operator} is right")]
    Right {
        /// Position of the operator.
        operator: u32,
    },
}
