//! A day of an auditor: what it earns by each way to do, or not to do, its work.

use crate::{World, random::Random};

/// Strategies of auditors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Auditor {
    /// Executes, and says what it found.
    Honest,
    /// Does not answer.
    Sleeps,
    /// Executes nothing. A claim is sealed, so there is nothing to copy; what it seals is a guess.
    Guesses,
    /// Agrees with made-up claims for the highest bribe that lying can pay for.
    Bribed,
}

/// Audits that an auditor is drawn for in a day.
const AUDITS: u32 = 10;

/// Tokens a day of an auditor in a world where `lies` is the share of audited claims that are made up. A sleeper is
/// drawn as often as the others, which is generous: with a fault it rests.
pub fn earn(world: &World, strategy: Auditor, lies: f64, seed: u64) -> f64 {
    let mut random = Random(seed);
    let days = world.days * world.lives;
    let mut profit = 0.0;
    for _ in 0..days * AUDITS {
        let is_large = random.happens(world.large);
        let price = if is_large { world.large_price } else { world.price };
        let is_lie = random.happens(lies);
        let award = if is_lie {
            world.finder * world.at_risk(world.stake, price)
        } else {
            0.0
        };
        let executed = world.fee(price) - world.cost * price;
        profit += match strategy {
            Auditor::Honest => executed + award,
            Auditor::Sleeps => -world.miss * world.lock * price,
            // A guess differs from every claim. Against a lie it opens a game that it cannot play.
            Auditor::Guesses => -world.at_risk(world.stake, price),
            Auditor::Bribed if is_lie => {
                let has_second = world.draw.has_second(random.bits());
                let risk = if has_second {
                    world.at_risk(world.stake, price)
                } else {
                    0.0
                };
                world.fee(price) + highest_bribe(world, price) - risk
            }
            Auditor::Bribed => executed,
        };
    }
    profit / f64::from(days)
}

/// The highest bribe at which a worker with a record does not lose by lying: what an execution costs, over the chance
/// that the bribe is to be paid.
pub fn highest_bribe(world: &World, price: f64) -> f64 {
    let record = assay_police::AuditRecord {
        passed: 1_000_000,
        ..Default::default()
    };
    let chance = f64::from(world.hazard(price, world.stake, &record).chance()) / 1e6;
    world.cost * price / chance
}
