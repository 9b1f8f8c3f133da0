//! The runtime as a whole: the states it can start from, the transactions it takes, and its blob.

mod calls;
mod chain;
mod disputes;
mod fees;
mod presets;
mod transactions;
mod wasm;
