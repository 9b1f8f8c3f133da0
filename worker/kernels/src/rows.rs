//! Rows of numbers as integers with one scale each, as [`assay_exact::quantise`] defines them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(all(test, target_arch = "x86_64"))]
mod emulated;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::prefetch;

use crate::{
    aligned::Aligned,
    instructions::{Instructions, Set},
    packed::Packed,
};
use assay_exact::quantise::{Bits, Precision};

/// Elements that are multiplied by one instruction and lane; rows are padded with zeros to a multiple of it.
pub(crate) const GROUP: usize = 4;
/// Products of 16-bit integers are summed in blocks of this many: the greatest number of which what the high halves
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

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of elements of a row.
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

/// Purpose of rows of integers: their fineness, and the operands that they are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of 8 bits, for products with such ones, and as the second operand of those of [`Kind::Halves`].
    Int8,
    /// Of 16 bits, for products with such ones.
    Int16,
    /// Of 16 bits, for products with those of 8 bits, as the first operand: their halves are kept apart.
    Halves,
}

impl Kind {
    /// Purpose of the first operand of a product.
    pub fn of_first(precision: Precision) -> Self {
        match precision {
            Precision::Int8 => Self::Int8,
            Precision::Int16 => Self::Int16,
            Precision::Int16Int8 => Self::Halves,
        }
    }

    /// Purpose of the second operand of a product.
    pub fn of_second(bits: Bits) -> Self {
        match bits {
            Bits::Int8 => Self::Int8,
            Bits::Int16 => Self::Int16,
        }
    }

    /// Purpose of rows of this many bits which are multiplied with integers of 8 bits.
    pub fn of_rows_by_bytes(bits: Bits) -> Self {
        match bits {
            Bits::Int8 => Self::Int8,
            Bits::Int16 => Self::Halves,
        }
    }

    /// Purpose of the second operand of products with rows of this kind.
    pub(crate) fn second(self) -> Self {
        match self {
            Self::Int8 | Self::Halves => Self::Int8,
            Self::Int16 => Self::Int16,
        }
    }

    /// The greatest integer that a row is quantised to.
    pub(crate) fn greatest(self) -> i32 {
        match self {
            Self::Int8 => Bits::Int8.greatest(),
            Self::Int16 | Self::Halves => Bits::Int16.greatest(),
        }
    }
}

/// Function that gives a row's elements their integers.
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
    pub(crate) kind: Kind,
    pub(crate) count: usize,
    pub(crate) length: usize,
    /// Integers of a row with its padding.
    pub(crate) stride: usize,
    /// The integers of Int8; of the others the high halves `(q + 64) >> 7`. Not where words are all.
    pub(crate) bytes: Aligned<i8>,
    /// Of Halves, what `128` times the high halves leave. Not where words are all.
    pub(crate) low_bytes: Aligned<i8>,
    /// The integers of Int16, and in portable code and for AVX2 of all.
    pub(crate) words: Aligned<i16>,
    /// The rows' scales.
    pub(crate) scales: Vec<f32>,
    /// The sum of each row's `bytes`, for Int16 in blocks of [`BLOCK`], for Halves with that of the `low_bytes` after
    /// it. Not where words are all.
    pub(crate) sums: Vec<i32>,
    /// For Int16, not less than the Euclidean norm of each [`SEGMENT`] of each row. Not in portable code.
    pub(crate) norms: Vec<f32>,
    /// Elements of a group whose sum is kept, 0 where none is.
    pub(crate) group: usize,
    /// The sums of the integers of each group of each row.
    pub(crate) group_sums: Vec<i32>,
    /// The same in binary64.
    pub(crate) wide_group_sums: Vec<f64>,
    /// A row that is scaled before it is quantised.
    scaled: Aligned<f32>,
}

impl Rows {
    /// No rows yet.
    pub fn new(instructions: Instructions) -> Self {
        Self {
            instructions,
            kind: Kind::Int8,
            count: 0,
            length: 0,
            stride: 0,
            bytes: Aligned::default(),
            low_bytes: Aligned::default(),
            words: Aligned::default(),
            scales: Vec::new(),
            sums: Vec::new(),
            norms: Vec::new(),
            group: 0,
            group_sums: Vec::new(),
            wide_group_sums: Vec::new(),
            scaled: Aligned::default(),
        }
    }

