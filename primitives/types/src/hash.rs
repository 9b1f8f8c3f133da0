//! The hash of every commitment, by the node's host function.

use assay_exact::digest::Hash256;
use polkadot_sdk::sp_io::hashing::blake2_256;

/// BLAKE2b-256. In the runtime it is a call to the node, which is many times faster than the same in Wasm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostBlake2;

impl Hash256 for HostBlake2 {
    fn hash(bytes: &[u8]) -> [u8; 32] {
        blake2_256(bytes)
    }
}
