//! Simulated strategies of workers, auditors, watchers and clients, in money per day.
//!
//! The draw, the levy, the pay and the records are the functions of [`assay_police`] that the pallet of audits uses.
//! Everything else is a plain model: no chain, no network, and random numbers from a seed, so a table can be made
//! again. `docs/economics.md` explains the model and has the table.

#![forbid(unsafe_code)]

pub mod auditors;
pub mod others;
pub mod random;
pub mod table;
pub mod workers;
pub mod world;

pub use table::{Kind, Row, Table, run};
pub use world::World;
