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

/// Places for pieces of bytes that are hashed several at a time, each behind one domain: whoever has elements writes
/// them here, and nowhere else before.
pub struct Stage {
    parameters: Params,
    size: usize,
    /// For each place the domain, and room for a piece.
    bytes: Vec<u8>,
}

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
        let mut digests = vec![[0; 32]; bytes.len().div_ceil(size)];
        let mut pieces = bytes.chunks(size);
        Stage::new(domain, size).hash(&mut digests, |_, place| match pieces.next() {
            Some(piece) => {
                place[..piece.len()].copy_from_slice(piece);
                piece.len()
            }
            None => 0,
        });
        digests
    }
}

impl Stage {
    /// Places for pieces of at most `size` bytes behind this domain.
    pub fn new(domain: &[u8; DOMAIN_BYTES], size: usize) -> Self {
        let mut bytes = vec![0; AT_ONCE * (DOMAIN_BYTES + size)];
        for place in bytes.chunks_exact_mut(DOMAIN_BYTES + size) {
            place[..DOMAIN_BYTES].copy_from_slice(domain);
        }
        Self {
            parameters: parameters(),
            size,
            bytes,
        }
    }

    /// Hashes as many pieces as there are digests. `fill` gets a piece's position and its place, and gives how many
    /// bytes of the place are the piece.
    pub fn hash(&mut self, digests: &mut [Digest], mut fill: impl FnMut(usize, &mut [u8]) -> usize) {
        let place = DOMAIN_BYTES + self.size;
        for (group, digests) in digests.chunks_mut(AT_ONCE).enumerate() {
            let mut lengths = [0; AT_ONCE];
            let places = self.bytes.chunks_exact_mut(place).zip(&mut lengths).take(digests.len());
            for (index, (place, length)) in places.enumerate() {
                *length = fill(group * AT_ONCE + index, &mut place[DOMAIN_BYTES..]);
            }
            let places = self.bytes.chunks_exact(place).zip(lengths).take(digests.len());
            let inputs = places.map(|(place, length)| &place[..DOMAIN_BYTES + length]);
            let jobs = inputs.map(|input| HashManyJob::new(&self.parameters, input));
            let mut jobs: Vec<HashManyJob<'_>> = jobs.collect();
            hash_many(&mut jobs);
            for (job, digest) in jobs.iter().zip(digests) {
                digest.copy_from_slice(job.to_hash().as_bytes());
            }
        }
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
