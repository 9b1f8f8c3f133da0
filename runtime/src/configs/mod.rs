//! The pallets' configuration, by concern.

pub mod assay;
pub mod audits;
pub mod consensus;
pub mod disputes;
pub mod governance;
pub mod money;
pub mod seeds;
pub mod sessions;
pub mod system;
pub mod time;
pub mod xcm;
