//! Earnings and losses of a worker per day and model, read from the events of the blocks that a node still has.

use crate::chain::{
    AccountId, Balance, BlockNumber, ChainError, ChainView, DisputesEvent, Event, MarketEvent, SessionsEvent,
    StateView, WorkersEvent,
};
use assay_types::{JobId, ModelVersion, SessionId};
use futures::stream::{self, StreamExt};
use std::{collections::BTreeMap, pin::pin};

/// Blocks that are read at a time.
const AT_ONCE: usize = 16;
/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 3600 * 1000;

/// Sums of one day and model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Jobs that were closed and paid for.
    pub jobs: u64,
    /// Pay for them.
    pub job_pay: Balance,
    /// Vouchers of sessions that were redeemed.
    pub redemptions: u64,
    /// Pay for them.
    pub session_pay: Balance,
    /// Deadlines that were missed.
    pub misses: u64,
    /// Jobs that were given back.
    pub declines: u64,
    /// Answers in disputes that came late.
    pub late_answers: u64,
    /// Convictions, by proof or by silence.
    pub convictions: u64,
    /// Stake that was lost, or is to be: a conviction's slash waits for a day and may be cancelled.
    pub lost: Balance,
}

/// Earnings and losses of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earnings {
    /// Sums by day since 1970 and model; a model that cannot be told is `None`.
    pub rows: BTreeMap<(u64, Option<ModelVersion>), Totals>,
    /// First block that was read.
    pub first: BlockNumber,
    /// Last block that was read.
    pub last: BlockNumber,
    /// Whether the node has thrown away what came before the first block.
    pub is_pruned: bool,
}

/// The thing by which the model of an event is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Job(JobId),
    Session(SessionId),
    Worker,
}

struct Block {
    number: BlockNumber,
    day: u64,
    entries: Vec<(Option<ModelVersion>, Totals)>,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        // Saturating: counts and amounts of one account fit.
        self.jobs = self.jobs.saturating_add(other.jobs);
        self.job_pay = self.job_pay.saturating_add(other.job_pay);
        self.redemptions = self.redemptions.saturating_add(other.redemptions);
        self.session_pay = self.session_pay.saturating_add(other.session_pay);
        self.misses = self.misses.saturating_add(other.misses);
        self.declines = self.declines.saturating_add(other.declines);
        self.late_answers = self.late_answers.saturating_add(other.late_answers);
        self.convictions = self.convictions.saturating_add(other.convictions);
        self.lost = self.lost.saturating_add(other.lost);
    }
}

/// Reads this many days by the chain's time, today among them, from the latest final block back: as far as the node has
/// the state of its blocks.
pub async fn read(chain: &impl ChainView, worker: &AccountId, days: u64) -> Result<Earnings, ChainError> {
    let head = chain.finalized().await?;
    let oldest = day(head.timestamp_ms().await?).saturating_sub(days.saturating_sub(1));
    let mut earnings = Earnings {
        first: head.number(),
        last: head.number(),
        ..Earnings::default()
    };
    let numbers = stream::iter((1..=head.number()).rev());
    let mut blocks = pin!(
        numbers
            .map(|number| read_block(chain, worker, number))
            .buffered(AT_ONCE)
    );
    while let Some(block) = blocks.next().await {
        let block = match block {
            Ok(block) => block,
            Err(error) if error.is_pruned() => {
                earnings.is_pruned = true;
                break;
            }
            Err(error) => return Err(error),
        };
        if block.day < oldest {
            break;
        }
        earnings.first = block.number;
        for (model, totals) in block.entries {
            earnings.rows.entry((block.day, model)).or_default().add(&totals);
        }
    }
    Ok(earnings)
}

async fn read_block<C: ChainView>(chain: &C, worker: &AccountId, number: BlockNumber) -> Result<Block, ChainError> {
    let state = chain.at(number).await?;
    let events = state.events().await?;
    let found: Vec<_> = events.iter().filter_map(|event| of_event(worker, event)).collect();
    let mut block = Block {
        number,
        day: day(state.timestamp_ms().await?),
        entries: Vec::new(),
    };
    if found.is_empty() {
        return Ok(block);
    }
    // A job or session that is over is gone from the state after its block.
    let before = match chain.at(number.saturating_sub(1)).await {
        Ok(before) => before,
        Err(error) if error.is_pruned() => state,
        Err(error) => return Err(error),
    };
    for (subject, totals) in found {
        let model = match subject {
            Subject::Job(job) => before.job(job).await?.map(|job| job.model),
            Subject::Session(session) => before.session(session).await?.map(|session| session.model),
            Subject::Worker => None,
        };
        block.entries.push((model, totals));
    }
    Ok(block)
}

