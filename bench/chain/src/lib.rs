//! A chain in memory that the runtime's own Wasm executes, and the report of what was measured on it.

pub mod chain;
pub mod report;
