//! Products in tiles: matrices in registers that one instruction multiplies.
//!
//! A tile has 16 rows of 64 bytes. Of the first operand it holds 64 elements of each of 16 rows; of the second, whose
//! strips are laid out for it already, 16 groups of four elements of 16 columns; and sums, 16 rows with 16 columns. One
//! instruction multiplies signed bytes with unsigned ones and adds 16,384 products, each modulo 2^32.
//!
//! The second operand is laid out plus 128, so a sum is too great by 128 times the sum of the row, which is known.
//! Integers of 16 bits are `128·high + low`, and their halves are multiplied as bytes: `K` is at most 16,384, so the
//! sums of each pair of halves fit 32 bits, and they are put together in 64.
//!
//! The first operand is copied tile by tile, with zeros in place of missing rows and elements; so is the end of a strip
//! that is no whole number of tiles. So all tiles are whole, and none is read beyond its operand.

#[cfg(target_os = "linux")]
mod amx;
#[cfg(test)]
mod emulated;

use super::Products;
use crate::{
    packed::STRIP,
    rows::{Kind, Rows, halves_of},
    vector::canonical,
};
use std::ops::Range;

#[cfg(target_os = "linux")]
pub(super) use amx::{has_tiles, multiply};
#[cfg(test)]
pub(super) use emulated::multiply as multiply_emulated;

/// Rows of a tile.
const TILE_ROWS: usize = 16;
/// Elements of a row, or of a column, in a tile.
const TILE_LENGTH: usize = 64;
/// Bytes of a tile.
const TILE_BYTES: usize = TILE_ROWS * TILE_LENGTH;
/// Up to this many rows, to read the second operand is what takes time, and vectors do it as well.
#[cfg(target_os = "linux")]
pub(super) const FEW_ROWS: usize = 4;

/// A tile in memory, of signed or unsigned bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile([u8; TILE_BYTES]);

/// A tile of sums in memory.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct SumTile([[i32; STRIP]; TILE_ROWS]);

const NO_BYTES: Tile = Tile([0; TILE_BYTES]);
const NO_SUMS: SumTile = SumTile([[0; STRIP]; TILE_ROWS]);

/// Eight registers that hold tiles. Registers are named when the program is compiled.
trait Tiles {
    /// Makes all of a register's elements zeros.
    fn zero<const TILE: usize>(&mut self);
    /// Reads bytes.
    fn load<const TILE: usize>(&mut self, from: &[u8; TILE_BYTES]);
    /// Adds to sums the products of rows of signed bytes with columns of unsigned ones, modulo 2^32.
    fn multiply<const SUMS: usize, const ROWS: usize, const COLUMNS: usize>(&mut self);
    /// Writes sums.
    fn store<const TILE: usize>(&self, to: &mut SumTile);
}

/// The second operand.
pub(super) struct Second<'a> {
    pub bytes: &'a [u8],
    /// Of Int16, the low halves plus 128.
    pub low_bytes: &'a [u8],
    pub scales: &'a [f32],
}

/// Rows of the first operand, tile by tile: all of the first 16 rows, then of the next ones.
struct Copied {
    tiles: Vec<Tile>,
    /// 128 times the sum of each row's bytes, for the rows of whole tiles.
    excess: Vec<i32>,
}

impl Copied {
    /// Copies rows. `copy` writes the bytes of this many elements that begin with this one of all rows.
    #[inline(always)]
    fn new(a: &Rows, range: &Range<usize>, copy: impl Fn(Range<usize>, &mut [u8])) -> Self {
        let depth = a.stride.div_ceil(TILE_LENGTH);
        let row_tiles = range.len().div_ceil(TILE_ROWS);
        let mut tiles = vec![NO_BYTES; row_tiles * depth];
        let mut excess = vec![0; row_tiles * TILE_ROWS];
        for (index, (row, excess)) in range.clone().zip(&mut excess).enumerate() {
            let tiles = &mut tiles[index / TILE_ROWS * depth..][..depth];
            let place = index % TILE_ROWS * TILE_LENGTH;
            let mut sum = 0;
            for (start, tile) in (0..a.stride).step_by(TILE_LENGTH).zip(tiles) {
                let end = a.stride.min(start + TILE_LENGTH);
                let bytes = &mut tile.0[place..][..end - start];
                copy(row * a.stride + start..row * a.stride + end, bytes);
                sum += bytes.iter().map(|byte| i32::from(byte.cast_signed())).sum::<i32>();
            }
            *excess = 128 * sum;
        }
        Self { tiles, excess }
    }

