//! Workers that would take a job now by standing offers and, where there are none, the reasons.

use crate::{
    chain::{
        AccountId, Balance, BlockNumber, ChainError, JobState, JobTerms, Misfit, Offer, Snapshot, StateView, WorkerInfo,
    },
    units,
};
use assay_types::{ModelVersion, NoOffer, WorkerStatus};
use std::fmt::{self, Display, Formatter};

/// Workers that would take a job now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// A worker for this price.
    Free {
        /// Of the job.
        price: Balance,
    },
    /// Nobody, although there are offers that the job fits.
    Taken(Taken),
    /// Nobody: the job fits no offer.
    Unfit(Unfit),
    /// Nobody: there is no offer.
    None,
}

/// Why no offer that the job fits can be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Workers that have as many unclaimed jobs as they want.
    pub busy: usize,
    /// Workers whose free stake is too small for another job.
    pub short: usize,
    /// Workers that take no jobs for now.
    pub paused: usize,
    /// The lowest price among the offers.
    pub cheapest: Balance,
    /// The highest price among them.
    pub dearest: Balance,
    /// The block by which the first of those that are not paused has claimed a job or missed its deadline.
    pub free_by: Option<BlockNumber>,
}

/// The term of an offer that a job does not fit: of the offer that needs the smallest change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The job.
    pub job: JobTerms,
    /// The term.
    pub misfit: Misfit,
    /// The offer's price for the job.
    pub price: Balance,
}

/// Looks for an offer for a job on a model version with these values of the symbols and these terms.
pub async fn supply(
    snapshot: &Snapshot,
    version: ModelVersion,
    symbols: &[u32],
    job: &JobTerms,
    offers: Vec<Offer>,
) -> Result<Supply, ChainError> {
    let (deadline, window) = (job.deadline_blocks, job.window_blocks);
    match snapshot.quote(version, symbols, deadline, window).await? {
        Ok(quote) => return Ok(Supply::Free { price: quote.price }),
        Err(NoOffer::NoneForModel | NoOffer::UnknownModel | NoOffer::ModelDeprecated) => return Ok(Supply::None),
        Err(NoOffer::AllBusy | NoOffer::CeilingTooLow) => {}
        Err(
            reason @ (NoOffer::DeadlineTooShort | NoOffer::WindowTooShort | NoOffer::WindowTooLong | NoOffer::TooNew),
        ) => return Ok(Unfit::nearest(&offers, job, reason).map_or(Supply::None, Supply::Unfit)),
    }
    let mut taken = Taken::default();
    let offers: Vec<Offer> = offers.into_iter().filter(|offer| offer.fits(job).is_ok()).collect();
    let prices = || offers.iter().map(|offer| offer.terms.price(job.work));
    taken.cheapest = prices().min().unwrap_or(0);
    taken.dearest = prices().max().unwrap_or(0);
    for offer in offers {
        let info = snapshot.worker(&offer.worker).await?;
        if taken.count(info.as_ref(), version) {
            let ends = free_by(snapshot, &offer.worker).await?;
            taken.free_by = taken.free_by.into_iter().chain(ends).min();
        }
    }
    Ok(Supply::Taken(taken))
}

/// The block by which the first of a worker's unclaimed jobs is claimed or has missed its deadline.
async fn free_by(state: &impl StateView, worker: &AccountId) -> Result<Option<BlockNumber>, ChainError> {
    let jobs = state.jobs_of(worker).await?;
    let ends = jobs.iter().filter_map(|(_, job)| match &job.state {
        JobState::Assigned { assignment, deadline } if assignment.worker == *worker => Some(*deadline),
        _ => None,
    });
    Ok(ends.min())
}

impl Taken {
    /// Counts a worker; says whether it may have a place soon.
    fn count(&mut self, info: Option<&WorkerInfo>, version: ModelVersion) -> bool {
        let Some(info) = info.filter(|info| info.status == WorkerStatus::Active && info.slashing == 0) else {
            self.paused += 1;
            return false;
        };
        let offer = info.offers.iter().find(|offer| offer.version == version);
        if offer.is_some_and(|offer| offer.load < offer.capacity) {
            self.short += 1;
        } else {
            self.busy += 1;
        }
        true
    }

    /// Whether waiting does not help by itself.
    pub fn is_hopeless(&self) -> bool {
        self.busy + self.short == 0
    }
}

impl Unfit {
    /// The offer that refuses the job for this reason and needs the smallest change.
    fn nearest(offers: &[Offer], job: &JobTerms, reason: NoOffer) -> Option<Self> {
        let refusals = offers.iter().filter_map(|offer| {
            let misfit = offer.fits(job).err()?;
            let price = offer.terms.price(job.work);
            (NoOffer::from(misfit) == reason).then_some(Self {
                job: *job,
                misfit,
                price,
            })
        });
        refusals.min_by_key(|unfit| (unfit.change(), unfit.price))
    }

