//! Rows of numbers as integers with one scale each, as [`assay_exact::quantise`] defines them.

#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::prefetch;

use crate::{
    aligned::Aligned,
    instructions::{Instructions, Set},
};
use assay_exact::quantise::Precision;

/// Elements that are multiplied by one instruction and lane; rows are padded with zeros to a multiple of it.
pub(crate) const GROUP: usize = 4;
/// Products of 16-bit integers are summed in blocks of so many: the greatest number of which what the high halves
/// leave, `2^7·(hl + lh) + ll ≤ 2 084 864` each, fits 32 bits, rounded down to a multiple of the vectors' lengths.
pub(crate) const BLOCK: usize = 1024;

/// Elements whose norm is kept, so that sums of their products can be bounded.
pub(crate) const SEGMENT: usize = 32;

/// More than what a norm loses by rounding.
pub(crate) const ROUNDING: f32 = 1.0 + 1e-5;

/// A matrix whose rows are contiguous, each beginning `stride` after the one before.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    length: usize,
    stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of `length` elements, one right after the other.
    ///
    /// # Panics
    ///
    /// If the elements are not whole rows, or `length` is 0.
    pub fn new(data: &'a [f32], length: usize) -> Self {
        assert!(
            length > 0 && data.len().is_multiple_of(length),
            "elements are not whole rows"
        );
        Self {
            data,
            rows: data.len() / length,
            length,
            stride: length,
        }
    }

    /// `rows` rows of `length` elements, each beginning `stride` after the one before.
    ///
    /// # Panics
    ///
    /// If the last row ends after the data, or `length` is 0.
    pub fn strided(data: &'a [f32], rows: usize, length: usize, stride: usize) -> Self {
        assert!(
            length > 0 && (rows == 0 || (rows - 1) * stride + length <= data.len()),
            "the last row ends after the data"
        );
        Self {
            data,
            rows,
            length,
            stride,
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many elements a row has.
    pub fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn row(&self, index: usize) -> &'a [f32] {
        let start = index * self.stride;
        &self.data[start..start + self.length]
    }

    /// Asks for the first rows to be brought into the nearest cache, since they are quantised soon.
    pub(crate) fn expect(&self) {
        #[cfg(target_arch = "x86_64")]
        for index in 0..self.rows.min(avx512::ROWS_AT_ONCE) {
            avx512::prefetch(self.row(index));
        }
    }

    /// The rows from `start` to before `end`.
    pub fn part(&self, start: usize, end: usize) -> Self {
        Self::strided(
            &self.data[(start * self.stride).min(self.data.len())..],
            end - start,
            self.length,
            self.stride,
        )
    }
}