    /// Copies elements that are bytes.
    #[inline(always)]
    fn of_bytes(a: &Rows, range: &Range<usize>, bytes: &[i8]) -> Self {
        Self::new(a, range, |elements, to| {
            for (to, byte) in to.iter_mut().zip(&bytes[elements]) {
                *to = byte.cast_unsigned();
            }
        })
    }

    /// The bytes of the operand, or of its high halves.
    #[inline(always)]
    fn high(a: &Rows, range: &Range<usize>) -> Self {
        Self::of_bytes(a, range, &a.bytes)
    }

    /// The low halves of the operand's integers.
    #[inline(always)]
    fn low(a: &Rows, range: &Range<usize>) -> Self {
        if a.kind != Kind::Int16 {
            return Self::of_bytes(a, range, &a.low_bytes);
        }
        Self::new(a, range, |elements, to| {
            for (to, word) in to.iter_mut().zip(&a.words[elements]) {
                *to = halves_of(*word)[1].cast_unsigned();
            }
        })
    }
}

/// The bytes of one strip: whole tiles, and what comes after them with anything in place of what is missing.
struct StripTiles<'a> {
    whole: &'a [[u8; TILE_BYTES]],
    last: Option<Tile>,
}

impl<'a> StripTiles<'a> {
    #[inline(always)]
    fn new(bytes: &'a [u8]) -> Self {
        let (whole, rest) = bytes.as_chunks::<TILE_BYTES>();
        let last = (!rest.is_empty()).then(|| {
            let mut tile = NO_BYTES;
            tile.0[..rest.len()].copy_from_slice(rest);
            tile
        });
        Self { whole, last }
    }

    /// All tiles, the first elements' first.
    #[inline(always)]
    fn tiles(&self) -> impl Iterator<Item = &[u8; TILE_BYTES]> {
        self.whole.iter().chain(self.last.iter().map(|tile| &tile.0))
    }
}

/// Where the numbers of the products of 16 rows with one strip go.
struct Target<'a> {
    row_scales: &'a [f32],
    scales: [f32; STRIP],
    /// Summands, zeros if there are none.
    bias: [f32; STRIP],
    columns: usize,
    output: &'a mut [f32],
    output_stride: usize,
}

impl Target<'_> {
    /// Scales the exact sums of a row, each rounded once, adds the bias, and writes canonical numbers.
    #[inline(always)]
    fn finish(self, sums: impl Fn(usize) -> [f32; STRIP]) {
        let outputs = self.output.chunks_mut(self.output_stride);
        for (row, (output, row_scale)) in outputs.zip(self.row_scales).enumerate() {
            let mut numbers = sums(row);
            for ((number, scale), bias) in numbers.iter_mut().zip(&self.scales).zip(&self.bias) {
                // Adding a zero is what makes one zero of both, so none is as good as no bias.
                *number = canonical(*number * (row_scale * scale) + bias);
            }
            output[..self.columns].copy_from_slice(&numbers[..self.columns]);
        }
    }
}

/// Multiplies with the registers, which are ready.
#[inline(always)]
fn multiply_in(tiles: &mut impl Tiles, a: &Rows, b: &Second<'_>, products: Products<'_>) {
    let high = Copied::high(a, &products.rows);
    match a.kind {
        Kind::Int8 => int8(tiles, a, b, &high, products),
        Kind::Halves => halves(tiles, a, b, [&high, &Copied::low(a, &products.rows)], products),
        Kind::Int16 => int16(tiles, a, b, [&high, &Copied::low(a, &products.rows)], products),
    }
}

