//! The agenda: which jobs are due at which block, and the drain that does their steps when a block has weight left.
//!
//! A page of it has a bit for each of 64 jobs whose numbers follow each other. Jobs that were submitted together mostly
//! end a phase together, so one page stands for all of them.

use crate::{Agenda, AgendaCursor, Config, Event, JobOf, JobStateOf, Jobs, Pallet, WeightInfo};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_types::{Job, JobId, Phase};
use polkadot_sdk::{
    frame_support::{
        storage::with_storage_layer,
        traits::Get,
        weights::{Weight, WeightMeter},
    },
    frame_system::pallet_prelude::BlockNumberFor,
    sp_runtime::traits::Saturating,
};

/// Jobs on one page: a bit for each.
const JOBS_PER_PAGE: u64 = u64::BITS as u64;

/// Pages of the agenda: the last block of the phase, and the number of the page.
pub(crate) type Pages<T> = BTreeSet<(BlockNumberFor<T>, u64)>;

/// A job that is due.
struct Due<T: Config> {
    id: JobId,
    job: Option<JobOf<T>>,
    /// Weight that is set apart for its step.
    reserved: Weight,
}

/// The page on which a job stands.
pub(crate) fn page_of(id: JobId) -> u64 {
    id / JOBS_PER_PAGE
}

/// The job's bit on its page.
fn bit_of(id: JobId) -> u64 {
    1 << (id % JOBS_PER_PAGE)
}

/// The jobs on a page with these bits.
pub(crate) fn jobs_on(page: u64, bits: u64) -> impl Iterator<Item = JobId> {
    // Saturating: pages are those of jobs.
    let first = page.saturating_mul(JOBS_PER_PAGE);
    (0..JOBS_PER_PAGE)
        .map(move |place| first.saturating_add(place))
        .filter(move |id| bits & bit_of(*id) != 0)
}

/// Whether the step of a job is its settlement and nothing else: it waits for no auditor and for no output.
fn settles<AccountId, Balance, BlockNumber: Copy>(job: &Job<AccountId, Balance, BlockNumber>) -> bool {
    job.state.phase() == Phase::Claimed && !job.kept.audit && !job.kept.demand
}

impl<T: Config> Pallet<T> {
    /// Puts a job on the agenda, unless no block ends its state.
    pub(crate) fn schedule(id: JobId, state: &JobStateOf<T>) {
        if let Some(last) = state.ends_after() {
            Agenda::<T>::mutate(last, page_of(id), |bits| *bits |= bit_of(id));
        }
    }

    /// Takes a job off the agenda, unless it is set aside.
    pub(crate) fn unschedule(id: JobId, job: &JobOf<T>) {
        if let Some(last) = job.state.ends_after().filter(|_| !job.kept.set_aside) {
            Self::strike(last, id);
        }
    }

    /// Takes a job off this block of the agenda.
    fn strike(block: BlockNumberFor<T>, id: JobId) {
        Agenda::<T>::mutate_exists(block, page_of(id), |entry| {
            let left = entry.unwrap_or_default() & !bit_of(id);
            *entry = Some(left).filter(|left| *left != 0);
        });
    }

    /// Does the steps that are due, oldest first, as far as `remaining` allows; returns what it used.
    pub(crate) fn drain_agenda(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
        let mut meter = WeightMeter::with_limit(remaining);
        // The cursor itself is read and written once.
        if meter.try_consume(T::DbWeight::get().reads_writes(1, 1)).is_err() {
            return meter.consumed();
        }
        let mut cursor = AgendaCursor::<T>::get();
        while cursor < now && Self::drain_block(cursor, &mut meter) {
            cursor.saturating_inc();
        }
        AgendaCursor::<T>::put(cursor);
        meter.consumed()
    }

    /// Does the steps of the jobs whose phase ended with this moment; whether all of them are done. Each step is
    /// reserved at its most expensive, and what it does not use is there for others.
    fn drain_block(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
        loop {
            let (due, complete) = Self::affordable(block, meter);
            let is_last = complete || due.is_empty();
            let unused = Self::do_due(block, due);
            let consumed = meter.consumed().saturating_sub(unused);
            *meter = WeightMeter::with_consumed_and_limit(consumed, meter.limit());
            if is_last {
                return complete;
            }
        }
    }

    /// The jobs of this moment of the agenda whose steps the meter allows, and whether that is all of them. They are
    /// collected before any step is done, since a step changes the agenda.
    fn affordable(block: BlockNumberFor<T>, meter: &mut WeightMeter) -> (Vec<Due<T>>, bool) {
        let mut due = Vec::new();
        let pages = Agenda::<T>::iter_prefix(block);
        let mut jobs = pages.flat_map(|(page, bits)| jobs_on(page, bits));
        loop {
            if meter.try_consume(T::WeightInfo::look()).is_err() {
                return (due, false);
            }
            let Some(id) = jobs.next() else { return (due, true) };
            let job = Jobs::<T>::get(id);
            let reserved = match job.as_ref().is_some_and(settles) {
                true => T::WeightInfo::settle(),
                false => T::WeightInfo::step(),
            };
            if meter.try_consume(reserved).is_err() {
                return (due, false);
            }
            due.push(Due { id, job, reserved });
        }
    }

    /// Does the steps of these jobs: settles those of one client together, and takes the others one by one. Returns the
    /// reserved weight that was not used.
    fn do_due(block: BlockNumberFor<T>, due: Vec<Due<T>>) -> Weight {
        let mut claimed = BTreeMap::<T::AccountId, Vec<(JobId, JobOf<T>, Weight)>>::new();
        let mut unused = Weight::zero();
        for Due { id, job, reserved } in due {
            match job.filter(settles) {
                Some(job) => claimed.entry(job.client.clone()).or_default().push((id, job, reserved)),
                // Saturating: a step uses no more than was reserved for it, and there are few.
                None => unused = unused.saturating_add(Self::do_one(block, id, reserved)),
            }
        }
        for jobs in claimed.into_values() {
            unused = unused.saturating_add(Self::settle_due(block, jobs));
        }
        unused
    }

    /// Settles jobs of one client, or each by itself if they cannot be settled together.
    fn settle_due(block: BlockNumberFor<T>, jobs: Vec<(JobId, JobOf<T>, Weight)>) -> Weight {
        let each: Vec<(JobId, Weight)> = jobs.iter().map(|(id, _, reserved)| (*id, *reserved)).collect();
        // Saturating, as above.
        let reserved = each
            .iter()
            .fold(Weight::zero(), |sum, (_, one)| sum.saturating_add(*one));
        let jobs = jobs.into_iter().map(|(id, job, _)| (id, job)).collect();
        match with_storage_layer(|| Self::settle_together(jobs)) {
            Ok(used) => reserved.saturating_sub(used),
            Err(_) => each.into_iter().fold(Weight::zero(), |unused, (id, reserved)| {
                unused.saturating_add(Self::do_one(block, id, reserved))
            }),
        }
    }

    /// Does the step of a job, or sets it aside if that fails; returns the reserved weight that was not used.
    fn do_one(block: BlockNumberFor<T>, id: JobId, reserved: Weight) -> Weight {
        match with_storage_layer(|| Self::do_advance(id)) {
            Ok(used) => reserved.saturating_sub(used),
            Err(error) => {
                Self::strike(block, id);
                Jobs::<T>::mutate_extant(id, |job| job.kept.set_aside = true);
                Self::deposit_event(Event::StepFailed { job: id, error });
                Weight::zero()
            }
        }
    }
}
