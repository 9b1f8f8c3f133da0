//! Reasons why an operator has no result.

use assay_ops::operators::Failure;
use tch::TchError;

/// Why an operator has no result.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The operands do not fit, which a checked graph rules out.
    Misfit,
    /// libtorch refused or failed.
    Device(TchError),
}

pub(crate) type Result<T> = std::result::Result<T, Fault>;

impl From<TchError> for Fault {
    fn from(error: TchError) -> Self {
        Self::Device(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Misfit => Self::Misfit,
            Fault::Device(error) => Self::Device(error.to_string()),
        }
    }
}

/// The value, or a misfit where there is none.
pub(crate) fn there<T>(value: Option<T>) -> Result<T> {
    value.ok_or(Fault::Misfit)
}
