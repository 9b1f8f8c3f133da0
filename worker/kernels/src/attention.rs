//! Attention: scores, mask, softmax and weighted sum, with the scores never leaving the caches.
//!
//! ```text
//! s[i, t] = product(q[i], k[t]),  × scale,  masked
//! p[i]    = softmax(s[i]), zeros where all of it is masked
//! v[t, d] = quantise(v[t, d], sv[t]),  sv[t] the scale of the row v[t]
//! a[i, t] = p[i, t] × sv[t],  quantised as a row with the scale sa[i]
//! y[i, d] = f32(Σ_t a[i, t]·v[t, d]) × sa[i]
//! ```

use crate::{
    elementwise,
    instructions::Instructions,
    normalise::{exponentials, greatest_after, rows_at_once},
    packed::{Packed, STRIP},
    product::{Products, multiply, multiply_part},
    rows::{Kind, Matrix, Rows, Scaling},
    scratch::{Scratch, ThreadScratch},
    threads::Threads,
    vector::{INFINITY_BITS, MAGNITUDE_MASK},
};
use assay_exact::quantise::Precision;
use std::ops::Range;

/// Queries that are worked on at once.
const ROWS_AT_ONCE: usize = 48;
/// Fewer elements of keys and values than this are packed before another thread has begun.
const FEWEST_ELEMENTS_TO_SHARE: usize = 8 * 1024;

/// A matrix for each head of each batch entry, all of one size, at steady distances.
#[derive(Clone, Copy, Debug)]
pub struct Stack<'a, T> {
    /// All elements.
    pub data: &'a [T],
    /// Where the first matrix begins.
    pub offset: usize,
    /// From a batch entry to the next.
    pub batch_stride: usize,
    /// From a head to the next.
    pub head_stride: usize,
    /// From a row to the next.
    pub row_stride: usize,
    /// Rows of a matrix.
    pub rows: usize,
    /// Elements of a row, which are next to each other.
    pub length: usize,
}

impl<'a, T> Stack<'a, T> {
    fn start(&self, batch: usize, head: usize) -> usize {
        self.offset + batch * self.batch_stride + head * self.head_stride
    }

    fn row(&self, batch: usize, head: usize, row: usize) -> &'a [T] {
        &self.data[self.start(batch, head) + row * self.row_stride..][..self.length]
    }
}

impl<'a> Stack<'a, f32> {
    fn matrix(&self, batch: usize, head: usize) -> Matrix<'a> {
        Matrix::strided(
            &self.data[self.start(batch, head)..],
            self.rows,
            self.length,
            self.row_stride,
        )
    }
}

/// Mask of scores, `[M, T]` for each head.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// Numbers that are added.
    Add(Stack<'a, f32>),
    /// Where this is false, the score becomes −∞.
    Keep(Stack<'a, bool>),
}

/// Operands of an attention.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Entries of the batch.
    pub batch: usize,
    /// Heads of an entry.
    pub heads: usize,
    /// `[M, E]` for each head.
    pub query: Stack<'a, f32>,
    /// `[T, E]` for each head; heads that share theirs have the distance 0, or do so in groups.
    pub key: Stack<'a, f32>,
    /// `[T, D]` for each head.
    pub value: Stack<'a, f32>,
    /// Factor of every score.
    pub scale: Option<f32>,
    /// Mask of every score after that.
    pub mask: Option<Mask<'a>>,
    /// Of the scores' product.
    pub score_precision: Precision,
    /// Of the weighted sum.
    pub value_precision: Precision,
}

