//! Who would take a job now by standing offers and, where nobody does, why.

use crate::{
    chain::{Balance, BlockNumber, ChainError, JobState, Snapshot, WorkerInfo},
    units,
};
use assay_types::{ModelVersion, NoOffer, WorkerStatus};
use std::fmt::{self, Display, Formatter};

/// Who would take a job now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// A worker for this price.
    Free {
        /// Of one job.
        price: Balance,
    },
    /// Nobody, although there are offers.
    Taken(Taken),
    /// Nobody: there is no offer.
    None,
}

/// Why no offer can be taken.
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

/// Looks at the offers for a model version.
pub async fn supply(snapshot: &Snapshot, version: ModelVersion) -> Result<Supply, ChainError> {
    match snapshot.quote(version).await? {
        Ok(quote) => return Ok(Supply::Free { price: quote.price }),
        Err(NoOffer::NoneForModel) => return Ok(Supply::None),
        Err(NoOffer::AllBusy | NoOffer::CeilingTooLow) => {}
    }
    let mut taken = Taken::default();
    let offers = snapshot.offers(version).await?;
    taken.cheapest = offers.first().map_or(0, |offer| offer.price);
    taken.dearest = offers.last().map_or(0, |offer| offer.price);
    for offer in offers {
        let info = snapshot.worker(&offer.worker).await?;
        if !taken.count(info.as_ref(), version) {
            continue;
        }
        let jobs = snapshot.jobs_of(&offer.worker).await?;
        let ends = jobs.iter().filter_map(|(_, job)| match &job.state {
            JobState::Assigned { assignment, deadline } if assignment.worker == offer.worker => Some(*deadline),
            _ => None,
        });
        taken.free_by = taken.free_by.into_iter().chain(ends).min();
    }
    Ok(Supply::Taken(taken))
}

impl Taken {
    /// Counts a worker; says whether it may have a place soon.
    fn count(&mut self, info: Option<&WorkerInfo>, version: ModelVersion) -> bool {
        let Some(info) = info.filter(|info| info.status == WorkerStatus::Active) else {
            self.paused += 1;
            return false;
        };
        let offer = info.offers.iter().find(|(offered, ..)| *offered == version);
        if offer.is_some_and(|(.., capacity, load)| load < capacity) {
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
            Some(block) => write!(f, "The first has a place by block {block}. ")?,
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

    const MODEL: ModelVersion = ModelVersion { model: 0, version: 1 };

    fn info(status: WorkerStatus, capacity: u32, load: u32) -> WorkerInfo {
        WorkerInfo {
            status,
            stake: 0,
            locked: 0,
            unbonding: Vec::new(),
            slashing: 0,
            offers: vec![(MODEL, 4, capacity, load)],
            completed: 0,
            missed: 0,
            declined: 0,
            convicted: 0,
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
}
