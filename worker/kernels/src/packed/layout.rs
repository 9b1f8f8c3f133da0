//! Orders of integers.

use super::{Layout, STRIP, Strips};
use crate::{
    instructions::Set,
    rows::{GROUP, Kind, ROUNDING, Rows, SEGMENT, halves_of},
};

/// Elements of a pair.
const PAIR: usize = 2;
/// A byte plus 128, as it is laid out.
fn offset(q: i8) -> u8 {
    q.cast_unsigned() ^ 0x80
}

/// The low half of an integer of Int16, plus 128.
fn low_half(q: i16) -> u8 {
    offset(halves_of(q)[1])
}

/// Whether the rows' low halves are multiplied by themselves.
fn in_tiles(rows: &Rows) -> bool {
    match rows.instructions.0 {
        Set::Amx => rows.kind == Kind::Int16,
        #[cfg(test)]
        Set::EmulatedTiles => rows.kind == Kind::Int16,
        Set::Avx512 | Set::Avx2 | Set::Portable => false,
    }
}

/// The memory of a previous layout.
fn memory(previous: Layout) -> Strips {
    match previous {
        Layout::Strips(strips) => strips,
        Layout::Rows(_) | Layout::Grouped(_) | Layout::Pairs { .. } => Strips::default(),
    }
}

/// The rows in strips of pairs.
pub(super) fn pairs(previous: Layout, rows: &Rows) -> Layout {
    let size = rows.count.next_multiple_of(STRIP) * rows.stride;
    pairs_with(previous, rows, size, |bytes, words, norms| {
        pack::<PAIR, i16, i8>(&rows.words, rows, bytes, 0, |q| q as i8);
        pack::<PAIR, i16, i16>(&rows.words, rows, words, 0, |q| q);
        greatest_norms(rows, norms);
    })
}

/// The rows' columns in strips of pairs.
pub(super) fn pairs_of_columns(previous: Layout, rows: &Rows) -> Layout {
    let stride = rows.count.next_multiple_of(GROUP);
    let size = rows.length.next_multiple_of(STRIP) * stride;
    pairs_with(previous, rows, size, |bytes, words, norms| {
        bytes.fill(0);
        words.fill(0);
        if rows.kind == Kind::Int16 {
            interleave::<PAIR, i16, i16>(&rows.words, rows, words, stride, |q| q);
            greatest_norms_of_columns(rows, norms);
        } else {
            interleave::<PAIR, i16, i8>(&rows.words, rows, bytes, stride, |q| q as i8);
        }
    })
}

/// This many integers, as bytes or as words, in the memory of a previous layout.
fn pairs_with(
    previous: Layout,
    rows: &Rows,
    size: usize,
    lay_out: impl FnOnce(&mut [i8], &mut [i16], &mut Vec<f32>),
) -> Layout {
    let (mut bytes, mut words, mut norms) = match previous {
        Layout::Pairs { bytes, words, norms } => (bytes, words, norms),
        Layout::Rows(_) | Layout::Grouped(_) | Layout::Strips(_) => Default::default(),
    };
    let is_words = rows.kind == Kind::Int16;
    bytes.set_length(if is_words { 0 } else { size });
    words.set_length(if is_words { size } else { 0 });
    norms.clear();
    lay_out(&mut bytes, &mut words, &mut norms);
    Layout::Pairs { bytes, words, norms }
}

/// The rows in strips of groups.
pub(super) fn strips(previous: Layout, rows: &Rows) -> Layout {
    let mut strips = memory(previous);
    let size = rows.count.next_multiple_of(STRIP) * rows.stride;
    strips.set_lengths(rows, size);
    pack::<GROUP, i8, u8>(&rows.bytes, rows, &mut strips.bytes, offset(0), offset);
    pack::<GROUP, i16, u8>(&rows.words, rows, &mut strips.low_bytes, offset(0), low_half);
    pack::<PAIR, i16, i16>(&rows.words, rows, &mut strips.words, 0, |q| q);
    greatest_norms(rows, &mut strips.norms);
    Layout::Strips(strips)
}

