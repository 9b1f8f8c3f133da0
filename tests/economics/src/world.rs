//! The world in which strategies compete: prices, costs, stakes, and the rules in force.

use assay_police::{AuditRecord, DrawRules, Exposure, Hazard, LevyRules};

/// Indivisible units of a token here.
const UNIT: f64 = 1e6;

/// Everything that strategies have in common. Money is in tokens.
#[derive(Clone, Debug)]
pub struct World {
    /// Rules of the draw.
    pub draw: DrawRules,
    /// Rules of the levy.
    pub levy: LevyRules,
    /// Price of an ordinary job.
    pub price: f64,
    /// Price of a large job.
    pub large_price: f64,
    /// Share of jobs that are large.
    pub large: f64,
    /// Cost of an execution, as a share of the price.
    pub cost: f64,
    /// Jobs of a worker per day.
    pub jobs: u32,
    /// A worker's stake at the beginning.
    pub stake: f64,
    /// Minimum stake of a worker that gets jobs.
    pub min_stake: f64,
    /// Amount that a job locks, in prices.
    pub lock: f64,
    /// Share of the whole stake that a fault costs, at least the lock.
    pub fault: f64,
    /// The finder's part of what a fault costs.
    pub finder: f64,
    /// Part of the lock that a missed audit costs its auditor.
    pub miss: f64,
    /// Days that are simulated.
    pub days: u32,
    /// Independent lives of each strategy.
    pub lives: u32,
}

impl World {
    /// The world of the documents, where `base` is p₀ in millionths.
    pub fn with_base(base: u32) -> Self {
        Self {
            draw: DrawRules {
                base,
                newcomer: 500_000,
                weight: 4_000,
                second: 100_000,
                full_price: units(1.0),
            },
            levy: LevyRules {
                levy: 50_000,
                fee: 1_250_000,
            },
            price: 1.0,
            large_price: 10.0,
            large: 0.05,
            cost: 0.6,
            jobs: 200,
            stake: 800.0,
            min_stake: 200.0,
            lock: 10.0,
            fault: 0.5,
            finder: 0.3,
            miss: 0.1,
            days: 60,
            lives: 16,
        }
    }

    /// Cost of a conviction to a worker with this stake, as far as the stake goes.
    pub fn at_risk(&self, stake: f64, price: f64) -> f64 {
        (self.fault * stake).max(self.lock * price).min(stake)
    }

    /// The hazard of a claim.
    pub fn hazard(&self, price: f64, stake: f64, record: &AuditRecord) -> Hazard {
        let claim = Exposure {
            price: units(price),
            at_risk: units(self.at_risk(stake, price)),
        };
        self.draw.hazard(&claim, record)
    }

    /// The levy on a settlement.
    pub fn levy_of(&self, price: f64, hazard: Hazard) -> f64 {
        self.levy.of(units(price), hazard, self.draw.auditors()) as f64 / UNIT
    }

    /// Pay of an auditor that would do the job for the same price.
    pub fn fee(&self, price: f64) -> f64 {
        self.levy.fee(units(price), units(price)) as f64 / UNIT
    }

    /// The mean price of a job.
    pub fn mean_price(&self) -> f64 {
        self.price * (1.0 - self.large) + self.large_price * self.large
    }

    /// Counts an audit that agreed with the worker.
    pub fn pass(&self, record: &mut AuditRecord, price: f64) {
        record.pass(units(price), self.draw.full_price);
    }
}

/// A sum of tokens in indivisible units.
fn units(tokens: f64) -> u128 {
    (tokens * UNIT) as u128
}
