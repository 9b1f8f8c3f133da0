//! The migrations of this version of the runtime, from what the version before stored. A chain that begins with this
//! version makes none of them.
//!
//! One that changes a few values is made in the block of the upgrade ([`SingleBlock`]). One that walks through a map is
//! made in as many blocks as it takes ([`MultiBlock`]); these take no call, and Assay time stands still in them.

mod to_parameters;

pub use to_parameters::ToParameters;

/// Migrations in the block of the upgrade.
pub type SingleBlock = ToParameters;

/// Migrations in the blocks after it.
#[cfg(not(feature = "runtime-benchmarks"))]
pub type MultiBlock = (pallet_disputes::migrations::AddDefinition<crate::Runtime>,);
