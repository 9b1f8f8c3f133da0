//! Products with strips that are laid out for AVX-512, which are laid out for AMX too.

#[cfg(any(target_os = "linux", test))]
use super::tiles;
use super::{Products, avx512};
use crate::{instructions::Set, packed::Strips, rows::Rows};

/// Multiplies with the instructions that the first operand was made for; the second one is made for the same.
pub(super) fn multiply(a: &Rows, strips: &Strips, scales: &[f32], products: Products<'_>) {
    let second = avx512::Second {
        bytes: &strips.bytes,
        words: &strips.words,
        norms: &strips.norms,
        scales,
    };
    match a.instructions.0 {
        #[cfg(target_os = "linux")]
        Set::Amx if products.rows.len() > tiles::FEW_ROWS => {
            let second = tiles::Second {
                bytes: &strips.bytes,
                low_bytes: &strips.low_bytes,
                scales,
            };
            // SAFETY: the set is made only where the processor and the system have said that there are these
            // instructions.
            unsafe { tiles::multiply(a, &second, products) }
        }
        // SAFETY: as above.
        Set::Amx | Set::Avx512 => unsafe { avx512::multiply(a, second, products) },
        #[cfg(test)]
        Set::EmulatedTiles => {
            let second = tiles::Second {
                bytes: &strips.bytes,
                low_bytes: &strips.low_bytes,
                scales,
            };
            tiles::multiply_emulated(a, &second, products);
        }
        // Their operands have other layouts.
        Set::Avx2 | Set::Portable => {}
    }
}

/// Whether there are tiles of bytes that this process may use.
pub(crate) fn has_tiles() -> bool {
    #[cfg(target_os = "linux")]
    return tiles::has_tiles();
    #[cfg(not(target_os = "linux"))]
    return false;
}
