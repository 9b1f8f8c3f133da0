//! The arithmetic of dimensions: what sums, multiples and windows of them are, for all values of the symbols.

use super::Dimension;

/// Symbol, factor and offset of a dimension, without a common divisor of the last two.
pub(super) type Polynomial = (u8, u32, i64);

impl Dimension {
    /// `factor` times the value of a symbol, and `offset` more, as the dimension that stands for it; `None` if the
    /// factor is 0, or if the offset is beyond 32 bits.
    pub fn of_symbol(symbol: u8, factor: u32, offset: i64) -> Option<Self> {
        let offset = i32::try_from(offset).ok()?;
        match (factor, offset) {
            (0, _) => None,
            (1, 0) => Some(Self::Symbol(symbol)),
            _ => Some(Self::Affine { symbol, factor, offset }),
        }
    }

    /// The symbol that it depends on.
    pub fn symbol(self) -> Option<u8> {
        match self {
            Self::Fixed(_) => None,
            Self::Symbol(symbol) | Self::Affine { symbol, .. } => Some(symbol),
        }
    }

    /// Whether it is written in the only way in which it may be, so that equal dimensions are equal bytes.
    pub fn is_canonical(self) -> bool {
        match self {
            Self::Fixed(_) | Self::Symbol(_) => true,
            Self::Affine { factor, offset, .. } => factor != 0 && (factor, offset) != (1, 0),
        }
    }

    /// As many elements as it has for these values of the symbols; `None` if its symbol is not among them, or if the
    /// number is negative or 2^32 and more.
    pub fn elements(self, symbols: &[u32]) -> Option<u32> {
        self.elements_at(|symbol| symbols.get(usize::from(symbol)).copied())
    }

    /// The same for values that a function gives.
    pub fn elements_at(self, value: impl FnOnce(u8) -> Option<u32>) -> Option<u32> {
        match self {
            Self::Fixed(elements) => Some(elements),
            Self::Symbol(symbol) => value(symbol),
            Self::Affine { symbol, factor, offset } => {
                let multiple = u64::from(factor).checked_mul(u64::from(value(symbol)?))?;
                u32::try_from(multiple.checked_add_signed(i64::from(offset))?).ok()
            }
        }
    }

    /// Both together. `None` if they depend on different symbols, or if the sum is no dimension.
    pub fn plus(self, other: Self) -> Option<Self> {
        let ((factor, offset), (more_factor, more_offset)) = (self.line(), other.line());
        match (self.symbol(), other.symbol()) {
            (None, None) => self.shifted(more_offset),
            (Some(left), Some(right)) if left != right => None,
            (Some(symbol), _) | (None, Some(symbol)) => Self::of_symbol(
                symbol,
                factor.checked_add(more_factor)?,
                offset.checked_add(more_offset)?,
            ),
        }
    }

    /// So many elements more, or fewer. `None` if that is no dimension.
    pub fn shifted(self, by: i64) -> Option<Self> {
        let (factor, offset) = self.line();
        let offset = offset.checked_add(by)?;
        match self.symbol() {
            None => u32::try_from(offset).ok().map(Self::Fixed),
            Some(symbol) => Self::of_symbol(symbol, factor, offset),
        }
    }

    /// So many times over. `None` if that is no dimension.
    pub fn times(self, count: u32) -> Option<Self> {
        let (factor, offset) = self.line();
        let offset = offset.checked_mul(i64::from(count))?;
        match self.symbol() {
            None => u32::try_from(offset).ok().map(Self::Fixed),
            Some(symbol) => Self::of_symbol(symbol, factor.checked_mul(count)?, offset),
        }
    }

    /// How many windows of `size` elements, `dilation` apart, it has, one every `step` elements. `None` if there is not
    /// one or if that is no dimension: the quotient by the step has to be one for all values of the symbol.
    ///
    /// Where a symbol's least value leaves not one window, the result is a dimension that can be 0, which no graph may
    /// have.
    pub fn windows(self, size: u32, step: u32, dilation: u32) -> Option<Self> {
        // The elements behind the first one of a window.
        let reach = i64::from(dilation.checked_mul(size.checked_sub(1)?)?);
        let (factor, offset) = self.line();
        let rest = offset.checked_sub(1)?.checked_sub(reach)?;
        match self.symbol() {
            None => {
                let last = u32::try_from(rest).ok()?.checked_div(step)?;
                last.checked_add(1).map(Self::Fixed)
            }
            Some(_) if factor.checked_rem(step)? != 0 => None,
            Some(symbol) => {
                let last = rest.checked_div_euclid(i64::from(step))?;
                Self::of_symbol(symbol, factor.checked_div(step)?, last.checked_add(1)?)
            }
        }
    }

    /// A number, and what it is multiplied with to give the dimension: a symbol's multiple and an offset without a
    /// common divisor, or nothing. `None` if it is always 0, which no canonical one is.
    ///
    /// Such polynomials of the first degree are prime, so two products of dimensions are the same for all values of the
    /// symbols if and only if their numbers and their multisets of polynomials are.
    pub(super) fn prime(self) -> Option<(u32, Option<Polynomial>)> {
        let (factor, offset) = self.line();
        let Some(symbol) = self.symbol() else {
            return Some((u32::try_from(offset).ok()?, None));
        };
        let (mut divisor, mut rest) = (u64::from(factor), offset.unsigned_abs());
        while rest != 0 {
            (divisor, rest) = (rest, divisor.checked_rem(rest)?);
        }
        // It divides the factor, so it has 32 bits unless the factor is 0.
        let divisor = u32::try_from(divisor).ok()?;
        let offset = offset.checked_div(i64::from(divisor))?;
        Some((divisor, Some((symbol, factor.checked_div(divisor)?, offset))))
    }

    /// Factor and offset. Of a fixed dimension the factor is 0.
    fn line(self) -> (u32, i64) {
        match self {
            Self::Fixed(elements) => (0, i64::from(elements)),
            Self::Symbol(_) => (1, 0),
            Self::Affine { factor, offset, .. } => (factor, i64::from(offset)),
        }
    }
}
