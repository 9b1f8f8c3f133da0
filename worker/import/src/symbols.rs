//! Dynamic dimensions: the program's symbols, their ranges, and sizes that are made of them.

use crate::{
    error::ImportError,
    expression::{bounds, read},
    program::{ExportedProgram, Size, TensorMeta},
};
use assay_exact::graph::{Dimension, Expression, MAX_DIMENSION_TERMS, MAX_SYMBOLS, Symbol};
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
                let dimension = self.dimension(size).and_then(|dimension| match self.range(dimension) {
                    (_, 0) if dimension.is_computed() => {
                        Err(format!("{} is a size that no tensor has", self.text(dimension)))
                    }
                    _ => Ok(dimension),
                });
                dimension.map_err(|reason| dimension_error(tensor, position, reason))
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
                let read = read(text, &self.known).map_err(|reason| format!("{text} is no dimension: {reason}"))?;
                if read.as_number().is_some_and(|number| u32::try_from(number).is_err()) {
                    return Err(format!("{text} is a size that no tensor has"));
                }
                read.dimension().ok_or_else(|| {
                    format!(
                        "{text} is no dimension: it has more than {MAX_DIMENSION_TERMS} terms or a number beyond 32 bits; \
                         give the model fewer dynamic dimensions"
                    )
                })
            }
        }
    }

    /// The minimum and the maximum number of elements that a dimension may have. Below 0 it is 0, and 2^32 and more are
    /// one less than 2^32: no graph has such dimensions.
    pub fn range(&self, dimension: Dimension) -> (u32, u32) {
        let bounds = Expression::of(dimension).and_then(|of| bounds(&of, &self.known));
        let clamped = |number: i128| u32::try_from(number.clamp(0, u32::MAX.into())).unwrap_or(u32::MAX);
        bounds.map_or((0, u32::MAX), |bounds| (clamped(bounds.min), clamped(bounds.max)))
    }

    /// Whether every `step`-th of `length` elements is there, from the element `start` of a dimension on, whatever the
    /// symbols' values are.
    pub fn has_elements(&self, dimension: Dimension, start: u32, length: Dimension, step: u32) -> bool {
        // What is behind the last element, and it: as many as the dimension has without those before it.
        let rest = || {
            let (dimension, length) = (Expression::of(dimension)?, Expression::of(length)?);
            let reach = length
                .minus(&Expression::number(1))?
                .times(&Expression::number(step.into()))?;
            dimension.minus(&reach)?.minus(&Expression::number(start.into()))
        };
        let bounds = rest().and_then(|rest| bounds(&rest, &self.known));
        bounds.is_some_and(|bounds| bounds.min >= 1)
    }

    /// A dimension in the program's words.
    pub fn text(&self, dimension: Dimension) -> String {
        written(dimension, |symbol| {
            let known = self.known.get(usize::from(symbol));
            known.map(|(name, _)| name.clone()).unwrap_or_default()
        })
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if self.known.iter().any(|(known, _)| known == name) {
            return Ok(());
        }
        if self.known.len() >= MAX_SYMBOLS {
            return Err(format!(
                "{name} is one dynamic dimension too many; a package has at most {MAX_SYMBOLS}"
            ));
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
