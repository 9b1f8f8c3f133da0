//! Which instructions the kernels use: found out at run time, and carried as proof that the processor has them.

/// A set of instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instructions(pub(crate) Set);

/// The sets that there are kernels for. Those of vectors and tiles are only ever made after the processor was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    /// Tiles of AMX for products, with permission of the system, and [`Set::Avx512`] for the rest.
    #[cfg(target_arch = "x86_64")]
    Amx,
    /// AVX-512 with F, BW, DQ, VL and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The products of [`Set::Amx`] with its instructions emulated, and plain code for the rest.
    #[cfg(all(test, target_arch = "x86_64"))]
    EmulatedTiles,
    /// Width of the code that the compiler makes of plain code.
    Portable,
}

impl Instructions {
    /// The best set that there are kernels for.
    pub fn detect() -> Self {
        Self::available().first().copied().unwrap_or(Self::portable())
    }

    /// All sets that there are kernels for and that this processor has, the best first and plain code last.
    pub fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            if avx512 && crate::product::has_tiles() {
                available.push(Self(Set::Amx));
            }
            if avx512 {
                available.push(Self(Set::Avx512));
            }
            if is_x86_feature_detected!("avx2") {
                available.push(Self(Set::Avx2));
            }
        }
        available.push(Self::portable());
        available
    }

    /// Plain code, which every processor executes.
    pub fn portable() -> Self {
        Self(Set::Portable)
    }

    /// The set's name, for people.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Amx => "AMX",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "AVX-512 VNNI",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "AVX2",
            #[cfg(all(test, target_arch = "x86_64"))]
            Set::EmulatedTiles => "emulated tiles",
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
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn avx2($($argument: $type),*) $(-> $output)? {
            $function::<$crate::avx2::F32x8>($($argument),*)
        }
        match $instructions.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the sets are made only where the processor has said that it has these instructions.
            $crate::instructions::Set::Amx | $crate::instructions::Set::Avx512 => unsafe { avx512($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            $crate::instructions::Set::Avx2 => unsafe { avx2($($argument),*) },
            #[cfg(all(test, target_arch = "x86_64"))]
            $crate::instructions::Set::EmulatedTiles => $function::<$crate::vector::Scalar>($($argument),*),
            $crate::instructions::Set::Portable => $function::<$crate::vector::Scalar>($($argument),*),
        }
    }};
}
pub(crate) use with_vectors;
