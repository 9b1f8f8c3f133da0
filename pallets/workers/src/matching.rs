//! The search for the offer that takes a job: each book is read once, and each worker's record when its offer may win.

use crate::{BalanceOf, Config, Load, OfferOf, Offers, Pallet, WorkerRecordOf, Workers};
use alloc::vec::Vec;
use assay_types::{AssayTime, Assigned, Assignment, JobTerms, ModelVersion, NoOffer, Unavailable, WorkerStatus};
use polkadot_sdk::{
    frame_support::{ensure, traits::Get},
    frame_system::{self, pallet_prelude::BlockNumberFor},
    sp_runtime::traits::{Saturating, Zero},
};

/// Jobs that standing offers have taken, in this runtime.
pub type AssignedOf<T> = Assigned<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// A job that is looked for an offer: its terms, and the most that its client pays.
type AskedOf<T> = (JobTerms<BlockNumberFor<T>>, BalanceOf<T>);

/// An offer that may take jobs, with what was read of its worker.
struct Candidate<T: Config> {
    offer: OfferOf<T>,
    /// Read when it was first needed.
    worker: Option<Worker<T>>,
}

/// A worker as it stands after the jobs that it was given.
struct Worker<T: Config> {
    record: Option<WorkerRecordOf<T>>,
    load: u32,
    /// Jobs that it was given here.
    given: u32,
}

impl<T: Config> Pallet<T> {
    /// See [`assay_types::WorkerRegistry::cheapest`].
    pub(crate) fn do_find(
        version: ModelVersion,
        asked: &AskedOf<T>,
        excluded: &[T::AccountId],
    ) -> Result<(T::AccountId, BalanceOf<T>), NoOffer> {
        let mut book = Self::candidates(version);
        let (chosen, price) = choose(&mut book, version, asked, excluded)?;
        Ok((chosen.offer.worker.clone(), price))
    }

    /// See [`assay_types::WorkerRegistry::assign`].
    pub(crate) fn do_assign(version: ModelVersion, jobs: &[AskedOf<T>]) -> Result<AssignedOf<T>, NoOffer> {
        let mut book = Self::candidates(version);
        let assignments = jobs
            .iter()
            .map(|asked| {
                let (chosen, price) = choose(&mut book, version, asked, &[])?;
                Ok(chosen.give(price))
            })
            .collect::<Result<Vec<_>, NoOffer>>()?;
        let examined = book.iter().filter(|candidate| candidate.worker.is_some()).count();
        for candidate in book {
            candidate.store(version);
        }
        Ok(Assigned {
            assignments,
            examined: examined as u32, // At most `MAX_OFFERS_PER_MODEL`.
        })
    }

    fn candidates(version: ModelVersion) -> Vec<Candidate<T>> {
        let book = Offers::<T>::get(version).into_iter();
        book.map(|offer| Candidate { offer, worker: None }).collect()
    }

    /// Whether a worker with this record takes jobs now and has `stake` free.
    pub(crate) fn check_available(record: &WorkerRecordOf<T>, stake: BalanceOf<T>) -> Result<(), Unavailable> {
        // A worker that left under a slash and came back is active, and still not to be trusted.
        ensure!(
            record.status == WorkerStatus::Active && record.slashing.is_zero(),
            Unavailable::NotActive
        );
        ensure!(
            record.stake >= T::MinStake::get() && record.free() >= stake,
            Unavailable::StakeTooSmall
        );
        Ok(())
    }

    /// Refuses a worker that rests after a job that it gave back or missed.
    pub(crate) fn check_rested(record: &WorkerRecordOf<T>) -> Result<(), Unavailable> {
        let now = T::Time::now();
        ensure!(
            record.rests_until.is_none_or(|until| until <= now),
            Unavailable::Resting
        );
        Ok(())
    }
}

/// The candidate whose price for a job is the lowest, and that price. A worker is looked at only if its offer asks for
/// less than the best one before it.
fn choose<'a, T: Config>(
    book: &'a mut [Candidate<T>],
    version: ModelVersion,
    asked: &AskedOf<T>,
    excluded: &[T::AccountId],
) -> Result<(&'a mut Candidate<T>, BalanceOf<T>), NoOffer> {
    let (job, ceiling) = asked;
    let mut refused = NoOffer::NoneForModel;
    let mut cheapest: Option<(&'a mut Candidate<T>, BalanceOf<T>)> = None;
    for candidate in book {
        let price = candidate.offer.terms.price(job.work);
        if cheapest.as_ref().is_some_and(|(_, lower)| *lower <= price) {
            continue;
        }
        match candidate.takes(version, job, (price, *ceiling), excluded) {
            Ok(()) => cheapest = Some((candidate, price)),
            Err(reason) => refused = refused.further(reason),
        }
    }
    cheapest.ok_or(refused)
}

impl<T: Config> Candidate<T> {
    /// Whether it can take a job at this price, where the client pays at most the ceiling beside it.
    fn takes(
        &mut self,
        version: ModelVersion,
        job: &JobTerms<BlockNumberFor<T>>,
        (price, ceiling): (BalanceOf<T>, BalanceOf<T>),
        excluded: &[T::AccountId],
    ) -> Result<(), NoOffer> {
        self.offer.fits(job)?;
        ensure!(price <= ceiling, NoOffer::CeilingTooLow);
        ensure!(!excluded.contains(&self.offer.worker), NoOffer::AllBusy);
        let capacity = self.offer.capacity;
        let worker = self.read(version);
        let has_place = worker.load < capacity
            && worker.record.as_ref().is_some_and(|record| {
                Pallet::<T>::check_rested(record).is_ok()
                    && Pallet::<T>::check_available(record, Pallet::<T>::lock_for(price)).is_ok()
            });
        ensure!(has_place, NoOffer::AllBusy);
        Ok(())
    }

    fn read(&mut self, version: ModelVersion) -> &mut Worker<T> {
        let account = &self.offer.worker;
        self.worker.get_or_insert_with(|| Worker {
            record: Workers::<T>::get(account),
            load: Load::<T>::get(account, version),
            given: 0,
        })
    }

    /// Gives it a job that it takes.
    fn give(&mut self, price: BalanceOf<T>) -> Assignment<T::AccountId, BalanceOf<T>> {
        let locked = Pallet::<T>::lock_for(price);
        if let Some(worker) = &mut self.worker {
            if let Some(record) = &mut worker.record {
                record.locked = record.locked.saturating_add(locked); // `locked` is at most what is free.
            }
            // Saturating: it is below the capacity.
            worker.load = worker.load.saturating_add(1);
            worker.given = worker.given.saturating_add(1);
        }
        Assignment {
            worker: self.offer.worker.clone(),
            price,
            locked,
            hazard: 0,
        }
    }

    /// Writes what its jobs have changed.
    fn store(self, version: ModelVersion) {
        let Some(Worker { record, load, given }) = self.worker else {
            return;
        };
        if let Some(record) = record.filter(|_| given > 0) {
            Load::<T>::insert(&self.offer.worker, version, load);
            Workers::<T>::insert(&self.offer.worker, record);
        }
    }
}
