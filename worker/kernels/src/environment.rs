//! Whether this thread's floating-point unit does what every kernel takes for granted: it rounds to the nearest number,
//! and keeps subnormal ones.
//!
//! The unit's control register (MXCSR on x86-64, FPCR on ARM) belongs to the thread, and any library in the process may
//! change it. It is not read but tried, so the same holds for every processor.

use std::hint::black_box;

/// Tries the unit; says what it does otherwise. Takes some nanoseconds.
pub fn check() -> Result<(), &'static str> {
    let times = |a: f32, b: f32| (black_box(a) * black_box(b)).to_bits();
    let plus = |a: f32, b: f32| (black_box(a) + black_box(b)).to_bits();
    if times(f32::MIN_POSITIVE, 0.5) != 0x0040_0000 {
        return Err("subnormal results are flushed to zero (FTZ)");
    }
    // The smallest number and 2^23.
    if times(f32::from_bits(1), 8_388_608.0) != f32::MIN_POSITIVE.to_bits() {
        return Err("subnormal operands are taken for zero (DAZ)");
    }
    // Half of the last bit is a tie, which goes to the even number; a little more goes on.
    let half = f32::EPSILON / 2.0;
    for sign in [1.0, -1.0] {
        let (one, next) = (sign, sign * (1.0 + f32::EPSILON));
        if plus(one, sign * half) != one.to_bits() || plus(one, sign * half * 1.5) != next.to_bits() {
            return Err("it does not round to the nearest number");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use std::arch::asm;

    #[test]
    fn environment_of_a_thread_is_the_one_that_is_taken_for_granted() {
        assert_eq!(check(), Ok(()));
    }

    /// Sets bits of the control register while something is tried.
    #[cfg(target_arch = "x86_64")]
    fn with(bits: u32) -> Result<(), &'static str> {
        let mut before = 0u32;
        // SAFETY: the instructions read and write the register and four bytes of the stack. The compiler takes the
        // register for unchanged; it is as before when this returns, and the compiler does not know what the check
        // computes meanwhile.
        unsafe {
            asm!("stmxcsr [{}]", in(reg) &mut before, options(nostack));
            let changed = before | bits;
            asm!("ldmxcsr [{}]", in(reg) &changed, options(nostack));
        }
        let checked = check();
        // SAFETY: as above.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &before, options(nostack)) };
        checked
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn changed_environment_is_named() {
        assert!(with(1 << 15).is_err_and(|reason| reason.contains("FTZ")));
        assert!(with(1 << 6).is_err_and(|reason| reason.contains("DAZ")));
        for rounding in 1..4 {
            assert!(
                with(rounding << 13).is_err_and(|reason| reason.contains("nearest")),
                "{rounding}"
            );
        }
        assert_eq!(check(), Ok(()));
    }
}
