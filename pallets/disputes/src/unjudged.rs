//! Disputes that the chain cannot judge: their models are of another definition of the arithmetic than the runtime is
//! compiled with. An honest worker's trace may differ from what this runtime computes, so nobody is convicted by it.

use crate::{Config, DisputeOf, Error, Event, Pallet};
use assay_exact::DEFINITION_NUMBER;
use assay_types::{ClaimId, Claims};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};

impl<T: Config> Pallet<T> {
    /// Refuses a model of a definition by which this runtime does not judge.
    pub(crate) fn ensure_judged(definition: u32) -> Result<(), Error<T>> {
        ensure!(definition == DEFINITION_NUMBER, Error::<T>::AnotherDefinition);
        Ok(())
    }

    /// Ends a dispute without a verdict: the client is refunded, the worker's lock is free, and all bonds go back.
    pub(crate) fn void(job: ClaimId, dispute: &DisputeOf<T>) -> DispatchResult {
        T::Claims::void(job)?;
        Self::return_bonds(job, dispute)?;
        Self::end(job, dispute);
        Self::deposit_event(Event::DisputeVoided {
            job,
            worker: dispute.worker.clone(),
            definition: dispute.definition,
        });
        Ok(())
    }
}