    /// Blocks by which the job would have to be another.
    fn change(&self) -> BlockNumber {
        match self.misfit {
            Misfit::DeadlineTooShort { min_deadline } => min_deadline.abs_diff(self.job.deadline_blocks),
            Misfit::WindowTooShort { min_window } => min_window.abs_diff(self.job.window_blocks),
            Misfit::WindowTooLong { max_window } => max_window.abs_diff(self.job.window_blocks),
            Misfit::OfferTooNew { from } => from.abs_diff(self.job.submitted_at),
        }
    }
}

impl Display for Unfit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (deadline, window) = (self.job.deadline_blocks, self.job.window_blocks);
        match self.misfit {
            Misfit::DeadlineTooShort { min_deadline } => write!(
                f,
                "no worker takes a job with a deadline of {deadline} blocks: give --deadline {min_deadline} or more"
            )?,
            Misfit::WindowTooShort { min_window } => write!(
                f,
                "no worker takes a job with a challenge window of {window} blocks: give --window {min_window} or more"
            )?,
            Misfit::WindowTooLong { max_window } => write!(
                f,
                "no worker takes a job whose challenge window locks its stake for {window} blocks: give --window \
                 {max_window} or less"
            )?,
            Misfit::OfferTooNew { from } => write!(
                f,
                "the offers for this model are new or have become dearer, and take jobs from moment {from} on: ask again \
                 then"
            )?,
        }
        write!(f, ". The offer asks {} ASY for this job", units::format(self.price))
    }
}

impl Display for Taken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let total = self.busy + self.short + self.paused;
        let one = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let parts = [
            (self.busy, one(self.busy, "is busy", "are busy")),
            (self.short, one(self.short, "has no stake free", "have no stake free")),
            (self.paused, one(self.paused, "is paused", "are paused")),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, text)| text)
            .collect();
        let offer = one(total, "worker offers this model", "workers offer this model");
        write!(f, "{offer} and none takes a job now: {}. ", parts.join(", "))?;
        if self.is_hopeless() {
            return f.write_str("Ask again when one has resumed, start a worker, or ask for bids with --auction");
        }
        match self.free_by {
            Some(block) => write!(f, "The first has a place by moment {block}. ")?,
            None => f.write_str("Jobs that wait for their windows hold the stake. ")?,
        }
        let (cheapest, dearest) = (units::format(self.cheapest), units::format(self.dearest));
        write!(
            f,
            "Ask again then, or wait here with --ceiling: offers ask {cheapest} to {dearest} ASY"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{OfferInfo, OfferTerms};

    const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };
    const TERMS: OfferTerms = OfferTerms {
        base: 4,
        rate: 0,
        min_deadline: 20,
        min_window: 30,
        max_window: 40,
    };
    const JOB: JobTerms = JobTerms {
        work: 0,
        deadline_blocks: 20,
        window_blocks: 30,
        submitted_at: 9,
    };

    fn info(status: WorkerStatus, capacity: u32, load: u32) -> WorkerInfo {
        let offer = OfferInfo {
            version: MODEL,
            terms: TERMS,
            capacity,
            load,
            from: 0,
            waits: false,
        };
        WorkerInfo {
            status,
            stake: 0,
            locked: 0,
            unbonding: Vec::new(),
            slashing: 0,
            rests_until: None,
            offers: vec![offer],
            completed: 0,
            missed: 0,
            declined: 0,
            convicted: 0,
        }
    }

    fn offer(terms: OfferTerms, from: BlockNumber) -> Offer {
        Offer {
            worker: AccountId::new([1; 32]),
            terms,
            capacity: 1,
            from,
        }
    }

    #[test]
    fn a_worker_is_paused_busy_or_short_of_stake() {
        let mut taken = Taken::default();
        assert!(!taken.count(Some(&info(WorkerStatus::Paused, 4, 4)), MODEL));
        assert!(!taken.count(None, MODEL));
        assert!(taken.is_hopeless());
        assert!(taken.count(Some(&info(WorkerStatus::Active, 4, 4)), MODEL));
        assert!(taken.count(Some(&info(WorkerStatus::Active, 4, 3)), MODEL));
        assert_eq!((taken.paused, taken.busy, taken.short), (2, 1, 1));
        assert!(!taken.is_hopeless());
    }

    #[test]
    fn the_offer_that_needs_the_smallest_change_says_which_option_to_give() {
        let longer = OfferTerms {
            base: 1,
            min_deadline: 50,
            ..TERMS
        };
        let offers = [offer(longer, 0), offer(TERMS, 12)];
        let said = |reason, change: fn(&mut JobTerms)| {
            let mut job = JOB;
            change(&mut job);
            let unfit = Unfit::nearest(&offers, &job, reason).map(|unfit| unfit.to_string());
            unfit.unwrap_or_default()
        };
        let deadline = said(NoOffer::DeadlineTooShort, |job| job.deadline_blocks = 19);
        assert!(deadline.contains("--deadline 20 or more"), "{deadline}");
        let short = said(NoOffer::WindowTooShort, |job| job.window_blocks = 29);
        assert!(short.contains("--window 30 or more"), "{short}");
        let long = said(NoOffer::WindowTooLong, |job| job.window_blocks = 41);
        assert!(long.contains("--window 40 or less"), "{long}");
        let new = said(NoOffer::TooNew, |_| {});
        assert!(new.contains("from moment 12 on"), "{new}");
    }
}