/// The rows' columns in strips of groups.
pub(super) fn strips_of_columns(previous: Layout, rows: &Rows) -> Layout {
    let mut strips = memory(previous);
    let stride = rows.count.next_multiple_of(GROUP);
    let size = rows.length.next_multiple_of(STRIP) * stride;
    strips.set_lengths(rows, size);
    strips.bytes.fill(offset(0));
    strips.low_bytes.fill(offset(0));
    strips.words.fill(0);
    interleave::<GROUP, i8, u8>(&rows.bytes, rows, &mut strips.bytes, stride, offset);
    if rows.kind == Kind::Int16 {
        interleave::<PAIR, i16, i16>(&rows.words, rows, &mut strips.words, stride, |q| q);
        greatest_norms_of_columns(rows, &mut strips.norms);
    }
    if in_tiles(rows) {
        interleave::<GROUP, i16, u8>(&rows.words, rows, &mut strips.low_bytes, stride, low_half);
    }
    Layout::Strips(strips)
}

impl Strips {
    /// Makes place for this many integers.
    fn set_lengths(&mut self, rows: &Rows, size: usize) {
        self.bytes.set_length(size);
        self.low_bytes.set_length(if in_tiles(rows) { size } else { 0 });
        self.words.set_length(if rows.kind == Kind::Int16 { size } else { 0 });
        self.norms.clear();
    }
}

/// Lays out rows of elements in strips, `N` elements of each row at a time, with `missing` in place of missing rows.
fn pack<const N: usize, T: Copy, U: Copy>(from: &[T], rows: &Rows, to: &mut [U], missing: U, f: impl Fn(T) -> U) {
    for (strip, to) in to.chunks_exact_mut((STRIP * rows.stride).max(1)).enumerate() {
        let (to, _) = to.as_chunks_mut::<N>();
        for lane in 0..STRIP {
            let row = strip * STRIP + lane;
            let places = to.iter_mut().skip(lane).step_by(STRIP);
            if row < rows.count {
                let (from, _) = from[row * rows.stride..][..rows.stride].as_chunks::<N>();
                for (from, to) in from.iter().zip(places) {
                    *to = from.map(&f);
                }
            } else {
                places.for_each(|to| *to = [missing; N]);
            }
        }
    }
}

/// Lays out the columns of rows in strips: element `column` of row `r` as element `r % N` of a group of `N`.
fn interleave<const N: usize, T: Copy, U: Copy>(
    from: &[T],
    rows: &Rows,
    to: &mut [U],
    stride: usize,
    f: impl Fn(T) -> U,
) {
    let (to, _) = to.as_chunks_mut::<N>();
    let groups = stride / N;
    for (r, row) in from.chunks_exact(rows.stride.max(1)).enumerate() {
        for (strip, columns) in row[..rows.length].chunks(STRIP).enumerate() {
            let places = &mut to[(strip * groups + r / N) * STRIP..];
            for (place, q) in places.iter_mut().zip(columns) {
                place[r % N] = f(*q);
            }
        }
    }
}

/// For each strip of columns and each segment of rows, not less than the greatest norm of the columns.
fn greatest_norms_of_columns(rows: &Rows, to: &mut Vec<f32>) {
    let segments = rows.count.next_multiple_of(GROUP).div_ceil(SEGMENT);
    let strips = rows.length.div_ceil(STRIP);
    to.resize(strips * segments, 0.0);
    for (segment, from) in rows.words.chunks(rows.stride * SEGMENT).enumerate() {
        for strip in 0..strips {
            let start = strip * STRIP;
            let mut squares = [0.0f32; STRIP];
            for row in from.chunks_exact(rows.stride) {
                for (sum, q) in squares.iter_mut().zip(&row[start..rows.length.min(start + STRIP)]) {
                    *sum += f32::from(*q) * f32::from(*q);
                }
            }
            let greatest = squares.into_iter().fold(0.0, f32::max);
            to[strip * segments + segment] = greatest.sqrt() * ROUNDING;
        }
    }
}

/// For each strip and segment, the greatest norm of the strip's rows.
fn greatest_norms(rows: &Rows, to: &mut Vec<f32>) {
    let segments = rows.segments();
    for strip in rows.norms.chunks((STRIP * segments).max(1)) {
        let start = to.len();
        to.resize(start + segments, 0.0);
        for row in strip.chunks(segments) {
            for (greatest, norm) in to[start..].iter_mut().zip(row) {
                *greatest = if *norm > *greatest { *norm } else { *greatest };
            }
        }
    }
}