/// Tiles of 16 rows of the first operand, and where their products with one strip go.
#[inline(always)]
fn target<'t>(
    a: &'t Rows,
    b: &Second<'_>,
    products: &'t mut Products<'_>,
    row_tile: usize,
    column: usize,
) -> Target<'t> {
    let row = products.rows.start + row_tile * TILE_ROWS;
    let rows = (products.rows.end - row).min(TILE_ROWS);
    let columns = (products.columns.end - column).min(STRIP);
    let place = row_tile * TILE_ROWS * products.stride + column - products.columns.start;
    let mut target = Target {
        row_scales: &a.scales[row..row + rows],
        scales: [1.0; STRIP],
        bias: [0.0; STRIP],
        columns,
        output: &mut products.output[place..],
        output_stride: products.stride,
    };
    target.scales.copy_from_slice(&b.scales[column..column + STRIP]);
    if let Some(bias) = products.bias {
        target.bias[..columns].copy_from_slice(&bias[column..column + columns]);
    }
    target
}

/// The bytes of the strip that begins with this column.
fn strip_bytes(bytes: &[u8], column: usize, stride: usize) -> &[u8] {
    &bytes[column * stride..(column + STRIP) * stride]
}

/// Two strips and two times 16 rows at a time: four tiles of sums for two and two of bytes.
#[inline(always)]
fn int8(tiles: &mut impl Tiles, a: &Rows, b: &Second<'_>, rows: &Copied, mut products: Products<'_>) {
    let depth = a.stride.div_ceil(TILE_LENGTH);
    let row_tiles = products.rows.len().div_ceil(TILE_ROWS);
    for column in products.columns.clone().step_by(2 * STRIP) {
        let second = column + STRIP;
        let two_strips = second < products.columns.end;
        let first_strip = StripTiles::new(strip_bytes(b.bytes, column, a.stride));
        // Where there is no second one, the first is multiplied twice, and nothing is made of it.
        let second_column = if two_strips { second } else { column };
        let second_strip = StripTiles::new(strip_bytes(b.bytes, second_column, a.stride));
        for row_tile in (0..row_tiles).step_by(2) {
            let two_rows = row_tile + 1 < row_tiles;
            let next_tile = if two_rows { row_tile + 1 } else { row_tile };
            let upper = rows.tiles[row_tile * depth..].iter();
            let lower = rows.tiles[next_tile * depth..].iter();
            tiles.zero::<0>();
            tiles.zero::<1>();
            tiles.zero::<2>();
            tiles.zero::<3>();
            for ((left, right), (upper, lower)) in first_strip.tiles().zip(second_strip.tiles()).zip(upper.zip(lower)) {
                tiles.load::<6>(left);
                tiles.load::<7>(right);
                tiles.load::<4>(&upper.0);
                tiles.multiply::<0, 4, 6>();
                tiles.multiply::<1, 4, 7>();
                if two_rows {
                    tiles.load::<5>(&lower.0);
                    tiles.multiply::<2, 5, 6>();
                    tiles.multiply::<3, 5, 7>();
                }
            }
            let mut sums = [NO_SUMS; 4];
            tiles.store::<0>(&mut sums[0]);
            tiles.store::<1>(&mut sums[1]);
            tiles.store::<2>(&mut sums[2]);
            tiles.store::<3>(&mut sums[3]);
            for (index, sums) in sums.iter().enumerate() {
                let (lower, right) = (index / 2, index % 2);
                if (lower == 1 && !two_rows) || (right == 1 && !two_strips) {
                    continue;
                }
                let row_tile = row_tile + lower;
                let excess = &rows.excess[row_tile * TILE_ROWS..];
                target(a, b, &mut products, row_tile, column + right * STRIP)
                    .finish(|row| sums.0[row].map(|sum| sum.wrapping_sub(excess[row]) as f32));
            }
        }
    }
}

