//! The rules of shapes for tensors that are there, whose dimensions are numbers: what a judge asks.

use super::{Dimension, Graph, Operator, ShapeError, shape::Layout};
use crate::digest::DataType;
use alloc::vec::Vec;

impl Operator {
    /// Type and shape of the output for operands of these types and shapes.
    ///
    /// The operator names no symbols ([`Operator::resolve`]). In a checked graph this is what the graph says of the
    /// node, at the values of its symbols.
    pub fn output_layout(&self, operands: &[(DataType, &[u32])]) -> Result<(DataType, Vec<u32>), ShapeError> {
        let nothing = Graph {
            symbols: Vec::new(),
            inputs: Vec::new(),
            weights: Vec::new(),
            nodes: Vec::new(),
            outputs: Vec::new(),
        };
        let layouts = operands.iter().map(|(dtype, shape)| Layout {
            dtype: *dtype,
            dimensions: shape.iter().copied().map(Dimension::Fixed).collect(),
        });
        let layouts: Vec<Layout> = layouts.collect();
        let layout = self.infer(&nothing, &layouts.iter().collect::<Vec<_>>())?;
        let shape = layout.dimensions.iter().map(|dimension| match dimension {
            Dimension::Fixed(elements) => Ok(*elements),
            Dimension::Symbol(symbol) => Err(ShapeError::UnknownSymbol(*symbol)),
            Dimension::Computed(_) => Err(ShapeError::ComputedDimension(*dimension)),
        });
        Ok((layout.dtype, shape.collect::<Result<_, _>>()?))
    }
}