/// What gives a row's elements their integers.
#[derive(Clone, Copy, Debug)]
pub enum Scaling<'a> {
    /// Each row is scaled by its greatest magnitude.
    ByRow,
    /// Element `k` is first multiplied by number `k` of these, in binary32.
    ByRowAfter(&'a [f32]),
    /// Row `r` is first divided by number `r` of `totals`; then it is as if by [`Scaling::ByRowAfter`].
    #[expect(missing_docs, reason = "they are what the variant says")]
    Shares { totals: &'a [f32], factors: &'a [f32] },
    /// Element `k` is divided by number `k` of these; where that is NaN, the integer is 0. Every row has the scale 1.
    ByColumn(&'a [f32]),
}

/// Quantised rows, in the form that [`crate::product`] multiplies. The memory is kept and used again.
#[derive(Clone, Debug)]
pub struct Rows {
    pub(crate) instructions: Instructions,
    pub(crate) precision: Precision,
    pub(crate) count: usize,
    pub(crate) length: usize,
    /// Integers of a row with its padding.
    pub(crate) stride: usize,
    /// The integers of Int8; of Int16 the high halves `(q + 64) >> 7`. Not in portable code.
    pub(crate) bytes: Aligned<i8>,
    /// The integers of Int16, and in portable code of Int8 too.
    pub(crate) words: Aligned<i16>,
    /// The rows' scales.
    pub(crate) scales: Vec<f32>,
    /// The sum of each row's `bytes`, for Int16 in blocks of [`BLOCK`]. Not in portable code.
    pub(crate) sums: Vec<i32>,
    /// For Int16, not less than the Euclidean norm of each [`SEGMENT`] of each row. Not in portable code.
    pub(crate) norms: Vec<f32>,
    /// A row that is scaled before it is quantised.
    scaled: Aligned<f32>,
}

impl Rows {
    /// No rows yet.
    pub fn new(instructions: Instructions) -> Self {
        Self {
            instructions,
            precision: Precision::Int8,
            count: 0,
            length: 0,
            stride: 0,
            bytes: Aligned::default(),
            words: Aligned::default(),
            scales: Vec::new(),
            sums: Vec::new(),
            norms: Vec::new(),
            scaled: Aligned::default(),
        }
    }

    /// Replaces the rows by these ones.
    ///
    /// # Panics
    ///
    /// If there are not as many numbers to scale by as a row has elements, or a row is longer than a contraction's.
    pub fn quantise(&mut self, from: Matrix<'_>, precision: Precision, scaling: Scaling<'_>) {
        if let Scaling::ByRowAfter(numbers) | Scaling::ByColumn(numbers) | Scaling::Shares { factors: numbers, .. } =
            scaling
        {
            assert_eq!(numbers.len(), from.length, "numbers to scale by");
        }
        if let Scaling::Shares { totals, .. } = scaling {
            assert_eq!(totals.len(), from.rows, "one total for each row");
        }
        assert!(
            from.length <= assay_exact::quantise::MAX_CONTRACTION_LENGTH as usize,
            "a row is longer than a contraction sums"
        );
        self.precision = precision;
        self.count = from.rows;
        self.length = from.length;
        self.stride = from.length.next_multiple_of(GROUP);
        self.scales.resize(from.rows, 0.0);
        match self.instructions.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => {
                let words = if precision == Precision::Int16 {
                    from.rows * self.stride
                } else {
                    0
                };
                self.words.set_length(words);
                self.bytes.set_length(from.rows * self.stride);
                self.sums.resize(from.rows * self.blocks(), 0);
                self.norms.resize(from.rows * self.segments(), 0.0);
                // SAFETY: the set is made only where the processor has said that it has these instructions.
                unsafe { avx512::quantise(self, from, scaling) }
            }
            Set::Portable => {
                self.words.set_length(from.rows * self.stride);
                portable::quantise(self, from, scaling);
            }
        }
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows' scales.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The integers of one row, without its padding.
    pub fn integers(&self, row: usize) -> impl Iterator<Item = i16> {
        let range = row * self.stride..row * self.stride + self.length;
        let (bytes, words) = if self.words.is_empty() {
            (&self.bytes[range], &[][..])
        } else {
            (&[][..], &self.words[range])
        };
        bytes.iter().map(|q| i16::from(*q)).chain(words.iter().copied())
    }

    /// The columns as rows, with the scale 1, in portable code.
    pub(crate) fn transposed(&self) -> Self {
        let mut columns = Self::new(self.instructions);
        columns.precision = self.precision;
        columns.count = self.length;
        columns.length = self.count;
        columns.stride = self.count.next_multiple_of(GROUP);
        columns.scales = vec![1.0; self.length];
        columns.words = Aligned::with_length(columns.count * columns.stride);
        columns.words.fill(0);
        for (t, row) in self.words.chunks_exact(self.stride.max(1)).enumerate() {
            for (d, q) in row[..self.length].iter().enumerate() {
                columns.words[d * columns.stride + t] = *q;
            }
        }
        columns
    }

    /// Segments of a row whose norms are kept.
    pub(crate) fn segments(&self) -> usize {
        match self.precision {
            Precision::Int8 => 0,
            Precision::Int16 => self.stride.div_ceil(SEGMENT),
        }
    }

    /// Blocks of a row whose bytes are summed apart.
    pub(crate) fn blocks(&self) -> usize {
        match self.precision {
            Precision::Int8 => 1,
            Precision::Int16 => self.stride.div_ceil(BLOCK),
        }
    }
}

/// The scale of a row with this greatest magnitude, by its bits, for a precision with this greatest integer.
#[inline]
pub(crate) fn scale(greatest_bits: u32, greatest: f32) -> f32 {
    if greatest_bits >= crate::vector::INFINITY_BITS {
        return f32::from_bits(crate::vector::NAN_BITS);
    }
    let scale = f32::from_bits(greatest_bits) / greatest;
    if scale == 0.0 { 1.0 } else { scale }
}
