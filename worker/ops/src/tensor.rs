//! Tensors as jobs carry them, and the hash that commits to them.

pub use assay_exact::{
    digest::{DataType, Digest, Hash256, list_digest},
    quantise::Precision,
    tensor::{SizeError, Tensor},
};

use assay_exact::digest::DOMAIN_BYTES;
use blake2b_simd::{
    Params,
    many::{HashManyJob, hash_many},
};

/// Pieces that are hashed at a time: a few times what a processor's vectors take.
const AT_ONCE: usize = 16;

/// BLAKE2b with a 32-byte output, the same as the runtime's host function.
#[derive(Clone, Copy, Debug)]
pub struct Blake2b256;

impl Hash256 for Blake2b256 {
    fn hash(bytes: &[u8]) -> Digest {
        let mut digest = [0; 32];
        digest.copy_from_slice(parameters().hash(bytes).as_bytes());
        digest
    }

    fn hash_pieces(domain: &[u8; DOMAIN_BYTES], bytes: &[u8], size: usize) -> Vec<Digest> {
        let parameters = parameters();
        let mut digests = vec![[0; 32]; bytes.len().div_ceil(size)];
        let mut staged = vec![0; AT_ONCE * (DOMAIN_BYTES + size)];
        for place in staged.chunks_mut(DOMAIN_BYTES + size) {
            place[..DOMAIN_BYTES].copy_from_slice(domain);
        }
        for (pieces, digests) in bytes.chunks(AT_ONCE * size).zip(digests.chunks_mut(AT_ONCE)) {
            for (piece, place) in pieces.chunks(size).zip(staged.chunks_mut(DOMAIN_BYTES + size)) {
                place[DOMAIN_BYTES..][..piece.len()].copy_from_slice(piece);
            }
            let places = pieces.chunks(size).zip(staged.chunks(DOMAIN_BYTES + size));
            let inputs = places.map(|(piece, place)| &place[..DOMAIN_BYTES + piece.len()]);
            let mut jobs: Vec<HashManyJob<'_>> = inputs.map(|input| HashManyJob::new(&parameters, input)).collect();
            hash_many(&mut jobs);
            for (job, digest) in jobs.iter().zip(digests) {
                digest.copy_from_slice(job.to_hash().as_bytes());
            }
        }
        digests
    }
}

fn parameters() -> Params {
    let mut parameters = Params::new();
    parameters.hash_length(32);
    parameters
}

/// The digest of a job's inputs or outputs: the list digest of their tensor digests.
pub fn tensors_digest(tensors: &[Tensor]) -> Digest {
    list_digest::<Blake2b256>(&tensors.iter().map(Tensor::digest::<Blake2b256>).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trait's own way: one after the other.
    struct OneByOne;

    impl Hash256 for OneByOne {
        fn hash(bytes: &[u8]) -> Digest {
            Blake2b256::hash(bytes)
        }
    }

    #[test]
    fn hashing_several_pieces_at_a_time_gives_what_hashing_each_gives() {
        let bytes: Vec<u8> = (0..70_000u32).map(|i| (i * 31 % 251) as u8).collect();
        for length in [0, 1, 63, 64, 1023, 1024, 1025, 16 * 1024, 16 * 1024 + 1, 70_000] {
            for size in [1, 64, 1024] {
                let (domain, bytes) = (b"assay/anything/1", &bytes[..length.min(size * 1000)]);
                assert_eq!(
                    Blake2b256::hash_pieces(domain, bytes, size),
                    OneByOne::hash_pieces(domain, bytes, size),
                    "{length} bytes in pieces of {size}"
                );
            }
        }
    }
}
