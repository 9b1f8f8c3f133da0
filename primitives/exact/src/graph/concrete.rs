//! The rules of shapes for tensors that are there, whose dimensions are numbers: what a judge asks.

use super::{BindError, Dimension, Graph, Input, Operator, ShapeError, Symbol, shape::Layout};
use crate::digest::DataType;
use alloc::vec::Vec;

impl Operator {
    /// Type and shape of the output for operands of these types and shapes.
    ///
    /// The operator names no symbols ([`Operator::resolve`]). In a checked graph this is what the graph says of the
    /// node, at the values of its symbols.
    pub fn output_layout(&self, operands: &[(DataType, &[u32])]) -> Result<(DataType, Vec<u32>), ShapeError> {
        let nothing = without_nodes(Vec::new(), Vec::new());
        let layouts = operands.iter().map(|(dtype, shape)| Layout {
            dtype: *dtype,
            dimensions: shape.iter().copied().map(Dimension::Fixed).collect(),
        });
        let layouts: Vec<Layout> = layouts.collect();
        let layout = self.infer(&nothing, &layouts.iter().collect::<Vec<_>>())?;
        let shape = layout.dimensions.iter().map(|dimension| match dimension {
            Dimension::Fixed(elements) => Ok(*elements),
            Dimension::Symbol(symbol) | Dimension::Affine { symbol, .. } => Err(ShapeError::UnknownSymbol(*symbol)),
        });
        Ok((layout.dtype, shape.collect::<Result<_, _>>()?))
    }
}

/// The values of a graph's symbols, in its order, for inputs of these types and shapes.
pub fn bind(symbols: Vec<Symbol>, inputs: Vec<Input>, layouts: &[(DataType, &[u32])]) -> Result<Vec<u32>, BindError> {
    without_nodes(symbols, inputs).bind_symbols(layouts)
}

fn without_nodes(symbols: Vec<Symbol>, inputs: Vec<Input>) -> Graph {
    Graph {
        symbols,
        inputs,
        weights: Vec::new(),
        nodes: Vec::new(),
        outputs: Vec::new(),
    }
}
