//! Weights that this runtime sets itself.
//!
//! `make weights` measures our pallets' benchmarks and writes a file of each pallet anew, by the template
//! `template.hbs`. Until it has run on this code, the file holds upper bounds that are computed from what each call
//! touches ([`assay_types::weighing`]), in the same shape: a type [`AssayWeight`](pallet_market::AssayWeight) with the
//! functions of the pallet's `WeightInfo`.

pub mod pallet_audits;
pub mod pallet_disputes;
pub mod pallet_governance;
pub mod pallet_market;
pub mod pallet_models;
pub mod pallet_seeds;
pub mod pallet_sessions;
pub mod pallet_time;
pub mod pallet_workers;
mod pallet_xcm;

pub use pallet_xcm::XcmWeight;
