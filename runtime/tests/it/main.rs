//! The runtime as a whole: the states it can start from, the transactions it takes, and its blob.

mod agreed;
mod audits;
mod calls;
mod chain;
mod disputes;
mod fees;
mod governance;
mod hop;
mod lane;
mod metadata;
mod parameters;
mod pause;
mod presets;
mod scene;
mod seeds;
mod stuffing;
mod transactions;
mod upgrade;
mod wasm;
mod weights;
