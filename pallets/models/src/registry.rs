//! The models, as other pallets see them.

use crate::{Config, Pallet, Versions};
use assay_types::{ModelRegistry, ModelVersion, traits::VersionInfo};

impl<T: Config> ModelRegistry for Pallet<T> {
    fn version(version: ModelVersion) -> Option<VersionInfo> {
        let record = Versions::<T>::get(version)?;
        let active = record.is_offered();
        Some(VersionInfo {
            root: record.root,
            parts: record.parts,
            active,
        })
    }

    fn is_active(version: ModelVersion) -> bool {
        Versions::<T>::get(version).is_some_and(|record| record.is_offered())
    }
}
