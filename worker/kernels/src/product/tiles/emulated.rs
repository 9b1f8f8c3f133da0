//! Tiles in plain code, so that what uses them is tested on every processor.

use super::{NO_BYTES, Second, SumTile, TILE_BYTES, TILE_LENGTH, TILE_ROWS, Tile, Tiles, multiply_in};
use crate::{
    packed::STRIP,
    product::Products,
    rows::{GROUP, Rows},
};

/// Registers of bytes.
struct Emulated([Tile; 8]);

impl Emulated {
    /// The sum in four bytes of a row.
    fn sum(&self, tile: usize, row: usize, column: usize) -> i32 {
        let at = row * TILE_LENGTH + column * GROUP;
        i32::from_le_bytes(std::array::from_fn(|byte| self.0[tile].0[at + byte]))
    }
}

impl Tiles for Emulated {
    fn zero<const TILE: usize>(&mut self) {
        self.0[TILE] = NO_BYTES;
    }

    fn load<const TILE: usize>(&mut self, from: &[u8; TILE_BYTES]) {
        self.0[TILE] = Tile(*from);
    }

    fn multiply<const SUMS: usize, const ROWS: usize, const COLUMNS: usize>(&mut self) {
        for row in 0..TILE_ROWS {
            for column in 0..STRIP {
                let mut sum = self.sum(SUMS, row, column);
                for k in 0..TILE_LENGTH {
                    let left = self.0[ROWS].0[row * TILE_LENGTH + k].cast_signed();
                    let right = self.0[COLUMNS].0[k / GROUP * TILE_LENGTH + column * GROUP + k % GROUP];
                    sum = sum.wrapping_add(i32::from(left) * i32::from(right));
                }
                self.0[SUMS].0[row * TILE_LENGTH + column * GROUP..][..GROUP].copy_from_slice(&sum.to_le_bytes());
            }
        }
    }

    fn store<const TILE: usize>(&self, to: &mut SumTile) {
        for (row, sums) in to.0.iter_mut().enumerate() {
            for (column, sum) in sums.iter_mut().enumerate() {
                *sum = self.sum(TILE, row, column);
            }
        }
    }
}

/// Computation of the tiles of AMX.
pub(crate) fn multiply(a: &Rows, b: &Second<'_>, products: Products<'_>) {
    // What registers hold before they are zeroed shows in no result.
    let mut tiles = Emulated([Tile([0x5a; TILE_BYTES]); 8]);
    multiply_in(&mut tiles, a, b, products);
}
