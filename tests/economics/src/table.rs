//! The table of all strategies, and its form in Markdown.

use crate::{
    World,
    auditors::{Auditor, earn},
    others::{honest_client, mass_challenge, self_dealing, watch},
    workers::{Auditors, Strategy, live},
};
use std::fmt;

/// Share of claims that are made up in the world of auditors and watchers.
const LIES: f64 = 0.02;
/// The coalition's share of all stake.
const THIRD: f64 = 1.0 / 3.0;
/// Seed of all lives.
const SEED: u64 = 20;

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keeps the rules.
    Honest,
    /// Breaks them.
    Dishonest,
}

/// A strategy with its result at each p₀.
#[derive(Clone, Debug)]
pub struct Row {
    /// Party that follows the strategy.
    pub role: &'static str,
    /// The strategy.
    pub strategy: &'static str,
    /// Whether it keeps the rules.
    pub kind: Kind,
    /// Tokens a day, for each p₀.
    pub daily: Vec<f64>,
}

/// The results of all strategies.
#[derive(Clone, Debug)]
pub struct Table {
    /// The values of p₀, in millionths.
    pub bases: Vec<u32>,
    /// A row for each strategy.
    pub rows: Vec<Row>,
}

/// Lives all strategies at each p₀.
pub fn run(bases: &[u32]) -> Table {
    let mut rows: Vec<Row> = Vec::new();
    for base in bases {
        let world = World::with_base(*base);
        let results = [workers(&world), auditors(&world), others(&world)].concat();
        for (place, (role, strategy, kind, daily)) in results.into_iter().enumerate() {
            match rows.get_mut(place) {
                Some(row) => row.daily.push(daily),
                None => rows.push(Row {
                    role,
                    strategy,
                    kind,
                    daily: vec![daily],
                }),
            }
        }
    }
    Table {
        bases: bases.to_vec(),
        rows,
    }
}

type Outcome = (&'static str, &'static str, Kind, f64);

fn workers(world: &World) -> Vec<Outcome> {
    use Auditors::{Bribed, Coalition, Strangers, Stuffed};
    use Kind::{Dishonest, Honest};
    use Strategy::{AfterRecord, Always, LargeOnly, Rarely, UnlessAuditedLately};
    let strategies = [
        ("worker", "honest", Honest, Strategy::Honest, Strangers),
        ("worker", "makes up everything", Dishonest, Always, Strangers),
        ("worker", "makes up 1 %", Dishonest, Rarely(0.01), Strangers),
        (
            "worker",
            "makes up everything after 5,000 jobs",
            Dishonest,
            AfterRecord(5_000),
            Strangers,
        ),
        ("worker", "makes up large jobs", Dishonest, LargeOnly, Strangers),
        (
            "worker",
            "makes up, unless audited in the last 50 jobs",
            Dishonest,
            UnlessAuditedLately(50),
            Strangers,
        ),
        (
            "worker",
            "makes up 1 %, and fills blocks for a minute when drawn",
            Dishonest,
            Rarely(0.01),
            Stuffed(30),
        ),
        (
            "worker",
            "makes up everything, and bribes all auditors",
            Dishonest,
            Always,
            Bribed,
        ),
        (
            "worker",
            "makes up 1 %, and bribes all auditors",
            Dishonest,
            Rarely(0.01),
            Bribed,
        ),
        (
            "coalition",
            "honest, and has a third of its audits to itself",
            Honest,
            Strategy::Honest,
            Coalition(THIRD),
        ),
        (
            "coalition",
            "makes up everything; a third of the audits agrees",
            Dishonest,
            Always,
            Coalition(THIRD),
        ),
        (
            "coalition",
            "makes up 1 %; a third of the audits agrees",
            Dishonest,
            Rarely(0.01),
            Coalition(THIRD),
        ),
        (
            "coalition",
            "makes up large jobs; a third of the audits agrees",
            Dishonest,
            LargeOnly,
            Coalition(THIRD),
        ),
    ];
    let of = |(role, name, kind, strategy, auditors)| (role, name, kind, live(world, strategy, auditors, SEED).profit);
    strategies.into_iter().map(of).collect()
}

fn auditors(world: &World) -> Vec<Outcome> {
    let strategies = [
        ("honest", Kind::Honest, Auditor::Honest),
        ("sleeps", Kind::Dishonest, Auditor::Sleeps),
        (
            "guesses, for want of something to copy",
            Kind::Dishonest,
            Auditor::Guesses,
        ),
        (
            "agrees for the highest bribe that lying pays for",
            Kind::Dishonest,
            Auditor::Bribed,
        ),
    ];
    let of = |(name, kind, strategy)| ("auditor", name, kind, earn(world, strategy, LIES, SEED));
    strategies.into_iter().map(of).collect()
}

fn others(world: &World) -> Vec<Outcome> {
    use Kind::{Dishonest, Honest};
    vec![
        (
            "watcher",
            "executes 50 claims a day",
            Honest,
            watch(world, 50, LIES, SEED),
        ),
        (
            "watcher",
            "challenges 4 claims a day unseen",
            Dishonest,
            mass_challenge(world, 4, 0.01, SEED),
        ),
        (
            "watcher",
            "challenges 20 claims a day unseen",
            Dishonest,
            mass_challenge(world, 20, 0.01, SEED),
        ),
        ("client", "honest", Honest, honest_client(world, 100, 0.0)),
        (
            "client",
            "pays itself for 100 jobs a day",
            Dishonest,
            self_dealing(world, 100, 0.0, SEED),
        ),
        (
            "client",
            "the same, with a third of the auditors",
            Dishonest,
            self_dealing(world, 100, THIRD, SEED),
        ),
    ]
}

impl Table {
    /// The honest strategy of the same role, with which a row is compared.
    pub fn honest(&self, row: &Row) -> Option<&Row> {
        self.rows
            .iter()
            .find(|other| other.role == row.role && other.kind == Kind::Honest)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| who | strategy |")?;
        for base in &self.bases {
            write!(f, " p₀ = {} % |", f64::from(*base) / 1e4)?;
        }
        writeln!(f, "\n|---|---|{}", "---:|".repeat(self.bases.len()))?;
        for row in &self.rows {
            write!(f, "| {} | {} |", row.role, row.strategy)?;
            for daily in &row.daily {
                write!(f, " {daily:.1} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
