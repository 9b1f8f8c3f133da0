//! Benchmarks of the register of models: the largest parts, the longest names, and models with other versions.

use crate::{Call, Config, ModelByName, ModelName, Models, NextModelId, Pallet, Versions};
use alloc::vec;
use assay_types::{
    ModelId, ModelVersion,
    benchmarking::{Stage, largest_parts},
    limits::MAX_NAME_BYTES,
};
use polkadot_sdk::{
    frame_benchmarking::v2::*, frame_support::traits::Get, frame_system::RawOrigin, sp_runtime::DispatchResult,
};

/// The longest name.
fn longest_name() -> ModelName {
    ModelName::truncate_from(vec![b'm'; MAX_NAME_BYTES as usize])
}

/// A model of an account with two versions.
fn registered<T: Config>(owner: &T::AccountId) -> Result<ModelId, BenchmarkError> {
    T::BenchmarkHelper::endow(owner);
    let model = NextModelId::<T>::get();
    Pallet::<T>::do_register(owner.clone(), longest_name(), largest_parts(1))?;
    Pallet::<T>::do_publish_version(owner.clone(), model, largest_parts(2))?;
    Ok(model)
}

/// Deprecates a version of a model, and waits until it can be removed.
fn retire<T: Config>(owner: &T::AccountId, version: ModelVersion) -> DispatchResult {
    Pallet::<T>::do_deprecate(owner.clone(), version)?;
    T::BenchmarkHelper::pass(T::RetirementBlocks::get());
    Ok(())
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&owner);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), longest_name(), largest_parts(1));

        assert!(ModelByName::<T>::contains_key(longest_name()));
        Ok(())
    }

    #[benchmark]
    fn publish_version() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        let model = registered::<T>(&owner)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), model, largest_parts(3));

        assert!(Versions::<T>::contains_key(ModelVersion { model, version: 3 }));
        Ok(())
    }

    #[benchmark]
    fn deprecate() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        let model = registered::<T>(&owner)?;
        let version = ModelVersion { model, version: 1 };

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), version);

        assert!(Versions::<T>::get(version).is_some_and(|record| !record.is_active()));
        Ok(())
    }

    #[benchmark]
    fn transfer() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        let model = registered::<T>(&owner)?;
        let to: T::AccountId = account("to", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), model, to.clone());

        assert_eq!(Models::<T>::get(model).and_then(|line| line.pending_owner), Some(to));
        Ok(())
    }

    #[benchmark]
    fn accept_transfer() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = account("owner", 0, 0);
        let model = registered::<T>(&owner)?;
        let to: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&to);
        Pallet::<T>::do_transfer(owner, model, to.clone())?;

        #[extrinsic_call]
        _(RawOrigin::Signed(to.clone()), model);

        assert_eq!(Models::<T>::get(model).map(|line| line.owner), Some(to));
        Ok(())
    }

    /// With the last version goes the model, its name and its deposit.
    #[benchmark]
    fn remove_version() -> Result<(), BenchmarkError> {
        let owner: T::AccountId = whitelisted_caller();
        let model = registered::<T>(&owner)?;
        let (first, last) = (ModelVersion { model, version: 1 }, ModelVersion { model, version: 2 });
        retire::<T>(&owner, first)?;
        Pallet::<T>::do_remove_version(owner.clone(), first)?;
        retire::<T>(&owner, last)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), last);

        assert!(!Models::<T>::contains_key(model));
        Ok(())
    }
}
