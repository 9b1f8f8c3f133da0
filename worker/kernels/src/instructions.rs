//! Which instructions the kernels use: found out at run time, and carried as proof that the processor has them.

/// A set of instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(pub(crate) Set);

/// The sets that there are kernels for. [`Set::Avx512`] is only ever made after the processor was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// AVX-512 with F, BW, DQ, VL and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// What the compiler makes of plain code.
    Portable,
}

impl Instructions {
    /// The best set that there are kernels for.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
        {
            return Self(Set::Avx512);
        }
        Self::portable()
    }

    /// Plain code, which every processor executes.
    pub fn portable() -> Self {
        Self(Set::Portable)
    }

    /// The set's name, for people.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512 VNNI",
            Set::Portable => "portable code",
        }
    }
}

/// Calls a function that is generic over the kind of vector with the kind that the instructions give.
macro_rules! with_vectors {
    ($instructions:expr, $function:ident($($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)?) => {{
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
        fn avx512($($argument: $type),*) $(-> $output)? {
            $function::<$crate::avx512::F32x16>($($argument),*)
        }
        match $instructions.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the set is made only where the processor has said that it has these instructions.
            $crate::instructions::Set::Avx512 => unsafe { avx512($($argument),*) },
            $crate::instructions::Set::Portable => $function::<$crate::vector::Scalar>($($argument),*),
        }
    }};
}
pub(crate) use with_vectors;
