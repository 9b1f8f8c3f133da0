//! Benchmarks of the calls.

use crate::{BoundedCallOf, Call, CallOf, Config, DecisionId, NextDecisionId, Pallet, Parameters};
use alloc::{boxed::Box, vec::Vec};
use codec::Encode;
use polkadot_sdk::{
    frame_benchmarking::v2::*,
    frame_support::traits::{Bounded, EnsureOrigin},
    frame_system,
};

/// A call whose bytes are part of the decision.
fn remark<T: Config>() -> Result<BoundedCallOf<T>, BenchmarkError> {
    let call = CallOf::<T>::from(frame_system::Call::<T>::remark { remark: Vec::new() });
    let bytes = call.encode().try_into();
    Ok(Bounded::Inline(bytes.map_err(|_| BenchmarkError::Weightless)?))
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn enact() -> Result<(), BenchmarkError> {
        let origin = T::EnactOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
        let call = remark::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, call);

        assert_eq!(NextDecisionId::<T>::get(), 1);
        Ok(())
    }

    #[benchmark]
    fn cancel() -> Result<(), BenchmarkError> {
        let origin = T::CancelOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
        let decision: DecisionId = NextDecisionId::<T>::get();
        Pallet::<T>::do_enact(remark::<T>()?)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, decision);

        assert!(Pallet::<T>::do_cancel(decision).is_err());
        Ok(())
    }

    #[benchmark]
    fn set_parameter() -> Result<(), BenchmarkError> {
        let origin = T::ParameterOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
        let change = Box::new(T::Parameters::example());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, change);

        Ok(())
    }
}