    /// Replaces the rows by these ones.
    ///
    /// # Panics
    ///
    /// If there are not as many numbers to scale by as a row has elements, or a row is longer than a contraction's.
    pub fn quantise(&mut self, from: Matrix<'_>, kind: Kind, scaling: Scaling<'_>) {
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
        self.become_of(kind, from.rows, from.length);
        match self.instructions.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx | Set::Avx512 => {
                // SAFETY: the sets are made only where the processor has said that it has these instructions.
                unsafe { avx512::quantise(self, from, scaling) }
            }
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => {
                // SAFETY: as above.
                unsafe { avx2::quantise(self, from, scaling) }
            }
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::EmulatedTiles => emulated::quantise(self, from, scaling),
            Set::Portable => portable::quantise(self, from, scaling),
        }
    }

    /// Replaces the rows by these ones, each with its own scale, as the first operand of products with a weight.
    ///
    /// # Panics
    ///
    /// If a row is longer than a contraction's.
    pub fn quantise_for(&mut self, weight: &Packed, from: Matrix<'_>, kind: Kind) {
        self.quantise(from, kind, Scaling::ByRow);
        if let Some(group) = weight.group().filter(|group| self.length.is_multiple_of(*group)) {
            self.sum_groups(group);
        }
    }

    /// Keeps the sums of groups of this many elements; rows are whole groups.
    fn sum_groups(&mut self, group: usize) {
        self.group = group;
        self.group_sums.clear();
        if self.words.is_empty() {
            let sum = |bytes: &[i8]| bytes.iter().map(|byte| i32::from(*byte)).sum::<i32>();
            self.group_sums.extend(self.bytes.chunks_exact(group).map(sum));
            for (total, low) in self.group_sums.iter_mut().zip(self.low_bytes.chunks_exact(group)) {
                *total = 128 * *total + sum(low);
            }
        } else {
            let sum = |words: &[i16]| words.iter().map(|word| i32::from(*word)).sum::<i32>();
            self.group_sums.extend(self.words.chunks_exact(group).map(sum));
        }
        self.wide_group_sums.clear();
        self.wide_group_sums
            .extend(self.group_sums.iter().copied().map(f64::from));
    }

    /// Replaces the rows by given integers of `length` to a row, with a scale for each row, as a second operand.
    ///
    /// # Panics
    ///
    /// If the integers are not whole rows, there are not as many scales, or a row is longer than a contraction's.
    pub fn take_integers(&mut self, integers: &[i8], length: usize, scales: &[f32]) {
        assert!(
            length > 0 && integers.len() == length * scales.len(),
            "integers are not whole rows"
        );
        assert!(
            length <= assay_exact::quantise::MAX_CONTRACTION_LENGTH as usize,
            "a row is longer than a contraction sums"
        );
        self.become_of(Kind::Int8, scales.len(), length);
        self.scales.copy_from_slice(scales);
        let stride = self.stride;
        for (index, row) in integers.chunks_exact(length).enumerate() {
            if self.words.is_empty() {
                let (bytes, padding) = self.bytes[index * stride..][..stride].split_at_mut(length);
                bytes.copy_from_slice(row);
                padding.fill(0);
                self.sums[index] = row.iter().map(|q| i32::from(*q)).sum();
            } else {
                let (words, padding) = self.words[index * stride..][..stride].split_at_mut(length);
                for (word, q) in words.iter_mut().zip(row) {
                    *word = i16::from(*q);
                }
                padding.fill(0);
            }
        }
    }

    /// Makes place for this many rows.
    fn become_of(&mut self, kind: Kind, count: usize, length: usize) {
        (self.kind, self.count, self.length) = (kind, count, length);
        self.group = 0;
        self.stride = length.next_multiple_of(GROUP);
        self.scales.resize(count, 0.0);
        let integers = count * self.stride;
        let in_bytes = match self.instructions.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx | Set::Avx512 => true,
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::EmulatedTiles => true,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => false,
            Set::Portable => false,
        };
        if self.instructions != Instructions::portable() {
            self.norms.resize(count * self.segments(), 0.0);
        }
        if !in_bytes {
            self.words.set_length(integers);
            return;
        }
        self.words.set_length(if kind == Kind::Int16 { integers } else { 0 });
        self.bytes.set_length(integers);
        self.low_bytes
            .set_length(if kind == Kind::Halves { integers } else { 0 });
        self.sums.resize(count * self.blocks(), 0);
    }

    /// Number of rows.
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
        range.map(|at| {
            if let Some(word) = self.words.get(at) {
                return *word;
            }
            let byte = i16::from(self.bytes[at]);
            self.low_bytes.get(at).map_or(byte, |low| 128 * byte + i16::from(*low))
        })
    }

    /// The columns as rows, with the scale 1, where words are all.
    pub(crate) fn transposed(&self) -> Self {
        let mut columns = Self::new(self.instructions);
        columns.kind = self.kind;
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
        match self.kind {
            Kind::Int8 | Kind::Halves => 0,
            Kind::Int16 => self.stride.div_ceil(SEGMENT),
        }
    }

    /// Sums of a row's bytes that are kept.
    pub(crate) fn blocks(&self) -> usize {
        match self.kind {
            Kind::Int8 => 1,
            Kind::Halves => 2,
            Kind::Int16 => self.stride.div_ceil(BLOCK),
        }
    }
}

/// The high and the low half of an integer of Int16: `q = 128·high + low`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn halves_of(q: i16) -> [i8; 2] {
    // No integer is above 16319 in magnitude.
    let high = (q + 64) >> 7;
    [high as i8, (q - 128 * high) as i8]
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
