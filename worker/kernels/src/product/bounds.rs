//! Bounds of sums of products of Int16, by the inequality of Cauchy and Schwarz: a sum is at most the product of the
//! norms of both operands, and the norms of segments are known.

use crate::rows::Rows;
use std::ops::Range;

/// A little less than `2^31`, for the rounding of bounds.
pub(super) const SAFE: f32 = 2.147e9;

/// The greatest norms of the rows of each tile of this many rows, for every segment.
pub(super) fn norms_of_tiles(a: &Rows, range: &Range<usize>, tile_rows: usize) -> Vec<f32> {
    let segments = a.segments();
    let tiles = range.clone().step_by(tile_rows);
    let mut norms = vec![0.0; tiles.len() * segments];
    for (row, norms) in tiles.zip(norms.chunks_exact_mut(segments.max(1))) {
        let end = range.end.min(row + tile_rows);
        greatest(&a.norms[row * segments..end * segments], norms);
    }
    norms
}

/// The greatest of each segment's norms.
pub(super) fn greatest(norms: &[f32], to: &mut [f32]) {
    to.fill(0.0);
    for row in norms.chunks(to.len().max(1)) {
        for (greatest, norm) in to.iter_mut().zip(row) {
            // No norm is NaN.
            *greatest = if *norm > *greatest { *norm } else { *greatest };
        }
    }
}

/// Number of these segments, one at the minimum, whose sums stay within 32 bits together.
pub(super) fn safe_together(bounds: &[f32]) -> usize {
    let mut bound = 0.0;
    let more = bounds.iter().take_while(|next| {
        bound += **next;
        bound < SAFE
    });
    more.count().max(1)
}
