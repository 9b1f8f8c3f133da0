//! The stable words for why something is refused.

use crate::json::{Json, object};
use assay_exact::graph::{BindError, GraphError, ShapeError};

/// An error of one word.
pub fn error(reason: impl Into<String>) -> Json {
    object([("reason", Json::Text(reason.into()))])
}

/// Why a graph does not pass its check.
pub fn of_graph(error: &GraphError) -> String {
    match error {
        GraphError::Count { .. } => "count",
        GraphError::NameLength { .. } => "name_length",
        GraphError::DuplicateName { .. } => "duplicate_name",
        GraphError::SymbolRange { .. } => "symbol_range",
        GraphError::UnboundSymbol { .. } => "unbound_symbol",
        GraphError::ComputedInput { .. } => "computed_input",
        GraphError::Tensor { .. } => "tensor",
        GraphError::UnknownValue { .. } => "unknown_value",
        GraphError::Shape { error, .. } => return of_shape(error),
        GraphError::HandedThrough { .. } => "handed_through",
        GraphError::ValueRange { .. } => "value_range",
        GraphError::Unused { .. } => "unused",
        GraphError::Vast { what, .. } => return format!("vast/{what}"),
        GraphError::Terms => "terms",
        GraphError::NodeTooLong { .. } => "node_too_long",
        GraphError::TooLarge { .. } => "too_large",
    }
    .to_owned()
}

/// Why an operator does not take its operands.
pub fn of_shape(error: &ShapeError) -> String {
    let word = match error {
        ShapeError::Arity { .. } => "arity",
        ShapeError::DataType(_) => "data_type",
        ShapeError::Dimensions { .. } => "dimensions",
        ShapeError::ContractionLength(_) => "contraction_length",
        ShapeError::RowTooLong(_) => "row_too_long",
        ShapeError::Parameter(_) => "parameter",
        ShapeError::ElementCount => "element_count",
        ShapeError::ComputedDimension(_) => "computed_dimension",
        ShapeError::UndecidedDimension(_) => "undecided_dimension",
        ShapeError::UnknownSymbol(_) => "unknown_symbol",
    };
    format!("shape/{word}")
}

/// Why tensors are not what a graph takes.
pub fn of_bind(error: &BindError) -> String {
    let word = match error {
        BindError::Count { .. } => "count",
        BindError::DataType { .. } => "data_type",
        BindError::Rank { .. } => "rank",
        BindError::Dimension { .. } => "dimension",
        BindError::Computed { .. } => "computed",
        BindError::OutOfRange { .. } => "out_of_range",
    };
    format!("bind/{word}")
}
