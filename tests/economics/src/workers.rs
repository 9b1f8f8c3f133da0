//! The life of a worker: which claims it makes up, which are audited, and what it has at the end.

use crate::{World, random::Random};
use assay_police::AuditRecord;

/// Strategies of workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strategy {
    /// Executes every job.
    Honest,
    /// Makes up every result.
    Always,
    /// Makes up this share of results.
    Rarely(f64),
    /// Is honest for this many jobs, and then makes up every result.
    AfterRecord(u32),
    /// Makes up the results of large jobs.
    LargeOnly,
    /// Makes up results unless one of its last this many jobs was audited.
    UnlessAuditedLately(u32),
}

/// Auditors of a worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auditors {
    /// Strangers that execute.
    Strangers,
    /// Strangers that are bribed whenever a made-up claim is drawn, for the finder's part and their own risk.
    Bribed,
    /// Strangers, and with this share of the stake accounts of the worker's own coalition, which execute nothing.
    Coalition(f64),
    /// Strangers; the worker fills this many blocks each time that a made-up claim of its is drawn.
    Stuffed(u32),
}

/// Outcome of a worker, in tokens a day.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    /// Everything that it earned, less everything that it lost.
    pub profit: f64,
    /// Made-up claims a day.
    pub lies: f64,
    /// Convictions a day.
    pub convictions: f64,
}

/// The mean of all lives of a strategy.
pub fn live(world: &World, strategy: Strategy, auditors: Auditors, seed: u64) -> Life {
    let mut mean = Life::default();
    for life in 0..world.lives {
        let mut worker = Worker::new(world, seed ^ (u64::from(life) << 32));
        for _ in 0..world.days * world.jobs {
            if worker.stake < world.min_stake {
                break;
            }
            worker.job(world, strategy, auditors);
        }
        let days = f64::from(world.days) * f64::from(world.lives);
        mean.profit += worker.profit / days;
        mean.lies += f64::from(worker.lies) / days;
        mean.convictions += f64::from(worker.convictions) / days;
    }
    mean
}

struct Worker {
    random: Random,
    stake: f64,
    record: AuditRecord,
    done: u32,
    since_audit: u32,
    profit: f64,
    lies: u32,
    convictions: u32,
}

impl Worker {
    fn new(world: &World, seed: u64) -> Self {
        Self {
            random: Random(seed),
            stake: world.stake,
            record: AuditRecord::default(),
            done: 0,
            since_audit: 0,
            profit: 0.0,
            lies: 0,
            convictions: 0,
        }
    }

    fn job(&mut self, world: &World, strategy: Strategy, auditors: Auditors) {
        let is_large = self.random.happens(world.large);
        let price = if is_large { world.large_price } else { world.price };
        let lies = self.lies_now(strategy, is_large);
        self.done += 1;
        self.since_audit = self.since_audit.saturating_add(1);
        if lies {
            self.lies += 1;
        } else {
            self.profit -= world.cost * price;
        }
        let hazard = world.hazard(price, self.stake, &self.record);
        let mut convicted = false;
        if hazard.is_drawn(self.random.bits()) {
            self.since_audit = 0;
            convicted = self.audit(world, (lies, price), auditors);
        }
        if convicted {
            let lost = world.at_risk(self.stake, price);
            self.stake -= lost;
            self.profit -= lost;
            self.convictions += 1;
            self.record.convict();
        } else {
            self.profit += price - world.levy_of(price, hazard);
        }
    }

    fn lies_now(&mut self, strategy: Strategy, is_large: bool) -> bool {
        match strategy {
            Strategy::Honest => false,
            Strategy::Always => true,
            Strategy::Rarely(share) => self.random.happens(share),
            Strategy::AfterRecord(jobs) => self.done >= jobs,
            Strategy::LargeOnly => is_large,
            Strategy::UnlessAuditedLately(jobs) => self.since_audit >= jobs,
        }
    }

    /// Whether the audit of a claim convicts the worker. The second auditor is drawn when the first has sealed.
    fn audit(&mut self, world: &World, (lies, price): (bool, f64), auditors: Auditors) -> bool {
        let lost = world.at_risk(self.stake, price);
        let mut agree = true;
        let count = if world.draw.has_second(self.random.bits()) {
            2
        } else {
            1
        };
        for position in 0..count {
            agree &= match auditors {
                Auditors::Strangers => !lies,
                Auditors::Stuffed(blocks) => {
                    // The auditor's time stands as well, so this buys nothing.
                    self.profit -= if lies {
                        crate::others::stuffing_cost(blocks)
                    } else {
                        0.0
                    };
                    !lies
                }
                Auditors::Bribed => {
                    // The first auditor also risks that a second one is drawn and does not take a bribe.
                    let risk = if position == 0 {
                        f64::from(world.draw.second) / 1e6
                    } else {
                        0.0
                    };
                    self.profit -= if lies { (world.finder + risk) * lost } else { 0.0 };
                    true
                }
                Auditors::Coalition(share) => {
                    let is_own = self.random.happens(share);
                    // The coalition has the pay and executes nothing.
                    self.profit += if is_own { world.fee(price) } else { 0.0 };
                    is_own || !lies
                }
            };
        }
        if agree {
            world.pass(&mut self.record, price);
        }
        !agree
    }
}