impl Attention<'_> {
    /// Number of keys, from the first on, that have to be looked at: after them come only some that no query of this
    /// head sees.
    ///
    /// Whatever their scores are, −∞ takes their place, and the weight 0. That times the scale of a value is 0, but for
    /// the scale of a value with a NaN or an infinity: then all are looked at.
    fn seen(&self, batch: usize, head: usize) -> usize {
        let keys = self.key.rows;
        let seen = self.seen_by(batch, head, 0..self.query.rows, keys);
        let finite = |row: usize| {
            let bits = self
                .value
                .row(batch, head, row)
                .iter()
                .map(|x| x.to_bits() & MAGNITUDE_MASK);
            bits.fold(0, u32::max) < INFINITY_BITS
        };
        if (seen..keys).all(finite) { seen } else { keys }
    }

    /// Number of first keys that have all keys which these queries see, at least one.
    fn seen_by(&self, batch: usize, head: usize, queries: Range<usize>, keys: usize) -> usize {
        let Some(Mask::Keep(mask)) = self.mask else {
            return keys;
        };
        let mut seen = 1;
        // The last query of a sequence sees the most.
        for row in queries.rev() {
            let keep = &mask.row(batch, head, row)[seen..keys];
            // Without an early end, so that many are looked at together.
            if keep.iter().fold(false, |any, keep| any | *keep) {
                seen += keep.iter().rposition(|keep| *keep).map_or(0, |last| last + 1);
            }
            if seen == keys {
                break;
            }
        }
        seen
    }

    /// The same of packed keys and for some queries, in whole strips. All are looked at if one after them has the scale
    /// NaN.
    fn seen_of(&self, packed: &PackedHead, [batch, head, start, end]: [usize; 4]) -> usize {
        let keys = packed.key.columns();
        let seen = self.seen_by(batch, head, start..end, keys);
        let seen = seen.next_multiple_of(STRIP).min(keys);
        let is_finite = packed.value_scales[seen..].iter().all(|scale| scale.is_finite());
        if is_finite { seen } else { keys }
    }
}

/// Keys and values of one head, ready to be multiplied.
pub(crate) struct PackedHead {
    key: Packed,
    value: Packed,
    value_scales: Vec<f32>,
}

impl PackedHead {
    fn new(instructions: Instructions) -> Self {
        let rows = Rows::new(instructions);
        Self {
            key: Packed::new(&rows),
            value: Packed::new(&rows),
            value_scales: Vec::new(),
        }
    }
}

/// Writes the result, `[batch, M, heads, D]` in row-major order, on all threads.
///
/// # Panics
///
/// If the operands do not fit each other or the output.
pub fn attend(
    threads: &Threads,
    instructions: Instructions,
    scratch: &Scratch,
    attention: &Attention<'_>,
    output: &mut [f32],
) {
    let Attention { query, key, value, .. } = *attention;
    let (batch, heads, rows, width) = (attention.batch, attention.heads, query.rows, value.length);
    assert!(
        query.length == key.length && key.rows == value.rows,
        "operands do not fit"
    );
    assert_eq!(output.len(), batch * rows * heads * width, "no place for the result");
    if output.is_empty() {
        return;
    }
    let mut whole = scratch.whole();
    if whole.heads.len() < batch * heads {
        whole.heads.resize_with(batch * heads, || PackedHead::new(instructions));
    }
    let packed = &mut whole.heads[..batch * heads];
    let worth = batch * heads * key.rows * (key.length + width) >= FEWEST_ELEMENTS_TO_SHARE;
    threads.share_if(worth, packed.iter_mut().enumerate(), |thread, (index, packed)| {
        let second = &mut scratch.of(thread).second;
        let (batch, head) = (index / heads, index % heads);
        let seen = attention.seen(batch, head);
        let (key, value) = (key.matrix(batch, head), value.matrix(batch, head));
        value.expect();
        let of_keys = Kind::of_second(attention.score_precision.right());
        second.quantise(key.part(0, seen), of_keys, Scaling::ByRow);
        packed.key.replace(second);
        let of_values = Kind::of_second(attention.value_precision.right());
        second.quantise(value.part(0, seen), of_values, Scaling::ByRow);
        packed.value.replace_transposed(second);
        packed.value_scales.clear();
        packed.value_scales.extend_from_slice(second.scales());
    });
    let packed = &whole.heads[..batch * heads];
    let at_once = rows.div_ceil((2 * threads.count()).div_ceil(batch)).min(ROWS_AT_ONCE);
    let outputs = output.chunks_mut(rows * heads * width).enumerate();
    let parts = outputs.flat_map(|(batch, output)| {
        let parts = output.chunks_mut(at_once * heads * width).enumerate();
        parts.map(move |(part, output)| (batch, part * at_once, output))
    });
    let worth = worth && (batch > 1 || rows > at_once);
    threads.share_if(worth, parts, |thread, (batch, start, output)| {
        let scratch = &mut *scratch.of(thread);
        for head in 0..heads {
            let packed = &packed[batch * heads + head];
            let end = start + output.len() / (heads * width);
            part_of_head(
                instructions,
                scratch,
                attention,
                packed,
                [batch, head, start, end],
                &mut output[head * width..],
            );
        }
    });
}

