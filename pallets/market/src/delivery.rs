//! Outputs on demand: a client that cannot get an output whose digest it pays for has its worker give it on the chain.
//!
//! The pieces stay in the blocks that they come in. All that state keeps of them is the place of the next one, and that
//! until the output is complete.

use crate::{BalanceOf, Config, Demands, Error, Event, HoldReason, JobOf, Jobs, Pallet};
use alloc::vec::Vec;
use assay_types::{
    AssayTime, CloseReason, Delivery, Demand, HostBlake2, JobId, JobState, ModelRegistry, Outcome, Slashed,
    WorkerRegistry,
    audit::Police,
    delivery::{Cursor, OutputPiece, Parcel},
    limits::MAX_DEMANDED_BYTES,
    schema::TensorLayout,
};
use core::mem;
use polkadot_sdk::{
    frame_support::{
        ensure,
        traits::{
            Get,
            fungible::MutateHold,
            tokens::{Fortitude, Precision, Restriction},
        },
    },
    sp_runtime::{DispatchError, DispatchResult, SaturatedConversion, traits::Saturating},
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_demand_output(client: &T::AccountId, id: JobId) -> DispatchResult {
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        ensure!(job.client == *client, Error::<T>::NotClient);
        ensure!(job.delivery == Delivery::Digest, Error::<T>::OutputIsInline);
        let (worker, window_until) = match &job.state {
            JobState::Claimed {
                assignment,
                window_until,
                ..
            } => (assignment.worker.clone(), *window_until),
            JobState::Disputed { .. } => return Err(Error::<T>::UnderDispute.into()),
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => return Err(Error::<T>::NotClaimed.into()),
        };
        ensure!(!job.kept.demand && !job.kept.delivered, Error::<T>::AlreadyDemanded);
        let now = T::Time::now();
        ensure!(now <= window_until, Error::<T>::WindowPassed);
        let parcel = Parcel::of(&Self::output_layouts(&job)?);
        ensure!(
            parcel.bytes <= u64::from(MAX_DEMANDED_BYTES),
            Error::<T>::OutputTooLargeToDemand
        );

        let deposit = Self::deposit_for(parcel);
        T::Currency::hold(&HoldReason::Demand.into(), client, deposit)
            .map_err(|_| Error::<T>::InsufficientFundsForDemand)?;
        let next = Cursor::default();
        Demands::<T>::insert(id, Demand { deposit, next });
        job.kept.demand = true;
        // Saturating: block numbers end far beyond any job.
        let until = window_until.max(now.saturating_add(T::DemandBlocks::get()));
        Self::deposit_event(Event::OutputDemanded {
            job: id,
            worker,
            deposit,
            until,
        });
        Self::extend(id, job, until)
    }

    pub(crate) fn do_deliver_output(worker: &T::AccountId, id: JobId, piece: &OutputPiece) -> DispatchResult {
        let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
        let output_digest = match &job.state {
            JobState::Claimed {
                assignment,
                output_digest,
                ..
            }
            | JobState::Disputed {
                assignment,
                output_digest,
                ..
            } => {
                ensure!(assignment.worker == *worker, Error::<T>::AssignedToAnother);
                *output_digest
            }
            JobState::Bidding { .. }
            | JobState::Revealing { .. }
            | JobState::Assigned { .. }
            | JobState::Sealed { .. } => return Err(Error::<T>::NotClaimed.into()),
        };
        let demand = Demands::<T>::get(id).ok_or(Error::<T>::OutputNotDemanded)?;
        let in_time = job.state.ends_after().is_none_or(|last| T::Time::now() <= last);
        ensure!(in_time, Error::<T>::DemandExpired);

        let layouts = Self::output_layouts(&job)?;
        let next = piece
            .check::<HostBlake2>(&layouts, demand.next, &output_digest.0)
            .map_err(Error::<T>::from)?;
        if let Some(next) = next {
            Demands::<T>::insert(id, Demand { next, ..demand });
            return Ok(());
        }
        Demands::<T>::remove(id);
        // Forced: what the client promised is the worker's, whatever freezes the client has put on its account.
        T::Currency::transfer_on_hold(
            &HoldReason::Demand.into(),
            &job.client,
            worker,
            demand.deposit,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )?;
        job.kept.demand = false;
        job.kept.delivered = true;
        Jobs::<T>::insert(id, job);
        Self::deposit_event(Event::OutputDelivered {
            job: id,
            worker: worker.clone(),
            paid: demand.deposit,
        });
        Ok(())
    }

    /// Refunds a job whose worker has not delivered the output that was demanded.
    pub(crate) fn end_undelivered(id: JobId, mut job: JobOf<T>) -> DispatchResult {
        let JobState::Claimed { assignment, .. } = job.state.clone() else {
            return Err(Error::<T>::NotClaimed.into());
        };
        if mem::take(&mut job.kept.audit) {
            T::Police::dropped(id)?;
        }
        let outcome = Outcome::Withheld {
            beneficiary: job.client.clone(),
            cost: Self::cost_of_miss(id, &job, &assignment),
        };
        let Slashed { paid, burned } = T::Workers::release(assignment.lock(job.model), outcome)?.slashed;
        Self::deposit_event(Event::OutputWithheld {
            job: id,
            worker: assignment.worker.clone(),
            paid,
            burned,
        });
        Self::close(id, job, CloseReason::NotDelivered)
    }

    /// Ends a demand with its job: the client has its deposit back.
    pub(crate) fn drop_demand(id: JobId, client: &T::AccountId) -> DispatchResult {
        let demand = Demands::<T>::take(id).ok_or(Error::<T>::Inconsistent)?;
        T::Currency::release(&HoldReason::Demand.into(), client, demand.deposit, Precision::Exact)?;
        Ok(())
    }

    /// Deposit for an output of this size.
    fn deposit_for(parcel: Parcel) -> BalanceOf<T> {
        let times = |price: BalanceOf<T>, count: u64| price.saturating_mul(count.saturated_into());
        // Saturating: nobody can pay a sum that saturates.
        times(T::DemandByteDeposit::get(), parcel.bytes)
            .saturating_add(times(T::DemandPieceDeposit::get(), parcel.pieces))
    }

    /// Layouts of a job's outputs. Only a plain model's outputs are claimed by digest, and its symbols say their sizes.
    fn output_layouts(job: &JobOf<T>) -> Result<Vec<TensorLayout>, DispatchError> {
        let version = T::Models::version(job.model).ok_or(Error::<T>::UnknownModel)?;
        let layouts = version.parts.schema.output_layouts(&job.symbols);
        Ok(layouts.map_err(Error::<T>::from)?)
    }
}
