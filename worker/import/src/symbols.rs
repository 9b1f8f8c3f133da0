//! Dynamic dimensions: the program's symbols, their ranges, and sizes that are made of them.

use crate::{
    error::ImportError,
    expression::Linear,
    program::{ExportedProgram, Size, TensorMeta},
};
use assay_exact::graph::{Dimension, Symbol};
use assay_package::dimension::written;

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
            if let Size::AsExpr(expression) = size {
                let added = match expression.symbol() {
                    Some(name) => self.add(name),
                    None => Err(format!(
                        "{} is not a symbol alone, and an input gives the symbols their values",
                        expression.expr_str
                    )),
                };
                added.map_err(|reason| dimension_error(tensor, position, reason))?;
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
                let text = &expression.expr_str;
                let linear = match expression.symbol() {
                    Some(name) => Linear {
                        symbol: Some((name, 1)),
                        offset: 0,
                    },
                    None => Linear::read(text)
                        .ok_or_else(|| format!("{text} is not a multiple of one symbol and a number"))?,
                };
                let none = || format!("{text} is a size that no tensor has");
                let Some((name, factor)) = linear.symbol else {
                    return u32::try_from(linear.offset).map(Dimension::Fixed).map_err(|_| none());
                };
                let position = self.known.iter().position(|(known, _)| known == name);
                let position = position.ok_or_else(|| format!("{name} is the size of no input"))?;
                let factor = u32::try_from(factor).map_err(|_| none())?;
                Dimension::of_symbol(position as u8, factor, linear.offset).ok_or_else(none)
            }
        }
    }

    /// The least and the greatest number of elements that a dimension may have. Below 0 it is 0, and 2^32 and more are
    /// one less than 2^32: no graph has such dimensions.
    pub fn range(&self, dimension: Dimension) -> (u32, u32) {
        let (min, max) = dimension.symbol().map_or((0, 0), |symbol| self.symbol_range(symbol));
        let elements = |value, beyond| dimension.elements_at(|_| Some(value)).unwrap_or(beyond);
        (elements(min, 0), elements(max, u32::MAX))
    }

    /// Whether every `step`-th of `length` elements is there, from the element `start` of a dimension on, whatever the
    /// symbols' values are.
    pub fn has_elements(&self, dimension: Dimension, start: u32, length: Dimension, step: u32) -> bool {
        let is_there = |elements: u32, length: u32| {
            let reach = u64::from(length.saturating_sub(1)) * u64::from(step);
            u64::from(start) + reach < u64::from(elements)
        };
        match (dimension.symbol(), length.symbol()) {
            // Both grow in straight lines with the same symbol, so that both ends of its range speak for all of it.
            (Some(symbol), Some(other)) if symbol == other => {
                let (min, max) = self.symbol_range(symbol);
                [min, max].into_iter().all(|value| {
                    let elements = |dimension: Dimension| dimension.elements_at(|_| Some(value));
                    elements(dimension)
                        .zip(elements(length))
                        .is_some_and(|(elements, length)| is_there(elements, length))
                })
            }
            _ => is_there(self.range(dimension).0, self.range(length).1),
        }
    }

    /// A dimension in the program's words.
    pub fn text(&self, dimension: Dimension) -> String {
        written(dimension, |symbol| {
            let known = self.known.get(usize::from(symbol));
            known.map(|(name, _)| name.clone()).unwrap_or_default()
        })
    }

    fn symbol_range(&self, symbol: u8) -> (u32, u32) {
        let known = self.known.get(usize::from(symbol));
        known.map_or((0, u32::MAX), |(_, symbol)| (symbol.min, symbol.max))
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
