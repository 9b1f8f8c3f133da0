//! Data to be fetched into one file, cut into windows of 1 MiB that several providers can deliver.

use super::wire::MAX_RANGE_CHUNKS;
use crate::error::NetworkError;
use assay_exact::digest::CHUNK_BYTES;
use assay_ops::tensor::{Blake2b256, Digest, Hash256};

/// Bytes of a window; a tensor's last window has what is left.
const WINDOW_BYTES: u64 = MAX_RANGE_CHUNKS as u64 * CHUNK_BYTES as u64;

/// A tensor at its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) offset: u64,
}

/// Window that one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Digest of the tensor.
    pub(crate) digest: Digest,
    /// First chunk of the tensor.
    pub(crate) start: u64,
    /// Chunks.
    pub(crate) count: u32,
    /// Bytes, 0 for an empty tensor.
    pub(crate) bytes: usize,
    /// Place in the file.
    pub(crate) offset: u64,
}

/// A file that is to be fetched.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Digest that stands for the plan: the same name is the same file.
    pub(crate) name: Digest,
    /// Bytes that the file begins with, and that nobody needs to deliver.
    pub(crate) prefix: Vec<u8>,
    /// Bytes of the file.
    pub(crate) file_bytes: u64,
    /// All windows, in the order of the pieces.
    pub(crate) windows: Vec<Window>,
}

impl Plan {
    /// Cuts pieces into windows. Refuses more than 2^32 windows.
    pub(crate) fn new(prefix: Vec<u8>, pieces: Vec<Piece>) -> Result<Self, NetworkError> {
        let mut named = prefix.clone();
        let (mut windows, mut file_bytes) = (Vec::new(), prefix.len() as u64);
        for piece in &pieces {
            named.extend_from_slice(&piece.digest);
            named.extend_from_slice(&piece.offset.to_le_bytes());
            let end = piece.offset.checked_add(piece.bytes).ok_or(NetworkError::Shape)?;
            file_bytes = file_bytes.max(end);
            for window in 0..piece.bytes.div_ceil(WINDOW_BYTES).max(1) {
                let before = window * WINDOW_BYTES;
                let bytes = (piece.bytes - before).min(WINDOW_BYTES);
                windows.push(Window {
                    digest: piece.digest,
                    start: window * u64::from(MAX_RANGE_CHUNKS),
                    count: bytes.div_ceil(CHUNK_BYTES as u64).max(1) as u32,
                    bytes: bytes as usize,
                    offset: piece.offset + before,
                });
            }
        }
        if windows.len() > u32::MAX as usize {
            return Err(NetworkError::Shape);
        }
        Ok(Self {
            name: Blake2b256::hash(&named),
            prefix,
            file_bytes,
            windows,
        })
    }

    /// The plan of one tensor, in a file of its own.
    pub(crate) fn of_tensor(digest: Digest, bytes: u64) -> Result<Self, NetworkError> {
        let piece = Piece {
            digest,
            bytes,
            offset: 0,
        };
        Self::new(Vec::new(), vec![piece])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_byte_once() {
        for bytes in [
            0,
            1,
            1024,
            WINDOW_BYTES - 1,
            WINDOW_BYTES,
            WINDOW_BYTES + 1,
            3 * WINDOW_BYTES + 5_000,
        ] {
            let plan = Plan::of_tensor([1; 32], bytes).expect("a plan");
            let mut end = 0;
            for window in &plan.windows {
                assert_eq!((window.offset, window.start * 1024), (end, end));
                assert_eq!(u64::from(window.count), (window.bytes as u64).div_ceil(1024).max(1));
                end += window.bytes as u64;
            }
            assert_eq!((end, plan.file_bytes), (bytes, bytes));
        }
    }

    #[test]
    fn names_differ_by_pieces_and_prefix() {
        let plan = |prefix: &[u8], digest, offset| {
            let piece = Piece {
                digest: [digest; 32],
                bytes: 1,
                offset,
            };
            Plan::new(prefix.to_vec(), vec![piece]).expect("a plan").name
        };
        let names = [plan(b"", 1, 0), plan(b"a", 1, 1), plan(b"", 2, 0), plan(b"", 1, 1)];
        for (i, name) in names.iter().enumerate() {
            assert!(!names[i + 1..].contains(name));
        }
    }
}
