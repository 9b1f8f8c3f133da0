//! Assay time, in which the clocks of Assay's pallets count.

use crate::*;
use frame_support::parameter_types;
use sp_runtime::Perbill;

parameter_types! {
    /// A block that is three quarters full still has a place for any call by which somebody could be late.
    pub const FullShare: Perbill = Perbill::from_percent(75);
}

impl pallet_time::Config for Runtime {
    type FullShare = FullShare;
    type WeightInfo = weights::pallet_time::AssayWeight<Self>;
}
