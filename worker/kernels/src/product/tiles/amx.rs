//! The tiles of AMX, by inline assembly, since the compiler's intrinsics for them are not stable.

use super::{Second, SumTile, TILE_BYTES, TILE_LENGTH, TILE_ROWS, Tiles, multiply_in};
use crate::{product::Products, rows::Rows};
use std::{
    arch::{asm, x86_64::__cpuid_count},
    sync::OnceLock,
};

/// Registers that there are.
const REGISTERS: usize = 8;

/// The shapes of all registers, as the processor reads them.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_of_rows: [u16; 16],
    rows: [u8; 16],
}

/// Whole tiles in all registers.
static SHAPES: Shapes = whole_tiles();

const fn whole_tiles() -> Shapes {
    let mut shapes = Shapes {
        palette: 1,
        start_row: 0,
        reserved: [0; 14],
        bytes_of_rows: [0; 16],
        rows: [0; 16],
    };
    let mut register = 0;
    while register < REGISTERS {
        shapes.bytes_of_rows[register] = TILE_LENGTH as u16;
        shapes.rows[register] = TILE_ROWS as u8;
        register += 1;
    }
    shapes
}

/// Whether the processor has tiles of bytes, and the system lets this process use them. It is asked once.
pub(crate) fn has_tiles() -> bool {
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        const TILES: u32 = 1 << 24;
        const OF_BYTES: u32 = 1 << 25;
        // A processor without leaf 7 would answer with what its last one says, which has other meanings.
        __cpuid_count(0, 0).eax >= 7 && __cpuid_count(7, 0).edx & (TILES | OF_BYTES) == TILES | OF_BYTES && permitted()
    })
}

/// Asks the system for the registers' state, for all threads of the process. A system that does not know them, or the
/// request, refuses.
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: the call changes nothing but what the process may use.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") ARCH_PRCTL => result,
            in("rdi") REQUEST_PERMISSION,
            in("rsi") TILE_DATA,
            out("rcx") _,
            out("r11") _,
            options(nostack)
        );
    }
    result == 0
}

/// The registers of this thread, whose shapes are set until this is dropped.
struct Registers(());

impl Registers {
    /// # Safety
    ///
    /// [`has_tiles`] has said so.
    unsafe fn new() -> Self {
        // SAFETY: of the caller, and the shapes are such as the palette allows.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, preserves_flags)) }
        Self(())
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        // SAFETY: the registers are there, and nothing is read from them any more.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags)) }
    }
}

impl Tiles for Registers {
    #[inline(always)]
    fn zero<const TILE: usize>(&mut self) {
        // SAFETY: the register is there, and the compiler keeps nothing in it.
        unsafe { asm!("tilezero tmm{tile}", tile = const TILE, options(nomem, nostack, preserves_flags)) }
    }

    #[inline(always)]
    fn load<const TILE: usize>(&mut self, from: &[u8; TILE_BYTES]) {
        // SAFETY: as above; 16 rows of 64 bytes are read, one right after the other, and that many bytes are there.
        unsafe {
            asm!(
                "tileloadd tmm{tile}, [{from} + {stride}*1]",
                tile = const TILE,
                from = in(reg) from.as_ptr(),
                stride = in(reg) TILE_LENGTH,
                options(readonly, nostack, preserves_flags)
            );
        }
    }

    #[inline(always)]
    fn multiply<const SUMS: usize, const ROWS: usize, const COLUMNS: usize>(&mut self) {
        // SAFETY: the registers are there, and the compiler keeps nothing in them.
        unsafe {
            asm!(
                "tdpbsud tmm{sums}, tmm{rows}, tmm{columns}",
                sums = const SUMS,
                rows = const ROWS,
                columns = const COLUMNS,
                options(nomem, nostack, preserves_flags)
            );
        }
    }

    #[inline(always)]
    fn store<const TILE: usize>(&self, to: &mut SumTile) {
        // SAFETY: as above; 16 rows of 64 bytes are written, one right after the other, and there is place for them.
        unsafe {
            asm!(
                "tilestored [{to} + {stride}*1], tmm{tile}",
                tile = const TILE,
                to = in(reg) to.0.as_mut_ptr(),
                stride = in(reg) TILE_LENGTH,
                options(nostack, preserves_flags)
            );
        }
    }
}

/// Multiplies with tiles, and scales with vectors.
///
/// # Safety
///
/// [`has_tiles`] has said so, and the processor has the vector instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(crate) unsafe fn multiply(a: &Rows, b: &Second<'_>, products: Products<'_>) {
    // SAFETY: of the caller.
    let mut registers = unsafe { Registers::new() };
    multiply_in(&mut registers, a, b, products);
}
