//! The arithmetic of dimensions: what sums, products and windows of them are, for all values of the symbols.

use super::{Bounds, Dimension, Expression, Formula, Graph, ShapeError, expression::symbols_of, shape::Layout};
use alloc::collections::BTreeSet;

impl Dimension {
    /// `factor` times the value of a symbol, and `offset` more, as the dimension that stands for it; `None` if the
    /// factor is 0, or if one of the two is beyond 32 bits.
    pub fn of_symbol(symbol: u8, factor: u32, offset: i64) -> Option<Self> {
        let multiple = Expression::symbol(symbol)?.times(&Expression::number(factor.into()))?;
        let sum = multiple.plus(&Expression::number(offset))?;
        sum.dimension().filter(|_| factor != 0)
    }

    /// The symbols that it depends on, ascending.
    pub fn symbols(self) -> BTreeSet<u8> {
        match self {
            Self::Fixed(_) => BTreeSet::new(),
            Self::Symbol(symbol) => BTreeSet::from([symbol]),
            Self::Computed(formula) => formula
                .terms()
                .iter()
                .flat_map(|term| symbols_of(&term.powers))
                .collect(),
        }
    }

    /// Whether it depends on this symbol.
    pub fn depends_on(self, symbol: u8) -> bool {
        self.symbols().contains(&symbol)
    }

    /// Whether it is computed from symbols, and neither fixed nor one of them.
    pub fn is_computed(self) -> bool {
        matches!(self, Self::Computed(_))
    }

    /// Whether it is written in the only way in which it may be, so that equal dimensions are equal bytes.
    pub fn is_canonical(self) -> bool {
        match self {
            Self::Fixed(_) | Self::Symbol(_) => true,
            Self::Computed(_) => Expression::of(self).and_then(|expression| expression.dimension()) == Some(self),
        }
    }

    /// As many elements as it has for these values of the symbols; `None` if a symbol is not among them, or if the
    /// number is negative or 2^32 and more.
    pub fn elements(self, symbols: &[u32]) -> Option<u32> {
        self.elements_at(|symbol| symbols.get(usize::from(symbol)).copied())
    }

    /// The same for values that a function gives.
    pub fn elements_at(self, value: impl Fn(u8) -> Option<u32>) -> Option<u32> {
        match self {
            Self::Fixed(elements) => Some(elements),
            Self::Symbol(symbol) => value(symbol),
            Self::Computed(formula) => u32::try_from(formula.value(value)?).ok(),
        }
    }

    /// Its minimum and maximum where each symbol is in its range, both ends included
    /// ([`Expression::bounds`]). `None` if a symbol has no range, or if a term does not fit 64 bits with a sign.
    pub fn bounds(self, range: impl Fn(u8) -> Option<(u32, u32)>) -> Option<Bounds> {
        let (min, max) = match self {
            Self::Fixed(elements) => (elements, elements),
            Self::Symbol(symbol) => range(symbol)?,
            Self::Computed(_) => return Expression::of(self)?.bounds(range),
        };
        Some(Bounds {
            min: min.into(),
            max: max.into(),
            is_exact: true,
        })
    }

    /// Both together. `None` if that is no dimension.
    pub fn plus(self, other: Self) -> Option<Self> {
        Expression::of(self)?.plus(&Expression::of(other)?)?.dimension()
    }

    /// This dimension with some elements more, or fewer. `None` if that is no dimension.
    pub fn shifted(self, by: i64) -> Option<Self> {
        Expression::of(self)?.plus(&Expression::number(by))?.dimension()
    }

    /// As many elements as two dimensions have together. `None` if that is no dimension.
    pub fn times(self, other: Self) -> Option<Self> {
        Expression::of(self)?.times(&Expression::of(other)?)?.dimension()
    }

    /// Number of windows of `size` elements, `dilation` apart, that it has, one every `step` elements. `None` if there
    /// is not one or if that is no dimension: the step has to divide the coefficients of all terms with symbols.
    ///
    /// Where some values of the symbols leave not one window, the result is a dimension that can be 0, which no graph
    /// may have.
    pub fn windows(self, size: u32, step: u32, dilation: u32) -> Option<Self> {
        // The elements behind the first one of a window, and the first one.
        let reach = i64::from(dilation.checked_mul(size.checked_sub(1)?)?).checked_add(1)?;
        let rest = Expression::of(self)?.minus(&Expression::number(reach))?;
        // Not one window in a fixed dimension is none, not the 0 windows that rounding down could give.
        if rest.as_number().is_some_and(|rest| rest < 0) {
            return None;
        }
        rest.divided(step)?.plus(&Expression::number(1))?.dimension()
    }
}

impl Graph {
    /// Checks the dimensions that are computed from symbols.
    pub(super) fn check_computed(&self, layout: Layout) -> Result<Layout, ShapeError> {
        for dimension in layout.dimensions.iter().filter(|dimension| dimension.is_computed()) {
            self.knows_symbols(*dimension)?;
            let bounds = self.bounds(*dimension).filter(|_| dimension.is_canonical());
            let bounds = bounds.ok_or(ShapeError::ComputedDimension(*dimension))?;
            match bounds.min >= 1 && bounds.max <= u32::MAX.into() {
                true => {}
                false if bounds.is_exact => return Err(ShapeError::ComputedDimension(*dimension)),
                false => return Err(ShapeError::UndecidedDimension(*dimension)),
            }
        }
        Ok(layout)
    }

    /// Checks that the graph lists the symbols of a dimension.
    pub(super) fn knows_symbols(&self, dimension: Dimension) -> Result<(), ShapeError> {
        let mut symbols = dimension.symbols().into_iter();
        let unknown = symbols.find(|symbol| usize::from(*symbol) >= self.symbols.len());
        unknown.map_or(Ok(()), |symbol| Err(ShapeError::UnknownSymbol(symbol)))
    }

    /// Minimum and maximum of a dimension; `None` if the graph does not list a symbol of it, or if a term of it
    /// does not fit 64 bits with a sign.
    pub(super) fn bounds(&self, dimension: Dimension) -> Option<Bounds> {
        dimension.bounds(|symbol| {
            let symbol = self.symbols.get(usize::from(symbol))?;
            Some((symbol.min, symbol.max))
        })
    }
}

impl From<Formula> for Dimension {
    fn from(formula: Formula) -> Self {
        Self::Computed(formula)
    }
}