/// One strip and two times 16 rows at a time, the high halves of which make two tiles of sums, and the low ones two.
#[inline(always)]
fn halves(tiles: &mut impl Tiles, a: &Rows, b: &Second<'_>, [high, low]: [&Copied; 2], mut products: Products<'_>) {
    let depth = a.stride.div_ceil(TILE_LENGTH);
    let row_tiles = products.rows.len().div_ceil(TILE_ROWS);
    for column in products.columns.clone().step_by(STRIP) {
        let strip = StripTiles::new(strip_bytes(b.bytes, column, a.stride));
        for row_tile in (0..row_tiles).step_by(2) {
            let two_rows = row_tile + 1 < row_tiles;
            let next_tile = if two_rows { row_tile + 1 } else { row_tile };
            let upper = high.tiles[row_tile * depth..]
                .iter()
                .zip(&low.tiles[row_tile * depth..]);
            let lower = high.tiles[next_tile * depth..]
                .iter()
                .zip(&low.tiles[next_tile * depth..]);
            tiles.zero::<0>();
            tiles.zero::<1>();
            tiles.zero::<2>();
            tiles.zero::<3>();
            for (strip, (upper, lower)) in strip.tiles().zip(upper.zip(lower)) {
                tiles.load::<6>(strip);
                tiles.load::<4>(&upper.0.0);
                tiles.multiply::<0, 4, 6>();
                tiles.load::<5>(&upper.1.0);
                tiles.multiply::<1, 5, 6>();
                if two_rows {
                    tiles.load::<4>(&lower.0.0);
                    tiles.multiply::<2, 4, 6>();
                    tiles.load::<5>(&lower.1.0);
                    tiles.multiply::<3, 5, 6>();
                }
            }
            let mut sums = [NO_SUMS; 4];
            tiles.store::<0>(&mut sums[0]);
            tiles.store::<1>(&mut sums[1]);
            tiles.store::<2>(&mut sums[2]);
            tiles.store::<3>(&mut sums[3]);
            for (lower, sums) in sums
                .as_chunks::<2>()
                .0
                .iter()
                .enumerate()
                .take(1 + usize::from(two_rows))
            {
                let row_tile = row_tile + lower;
                let excess = [high, low].map(|copied| &copied.excess[row_tile * TILE_ROWS..]);
                target(a, b, &mut products, row_tile, column).finish(|row| {
                    let [high, low] =
                        [0, 1].map(|half| sums[half].0[row].map(|sum| sum.wrapping_sub(excess[half][row])));
                    std::array::from_fn(|column| (128 * i64::from(high[column]) + i64::from(low[column])) as f32)
                });
            }
        }
    }
}

/// One strip and 16 rows at a time: a tile of sums for high halves, one for high with low ones, and one for low ones.
#[inline(always)]
fn int16(tiles: &mut impl Tiles, a: &Rows, b: &Second<'_>, [high, low]: [&Copied; 2], mut products: Products<'_>) {
    let depth = a.stride.div_ceil(TILE_LENGTH);
    for column in products.columns.clone().step_by(STRIP) {
        let high_strip = StripTiles::new(strip_bytes(b.bytes, column, a.stride));
        let low_strip = StripTiles::new(strip_bytes(b.low_bytes, column, a.stride));
        for row_tile in 0..products.rows.len().div_ceil(TILE_ROWS) {
            let rows = high.tiles[row_tile * depth..]
                .iter()
                .zip(&low.tiles[row_tile * depth..]);
            tiles.zero::<0>();
            tiles.zero::<1>();
            tiles.zero::<2>();
            for ((high_strip, low_strip), (high, low)) in high_strip.tiles().zip(low_strip.tiles()).zip(rows) {
                tiles.load::<4>(&high.0);
                tiles.load::<5>(&low.0);
                tiles.load::<6>(high_strip);
                tiles.load::<7>(low_strip);
                tiles.multiply::<0, 4, 6>();
                tiles.multiply::<1, 4, 7>();
                tiles.multiply::<2, 5, 7>();
                tiles.multiply::<1, 5, 6>();
            }
            let mut sums = [NO_SUMS; 3];
            tiles.store::<0>(&mut sums[0]);
            tiles.store::<1>(&mut sums[1]);
            tiles.store::<2>(&mut sums[2]);
            let [high, low] = [high, low].map(|copied| &copied.excess[row_tile * TILE_ROWS..]);
            target(a, b, &mut products, row_tile, column).finish(|row| {
                let excess = [high[row], high[row].wrapping_add(low[row]), low[row]];
                let [upper, middle, lower] = [0, 1, 2]
                    .map(|index: usize| sums[index].0[row].map(|sum| i64::from(sum.wrapping_sub(excess[index]))));
                std::array::from_fn(|column| ((upper[column] << 14) + (middle[column] << 7) + lower[column]) as f32)
            });
        }
    }
}
