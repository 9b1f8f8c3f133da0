//! The runtime as a whole: the states it can start from, the transactions it takes, and its blob.

mod calls;
mod chain;
mod disputes;
mod fees;
mod lane;
mod presets;
mod scene;
mod stuffing;
mod transactions;
mod wasm;
mod weights;
