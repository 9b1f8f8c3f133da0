//! Dynamic dimensions: the program's symbols, their ranges, and sizes that are made of them.

use crate::package::{
    error::ImportError,
    program::{ExportedProgram, Size, TensorMeta},
};
use assay_exact::graph::{Dimension, Symbol};

/// Greatest value of a dynamic dimension whose range the export leaves open.
const OPEN_RANGE_MAX: u32 = 65_536;

/// The dynamic dimensions of the inputs, numbered in the order in which they are met.
pub(super) struct Symbols<'p> {
    program: &'p ExportedProgram,
    known: Vec<(String, Symbol)>,
}

impl<'p> Symbols<'p> {
    pub fn new(program: &'p ExportedProgram) -> Self {
        Self {
            program,
            known: Vec::new(),
        }
    }

    /// The dimensions of an input; symbols that are met for the first time become known.
    pub fn declare(&mut self, tensor: &str, meta: &TensorMeta) -> Result<Vec<Dimension>, ImportError> {
        for (position, size) in meta.sizes.iter().enumerate() {
            if let Size::AsExpr(expression) = size
                && let Some(name) = expression.symbol()
            {
                self.add(name)
                    .map_err(|reason| dimension_error(tensor, position, reason))?;
            }
        }
        self.dimensions(tensor, meta)
    }

    /// The dimensions of a tensor.
    pub fn dimensions(&self, tensor: &str, meta: &TensorMeta) -> Result<Vec<Dimension>, ImportError> {
        let dimensions = meta.sizes.iter().enumerate();
        dimensions
            .map(|(position, size)| {
                self.dimension(size)
                    .map_err(|reason| dimension_error(tensor, position, reason))
            })
            .collect()
    }

    /// A size as a dimension; the error says why there is none.
    pub fn dimension(&self, size: &Size) -> Result<Dimension, String> {
        match size {
            Size::AsInt(elements) => {
                let elements = u32::try_from(*elements);
                elements
                    .map(Dimension::Fixed)
                    .map_err(|_| "has a size that no tensor has".to_owned())
            }
            Size::AsExpr(expression) => {
                let name = expression.symbol();
                let name = name.ok_or_else(|| format!("{} is not a symbol alone", expression.expr_str))?;
                let position = self.known.iter().position(|(known, _)| known == name);
                let position = position.ok_or_else(|| format!("{name} is the size of no input"))?;
                Ok(Dimension::Symbol(position as u8))
            }
        }
    }

    /// The least and the greatest number of elements that a dimension may have.
    pub fn range(&self, dimension: Dimension) -> (u32, u32) {
        match dimension {
            Dimension::Fixed(elements) => (elements, elements),
            Dimension::Symbol(symbol) => {
                let symbol = self.known.get(usize::from(symbol)).map(|(_, symbol)| symbol);
                symbol.map_or((0, u32::MAX), |symbol| (symbol.min, symbol.max))
            }
        }
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.known.iter().any(|(known, _)| known == name) {
            return Ok(());
        }
        if self.known.len() > usize::from(u8::MAX) {
            return Err("is one dynamic dimension too many".to_owned());
        }
        let range = self.program.range_constraints.get(name);
        let min = range.and_then(|range| range.min_val).unwrap_or(1).max(1);
        let max = range
            .and_then(|range| range.max_val)
            .unwrap_or(i64::from(OPEN_RANGE_MAX));
        let (Ok(min), Ok(max)) = (u32::try_from(min), u32::try_from(max)) else {
            return Err(format!(
                "has the range {min} to {max}; give torch.export.Dim a max below 2^32"
            ));
        };
        let symbol = Symbol {
            name: name.to_owned(),
            min,
            max,
        };
        self.known.push((name.to_owned(), symbol));
        Ok(())
    }

    /// The symbols with names for people. The export forgets the author's name for a dimension; one that all inputs
    /// begin with is the batch.
    pub fn finish<'i>(self, inputs: impl Iterator<Item = &'i [Dimension]> + Clone) -> Vec<Symbol> {
        let symbols = self.known.into_iter().enumerate().map(|(index, (_, mut symbol))| {
            let is_batch = inputs
                .clone()
                .all(|dims| dims.first() == Some(&Dimension::Symbol(index as u8)));
            symbol.name = if is_batch {
                "batch".to_owned()
            } else {
                format!("s{index}")
            };
            symbol
        });
        symbols.collect()
    }
}

fn dimension_error(tensor: &str, dimension: usize, reason: String) -> ImportError {
    ImportError::Dimension {
        tensor: tensor.to_owned(),
        dimension,
        reason,
    }
}
