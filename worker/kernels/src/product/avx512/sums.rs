//! The inner loops: sums of integer products, a tile at a time, in registers.

use super::Operands;
use crate::rows::GROUP;
use std::arch::x86_64::*;

/// The sums of the products of bytes, of whole rows, each added to a number of its row.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn int8_sums<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    first: [i32; ROWS],
) -> [[__m512i; STRIPS]; ROWS] {
    let mut sums = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    for (sums, first) in sums.iter_mut().zip(first) {
        *sums = [_mm512_set1_epi32(first); STRIPS];
    }
    let groups = operands.stride / GROUP;
    // SAFETY: the caller answers for all groups of these rows and strips, and the loop reads no others.
    unsafe {
        let rows = rows_of::<i32, ROWS>(operands.a_bytes.cast(), groups);
        let strips = rows_of::<__m512i, STRIPS>(operands.b_bytes.cast(), groups);
        for group in 0..groups {
            let mut b = [_mm512_setzero_si512(); STRIPS];
            for strip in 0..STRIPS {
                b[strip] = _mm512_loadu_si512(strips[strip].add(group));
            }
            for row in 0..ROWS {
                let a = _mm512_set1_epi32(rows[row].add(group).read_unaligned());
                for strip in 0..STRIPS {
                    sums[row][strip] = _mm512_dpbusd_epi32(sums[row][strip], b[strip], a);
                }
            }
        }
    }
    sums
}

/// The sums of the products of bytes with high halves and with low ones, of whole rows, each added to a number of its
/// row.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn halves_sums<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    first: [[i32; 2]; ROWS],
) -> [[[__m512i; STRIPS]; ROWS]; 2] {
    let mut high = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let mut low = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    for row in 0..ROWS {
        high[row] = [_mm512_set1_epi32(first[row][0]); STRIPS];
        low[row] = [_mm512_set1_epi32(first[row][1]); STRIPS];
    }
    let groups = operands.stride / GROUP;
    // SAFETY: the caller answers for all groups of these rows and strips, and the loop reads no others.
    unsafe {
        let high_rows = rows_of::<i32, ROWS>(operands.a_bytes.cast(), groups);
        let low_rows = rows_of::<i32, ROWS>(operands.a_low_bytes.cast(), groups);
        let strips = rows_of::<__m512i, STRIPS>(operands.b_bytes.cast(), groups);
        for group in 0..groups {
            let mut b = [_mm512_setzero_si512(); STRIPS];
            for strip in 0..STRIPS {
                b[strip] = _mm512_loadu_si512(strips[strip].add(group));
            }
            for row in 0..ROWS {
                let a = _mm512_set1_epi32(high_rows[row].add(group).read_unaligned());
                for strip in 0..STRIPS {
                    high[row][strip] = _mm512_dpbusd_epi32(high[row][strip], b[strip], a);
                }
                let a = _mm512_set1_epi32(low_rows[row].add(group).read_unaligned());
                for strip in 0..STRIPS {
                    low[row][strip] = _mm512_dpbusd_epi32(low[row][strip], b[strip], a);
                }
            }
        }
    }
    [high, low]
}

/// Where `COUNT` rows of `length` elements begin.
///
/// # Safety
///
/// There are as many rows after `first`.
#[inline]
unsafe fn rows_of<T, const COUNT: usize>(first: *const T, length: usize) -> [*const T; COUNT] {
    let mut rows = [first; COUNT];
    for (index, row) in rows.iter_mut().enumerate() {
        // SAFETY: of the caller.
        *row = unsafe { first.add(index * length) };
    }
    rows
}

/// For some pairs of elements, the sums of all products modulo 2^32.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips, and these pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn int16_sums_modulo<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    start: usize,
    end: usize,
) -> [[__m512i; STRIPS]; ROWS] {
    let mut sums = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let pairs = operands.stride / 2;
    // SAFETY: the caller answers for these pairs of these rows and strips, and the loop reads no others.
    unsafe {
        let rows = rows_of::<i32, ROWS>(operands.a_words.cast(), pairs);
        let strips = rows_of::<__m512i, STRIPS>(operands.b_words.cast(), pairs);
        for pair in start..end {
            let mut b = [_mm512_setzero_si512(); STRIPS];
            for strip in 0..STRIPS {
                b[strip] = _mm512_loadu_si512(strips[strip].add(pair));
            }
            for row in 0..ROWS {
                let a = _mm512_set1_epi32(rows[row].add(pair).read_unaligned());
                for strip in 0..STRIPS {
                    sums[row][strip] = multiply_pairs(sums[row][strip], b[strip], a);
                }
            }
        }
    }
    sums
}

