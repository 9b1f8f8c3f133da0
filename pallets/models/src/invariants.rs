//! Invariants: of the constants before the chain starts, and of the state after every block.

use crate::{Config, ModelByName, Models, NextModelId, Pallet, VersionByRoot, Versions, versions::name_bytes};
use alloc::collections::BTreeMap;
use assay_types::{DEFINITION_NUMBER, HostBlake2, ModelId, check_name, limits::MAX_VERSIONS};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    sp_runtime::TryRuntimeError,
};

impl<T: Config> Pallet<T> {
    /// Panics if the constants contradict each other.
    pub(crate) fn do_integrity_test() {
        if let Err(why) = Self::check_constants() {
            panic!("{why}");
        }
    }

    /// Says which constants contradict each other, if any do.
    pub fn check_constants() -> Result<(), &'static str> {
        ensure!(
            T::RetirementBlocks::get() > T::LongestJob::get(),
            "RetirementBlocks must be longer than LongestJob: a version must outlast the jobs that name it"
        );
        Ok(())
    }

    /// Checks that the records and the indices say the same.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut stored: BTreeMap<ModelId, (u32, u64)> = BTreeMap::new();
        let mut versions = 0usize;
        for (version, record) in Versions::<T>::iter() {
            let line = Models::<T>::get(version.model).ok_or("a version has no model")?;
            ensure!(
                (1..=line.latest_version).contains(&version.version),
                "a version is newer than the latest"
            );
            ensure!(
                VersionByRoot::<T>::get(record.root) == Some(version),
                "a root leads to another version"
            );
            // What was sound under another definition is not asked again.
            ensure!(
                record.parts.definition != DEFINITION_NUMBER || record.parts.validate().is_ok(),
                "a version's parts are unsound"
            );
            ensure!(
                record.root.0 == record.parts.root::<HostBlake2>(),
                "a root is not of its version's parts"
            );
            let (count, bytes) = stored.entry(version.model).or_default();
            *count = count.saturating_add(1);
            *bytes = bytes.saturating_add(record.deposit_bytes());
            versions = versions.saturating_add(1);
        }
        ensure!(
            VersionByRoot::<T>::iter_keys().count() == versions,
            "a root leads nowhere"
        );

        let mut models = 0usize;
        for (model, line) in Models::<T>::iter() {
            ensure!(
                model < NextModelId::<T>::get(),
                "a model has a number that was not given out"
            );
            ensure!(check_name(&line.name).is_ok(), "a name does not show");
            ensure!(
                ModelByName::<T>::get(&line.name) == Some(model),
                "a name leads to another model"
            );
            ensure!(
                (1..=MAX_VERSIONS).contains(&line.live_versions),
                "a model has no version, or too many"
            );
            ensure!(
                line.pending_owner.as_ref() != Some(&line.owner),
                "a model is offered to its owner"
            );
            let (count, bytes) = stored.get(&model).copied().unwrap_or_default();
            ensure!(line.live_versions == count, "a model's versions are miscounted");
            ensure!(
                line.stored_bytes == bytes.saturating_add(name_bytes(&line.name)),
                "a model's deposit is for other bytes than it has"
            );
            models = models.saturating_add(1);
        }
        ensure!(ModelByName::<T>::iter_keys().count() == models, "a name leads nowhere");
        Ok(())
    }
}
