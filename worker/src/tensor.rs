//! Tensors as jobs carry them, and the hash that commits to them.

pub use assay_exact::{
    digest::{DataType, Digest, Hash256, list_digest},
    tensor::{SizeError, Tensor},
};

/// BLAKE2b with a 32-byte output, the same as the runtime's host function.
#[derive(Clone, Copy, Debug)]
pub struct Blake2b256;

impl Hash256 for Blake2b256 {
    fn hash(bytes: &[u8]) -> Digest {
        let mut digest = [0; 32];
        digest.copy_from_slice(blake2b_simd::Params::new().hash_length(32).hash(bytes).as_bytes());
        digest
    }
}

/// The digest of a job's inputs or outputs: the list digest of their tensor digests.
pub fn tensors_digest(tensors: &[Tensor]) -> Digest {
    list_digest::<Blake2b256>(&tensors.iter().map(Tensor::digest::<Blake2b256>).collect::<Vec<_>>())
}
