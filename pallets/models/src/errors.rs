//! The rules' refusals as this pallet's errors.

use crate::Error;
use assay_types::{NameError, SchemaError, schema::PartsError};

impl<T> From<NameError> for Error<T> {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Empty => Self::NameEmpty,
            NameError::NotUtf8 => Self::NameNotUtf8,
            NameError::NotPrintable => Self::NameNotPrintable,
        }
    }
}

impl<T> From<SchemaError> for Error<T> {
    fn from(error: SchemaError) -> Self {
        match error {
            SchemaError::NoTensors => Self::SchemaWithoutTensors,
            SchemaError::UnknownSymbol => Self::SchemaUnknownSymbol,
            SchemaError::EmptyRange => Self::SchemaEmptyRange,
            SchemaError::ZeroDimension => Self::SchemaZeroDimension,
            SchemaError::TooLarge => Self::SchemaTooLarge,
            SchemaError::UnsoundDimension => Self::SchemaUnsound,
            SchemaError::ValueRange => Self::SchemaValueRange,
            SchemaError::UnboundSymbol => Self::SchemaUnboundSymbol,
            // What is wrong with a payload, which a schema by itself cannot be.
            SchemaError::WrongNumberOfSymbols { .. }
            | SchemaError::SymbolOutOfRange { .. }
            | SchemaError::WrongSize { .. } => Self::SchemaUnsound,
        }
    }
}

impl<T> From<PartsError> for Error<T> {
    fn from(error: PartsError) -> Self {
        match error {
            PartsError::Definition { .. } => Self::UnknownDefinition,
            PartsError::Operators => Self::OperatorCount,
            PartsError::Outputs => Self::OutputsUnsound,
            PartsError::Kind => Self::KindUnsound,
            PartsError::Schema(error) => error.into(),
            PartsError::Polynomial => Self::PolynomialUnsound,
            PartsError::TooLarge => Self::ModelTooLarge,
        }
    }
}