/// Scales and masks the scores of a query; returns the greatest.
fn masked(
    instructions: Instructions,
    attention: &Attention<'_>,
    [batch, head, row]: [usize; 3],
    scores: &mut [f32],
) -> f32 {
    let mut factor = attention.scale.unwrap_or(1.0);
    let added = match attention.mask {
        None => None,
        Some(Mask::Add(mask)) => Some(mask.row(batch, head, row)),
        Some(Mask::Keep(mask)) => {
            let keep = &mask.row(batch, head, row)[..scores.len()];
            // Without an early end, so that many are looked at together. Most sequences are seen as a whole.
            if !keep.iter().fold(true, |all, keep| all & *keep) {
                if let Some(scale) = attention.scale {
                    // The mask comes after the factor, and replaces what is NaN too.
                    elementwise::scale(instructions, scores, scale);
                    factor = 1.0;
                }
                for (score, keep) in scores.iter_mut().zip(keep) {
                    *score = if *keep { *score } else { f32::NEG_INFINITY };
                }
            }
            None
        }
    };
    greatest_after(instructions, scores, factor, added)
}

/// The result of some queries of one head.
fn part_of_head(
    instructions: Instructions,
    scratch: &mut ThreadScratch,
    attention: &Attention<'_>,
    packed: &PackedHead,
    [batch, head, start, end]: [usize; 4],
    output: &mut [f32],
) {
    let ThreadScratch {
        rows,
        numbers,
        next,
        totals,
        ..
    } = scratch;
    let (queries, keys) = (end - start, packed.key.columns());
    let seen = attention.seen_of(packed, [batch, head, start, end]);
    let query = attention.query.matrix(batch, head).part(start, end);
    numbers.set_length(queries * seen);
    let of_queries = Kind::of_first(attention.score_precision);
    rows.quantise(query, of_queries, Scaling::ByRow);
    let products = Products {
        rows: 0..queries,
        columns: 0..seen,
        bias: None,
        output: numbers,
        stride: seen,
    };
    multiply_part(rows, &packed.key, products);
    // The next head's queries are not looked for before they are needed.
    if head + 1 < attention.heads {
        attention.query.matrix(batch, head + 1).part(start, end).expect();
    }
    totals.resize(queries, 0.0);
    let at_once = rows_at_once(seen);
    let blocks = numbers.chunks_mut(at_once * seen).zip(totals.chunks_mut(at_once));
    for (block, (scores, totals)) in blocks.enumerate() {
        let rows = start + block * at_once..;
        for ((scores, greatest), row) in scores.chunks_exact_mut(seen).zip(&mut *totals).zip(rows) {
            *greatest = masked(instructions, attention, [batch, head, row], scores);
        }
        exponentials(instructions, scores, seen, totals);
    }
    if seen < keys {
        // The values are packed with all keys; the weights of those that nobody sees are zeros.
        next.set_length(queries * keys);
        for (weights, all) in numbers.chunks_exact(seen).zip(next.chunks_exact_mut(keys)) {
            let (first, others) = all.split_at_mut(seen);
            first.copy_from_slice(weights);
            others.fill(0.0);
        }
        std::mem::swap(numbers, next);
    }
    let weights = Scaling::Shares {
        totals,
        factors: &packed.value_scales,
    };
    let of_weights = Kind::of_first(attention.value_precision);
    rows.quantise(Matrix::new(numbers, keys), of_weights, weights);
    multiply(
        rows,
        &packed.value,
        None,
        output,
        attention.heads * attention.value.length,
    );
}
