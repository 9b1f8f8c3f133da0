//! Calls of a development chain's superuser, which no program that operators install makes.

use assay_client::chain::{BlockNumber, Call};
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::{blake2_128, twox_128};

/// The superuser's call that sets how many blocks a slash waits. It writes to the state, past the range that governance
/// keeps to: nobody waits a day for the end of a demonstration.
pub fn set_slash_delay(blocks: BlockNumber) -> Call {
    // The parameter's part and its place there, in the runtime's `parameters.rs`; a test holds the two together.
    const SLASH_DELAY: [u8; 2] = [1, 5];
    let pallet = twox_128(b"Parameters");
    let key = [&pallet[..], &pallet, &blake2_128(&SLASH_DELAY), &SLASH_DELAY].concat();
    let items = vec![(key, (SLASH_DELAY, blocks).encode())];
    Call::Other {
        pallet: "Sudo",
        name: "sudo",
        arguments: (SET_STORAGE, items).encode(),
    }
}

/// Indices of the system pallet, the first of every runtime, and of its call that writes to the state.
const SET_STORAGE: [u8; 2] = [0, 4];
