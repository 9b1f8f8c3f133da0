//! Weights of small integers in groups, in the order that products read them.

use super::STRIP;
use crate::aligned::Aligned;
use assay_exact::quantise::{GroupedBits, WeightGroup};

/// Elements of a column that stand next to each other.
pub(crate) const QUAD: usize = 4;
/// Bytes of the multipliers and the offsets of a strip's groups.
pub(crate) const HEAD: usize = 4 * STRIP;

/// The tensors that such a weight is given by, in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct GivenGroups<'a> {
    /// Format of the small integers.
    pub bits: GroupedBits,
    /// Elements of a group.
    pub group: usize,
    /// The small integers: a byte for each, or for two.
    pub integers: &'a [u8],
    /// The word of each group, a [`WeightGroup`].
    pub words: &'a [i32],
    /// The scale of each row.
    pub scales: &'a [f32],
}

/// Columns of small integers in strips.
///
/// A strip is its groups, one after the other, so that a product reads it from its beginning to its end. A group begins
/// with the 16 multipliers and the 16 offsets, each of 16 bits. Then come the integers, four elements of a column at a
/// time. Integers of eight bits have 128 added. Of those of four bits, four elements of a column are the low halves of
/// its bytes, and the next four the high ones, each with 8 added. What a last strip lacks has zeros in place of its
/// multipliers and offsets.
#[derive(Clone, Debug)]
pub(crate) struct Grouped {
    pub bits: GroupedBits,
    /// Elements of a group.
    pub group: usize,
    /// Groups of a column.
    pub groups: usize,
    bytes: Aligned<u8>,
}

impl GivenGroups<'_> {
    /// Groups of a row, if all parts agree.
    pub(super) fn groups(&self) -> Option<usize> {
        let rows = self.scales.len();
        let groups = self.words.len().checked_div(rows)?;
        let elements = self.words.len() * self.group;
        let bytes = match self.bits {
            GroupedBits::Four => elements / 2,
            GroupedBits::Eight => elements,
        };
        let is_unit = self.group > 0 && self.group.is_multiple_of(assay_exact::quantise::GROUP_UNIT.into());
        (is_unit && groups > 0 && groups * rows == self.words.len() && bytes == self.integers.len()).then_some(groups)
    }
}

impl Grouped {
    /// Lays out a weight with this many groups in a row.
    pub(super) fn new(given: &GivenGroups<'_>, groups: usize) -> Self {
        let mut grouped = Self {
            bits: given.bits,
            group: given.group,
            groups,
            bytes: Aligned::default(),
        };
        let (rows, group_bytes) = (given.scales.len(), grouped.group_bytes());
        grouped.bytes.set_length(rows.div_ceil(STRIP) * groups * group_bytes);
        grouped.bytes.fill(0);
        let row_bytes = given.integers.len() / rows.max(1) / groups;
        for (index, to) in grouped.bytes.chunks_exact_mut(group_bytes).enumerate() {
            let (strip, group) = (index / groups, index % groups);
            let (head, integers) = to.split_at_mut(HEAD);
            for column in 0..STRIP.min(rows - strip * STRIP) {
                let from = (strip * STRIP + column) * groups + group;
                let WeightGroup { multiplier, offset } = WeightGroup::of_word(given.words[from]);
                for (place, number) in [(column, multiplier), (STRIP + column, offset)] {
                    head[2 * place..2 * place + 2].copy_from_slice(&number.to_le_bytes());
                }
                let from = &given.integers[from * row_bytes..][..row_bytes];
                match given.bits {
                    GroupedBits::Four => lay_out_halves(from, integers, column),
                    GroupedBits::Eight => lay_out_bytes(from, integers, column),
                }
            }
        }
        grouped
    }

    /// Bytes of a group of a strip.
    pub fn group_bytes(&self) -> usize {
        let elements = STRIP * self.group;
        HEAD + match self.bits {
            GroupedBits::Four => elements / 2,
            GroupedBits::Eight => elements,
        }
    }

    /// The groups of a strip.
    pub fn strip(&self, strip: usize) -> &[u8] {
        let bytes = self.groups * self.group_bytes();
        &self.bytes[strip * bytes..][..bytes]
    }
}

/// Four elements of a column are in this many bytes after those of another column.
fn place(quad: usize, column: usize) -> usize {
    (quad * STRIP + column) * QUAD
}

fn lay_out_bytes(from: &[u8], to: &mut [u8], column: usize) {
    for (quad, from) in from.chunks_exact(QUAD).enumerate() {
        for (to, byte) in to[place(quad, column)..].iter_mut().zip(from) {
            *to = byte ^ 0x80;
        }
    }
}

fn lay_out_halves(from: &[u8], to: &mut [u8], column: usize) {
    // Two bytes hold four elements; eight become four bytes.
    for (pair, from) in from.chunks_exact(QUAD).enumerate() {
        let halves = from.iter().flat_map(|byte| [byte & 15, byte >> 4]);
        let to = &mut to[place(pair, column)..][..QUAD];
        for (index, half) in halves.enumerate() {
            to[index % QUAD] |= half << (4 * (index / QUAD));
        }
    }
}
