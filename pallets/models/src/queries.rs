//! Answers for the runtime API: nothing here changes state.

use crate::{Config, Models, Pallet, Versions};
use alloc::vec::Vec;
use assay_types::{ModelVersion, limits::MAX_LISTED_JOBS, runtime_api::ModelInfo};

impl<T: Config> Pallet<T> {
    /// The registered versions in the order of storage, at most `limit` and at most [`MAX_LISTED_JOBS`], from the one
    /// after this version on.
    pub fn models_from(after: Option<ModelVersion>, limit: u32) -> Vec<ModelInfo> {
        let versions = match after {
            None => Versions::<T>::iter(),
            Some(version) => Versions::<T>::iter_from(Versions::<T>::hashed_key_for(version)),
        };
        let listed = versions.filter_map(|(version, record)| {
            Some(ModelInfo {
                version,
                name: Models::<T>::get(version.model)?.name.into_inner(),
                root: record.root,
                active: record.is_offered(),
            })
        });
        listed.take(limit.clamp(1, MAX_LISTED_JOBS) as usize).collect()
    }
}
