//! Weights that this runtime sets itself, where a pallet brings none.

mod pallet_xcm;

pub use pallet_xcm::XcmWeight;