/// `sum + b[0]·a[0] + b[1]·a[1]` modulo 2^32, for pairs of 16-bit integers.
///
/// Written out, since the compiler makes two instructions of the intrinsic.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn multiply_pairs(mut sum: __m512i, b: __m512i, a: __m512i) -> __m512i {
    // SAFETY: the instruction computes on registers alone.
    unsafe {
        std::arch::asm!(
            "vpdpwssd {sum}, {b}, {a}",
            sum = inout(zmm_reg) sum,
            b = in(zmm_reg) b,
            a = in(zmm_reg) a,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// For some groups of four elements, the sums modulo 2^32 of all products, and the sums of the products of high halves
/// with those of the second operand plus 128.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips, and these groups.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn int16_sums<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    start: usize,
    end: usize,
) -> [[[__m512i; STRIPS]; ROWS]; 2] {
    let mut low = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let mut high = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let groups = operands.stride / GROUP;
    // SAFETY: the caller answers for these groups of these rows and strips, and the loop reads no others.
    unsafe {
        let rows = rows_of::<[i32; 2], ROWS>(operands.a_words.cast(), groups);
        let high_rows = rows_of::<i32, ROWS>(operands.a_bytes.cast(), groups);
        let strips = rows_of::<[__m512i; 2], STRIPS>(operands.b_words.cast(), groups);
        let high_strips = rows_of::<__m512i, STRIPS>(operands.b_bytes.cast(), groups);
        for group in start..end {
            // One kind of products after the other, so that all sums stay in registers.
            for half in 0..2 {
                let mut b = [_mm512_setzero_si512(); STRIPS];
                for strip in 0..STRIPS {
                    b[strip] = _mm512_loadu_si512(strips[strip].add(group).cast::<__m512i>().add(half));
                }
                for row in 0..ROWS {
                    let a = rows[row].add(group).cast::<i32>().add(half).read_unaligned();
                    let a = _mm512_set1_epi32(a);
                    for strip in 0..STRIPS {
                        low[row][strip] = multiply_pairs(low[row][strip], b[strip], a);
                    }
                }
            }
            let mut b = [_mm512_setzero_si512(); STRIPS];
            for strip in 0..STRIPS {
                b[strip] = _mm512_loadu_si512(high_strips[strip].add(group));
            }
            for row in 0..ROWS {
                let a = _mm512_set1_epi32(high_rows[row].add(group).read_unaligned());
                for strip in 0..STRIPS {
                    high[row][strip] = _mm512_dpbusd_epi32(high[row][strip], b[strip], a);
                }
            }
        }
    }
    [low, high]
}

/// For some pairs of elements, the sums modulo 2^32 of all products, and the sums of the products with high halves of
/// the second operand.
///
/// # Safety
///
/// The operands have at least `ROWS` rows and `STRIPS` strips, and these pairs.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
pub(super) unsafe fn int16_sums_of_few_rows<const ROWS: usize, const STRIPS: usize>(
    operands: Operands,
    start: usize,
    end: usize,
) -> [[[__m512i; STRIPS]; ROWS]; 2] {
    let mut low = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let mut high = [[_mm512_setzero_si512(); STRIPS]; ROWS];
    let half = _mm512_set1_epi16(64);
    let pairs = operands.stride / 2;
    // SAFETY: the caller answers for these pairs of these rows and strips, and the loop reads no others.
    unsafe {
        let rows = rows_of::<i32, ROWS>(operands.a_words.cast(), pairs);
        let strips = rows_of::<__m512i, STRIPS>(operands.b_words.cast(), pairs);
        for pair in start..end {
            let mut b = [[_mm512_setzero_si512(); 2]; STRIPS];
            for strip in 0..STRIPS {
                b[strip][0] = _mm512_loadu_si512(strips[strip].add(pair));
                b[strip][1] = _mm512_srai_epi16::<7>(_mm512_add_epi16(b[strip][0], half));
            }
            for row in 0..ROWS {
                let a = _mm512_set1_epi32(rows[row].add(pair).read_unaligned());
                for strip in 0..STRIPS {
                    low[row][strip] = multiply_pairs(low[row][strip], b[strip][0], a);
                    high[row][strip] = multiply_pairs(high[row][strip], b[strip][1], a);
                }
            }
        }
    }
    [low, high]
}