/// Meaning of an event for a worker, if it is about that worker.
fn of_event(me: &AccountId, event: &Event) -> Option<(Subject, Totals)> {
    let mut totals = Totals::default();
    let (worker, subject) = match event {
        Event::Market(event) => (of_market(event, &mut totals)?, Subject::Job(event.job())),
        Event::Sessions(SessionsEvent::Redeemed {
            session, worker, paid, ..
        }) => {
            (totals.redemptions, totals.session_pay) = (1, *paid);
            (worker, Subject::Session(*session))
        }
        Event::Disputes(DisputesEvent::AnsweredLate {
            job,
            worker,
            paid,
            burned,
            ..
        }) => {
            (totals.late_answers, totals.lost) = (1, paid.saturating_add(*burned));
            (worker, Subject::Job(*job))
        }
        Event::Workers(WorkersEvent::SlashPending { worker, amount, .. }) => {
            (totals.convictions, totals.lost) = (1, *amount);
            (worker, Subject::Worker)
        }
        _ => return None,
    };
    (worker == me).then_some((subject, totals))
}

fn of_market<'a>(event: &'a MarketEvent, totals: &mut Totals) -> Option<&'a AccountId> {
    match event {
        MarketEvent::JobClosed {
            worker: Some(worker),
            paid,
            ..
        } if *paid > 0 => {
            (totals.jobs, totals.job_pay) = (1, *paid);
            Some(worker)
        }
        MarketEvent::DeadlineMissed {
            worker, paid, burned, ..
        } => {
            (totals.misses, totals.lost) = (1, paid.saturating_add(*burned));
            Some(worker)
        }
        MarketEvent::JobDeclined { worker, slashed, .. } => {
            (totals.declines, totals.lost) = (1, *slashed);
            Some(worker)
        }
        _ => None,
    }
}

/// Days since 1970 of a time in milliseconds.
fn day(time_ms: u64) -> u64 {
    time_ms / DAY_MS
}

/// The date of a day since 1970, as `2026-11-28`. The calendar's cycle of 400 years begins in March, so that leap days
/// come last (after Howard Hinnant's `civil_from_days`).
pub fn date(day: u64) -> String {
    let shifted = day.saturating_add(719_468);
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::fake::FakeChain;
    use assay_types::CloseReason;

    fn me() -> AccountId {
        AccountId::new([1; 32])
    }

    fn closed(worker: AccountId, paid: Balance) -> Event {
        Event::Market(MarketEvent::JobClosed {
            job: 7,
            client: AccountId::new([9; 32]),
            reason: CloseReason::WindowPassed,
            worker: Some(worker),
            paid,
        })
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_453, "2025-12-31"),
            (20_454, "2026-01-01"),
        ] {
            assert_eq!(date(day), expected);
        }
    }

    #[tokio::test]
    async fn a_worker_is_told_what_it_earned_and_lost_on_each_day_and_no_other_worker_is() {
        let chain = FakeChain::new();
        let on = |day: u64, event: Event| {
            chain.author_with(|ledger, events| {
                ledger.timestamp_ms = day * DAY_MS + 5;
                events.push(event);
            });
        };
        on(10, closed(me(), 100));
        on(11, closed(me(), 5));
        on(11, closed(AccountId::new([2; 32]), 50));
        on(11, closed(me(), 0));
        let missed = MarketEvent::DeadlineMissed {
            job: 8,
            worker: me(),
            paid: 1,
            burned: 2,
        };
        on(12, Event::Market(missed));
        let redeemed = SessionsEvent::Redeemed {
            session: 3,
            worker: me(),
            paid: 30,
            redeemed: 60,
        };
        on(12, Event::Sessions(redeemed));
        let earnings = read(&chain.connection(), &me(), 2).await.expect("it answers");
        assert_eq!((earnings.first, earnings.last, earnings.is_pruned), (2, 6, false));
        let earlier = Totals {
            jobs: 1,
            job_pay: 5,
            ..Totals::default()
        };
        let later = Totals {
            redemptions: 1,
            session_pay: 30,
            misses: 1,
            lost: 3,
            ..Totals::default()
        };
        assert_eq!(earnings.rows, [((11, None), earlier), ((12, None), later)].into());
        let other = read(&chain.connection(), &AccountId::new([2; 32]), 9)
            .await
            .expect("it answers");
        assert_eq!((other.first, other.rows.len()), (1, 1));
    }
}
