//! Assay time, in which the clocks of Assay's pallets count.

use crate::{parameters::dynamic_params::time, *};

impl pallet_time::Config for Runtime {
    type FullShare = time::FullShare;
    type LaneSpeed = time::LaneSpeed;
    type LaneTarget = time::LaneTarget;
    type WeightInfo = weights::pallet_time::AssayWeight<Self>;
}
