//! Watchers, clients, and those who fill blocks or challenge for harm.

use crate::{World, random::Random};
use assay_police::AuditRecord;

/// Cost of filling this many blocks in a row: each raises the multiplier of fees by 5 %. The first one's cost is fitted
/// to the table in docs/protocol.md, which a test of the runtime prints.
pub fn stuffing_cost(blocks: u32) -> f64 {
    const FIRST: f64 = 0.36;
    (1.05f64.powi(blocks as i32) - 1.0) / 0.05 * FIRST
}

/// Tokens a day of a watcher that executes `checks` claims which no auditor was drawn for, of which `lies` are made up.
pub fn watch(world: &World, checks: u32, lies: f64, seed: u64) -> f64 {
    let mut random = Random(seed);
    let days = world.days * world.lives;
    let mut profit = 0.0;
    for _ in 0..days * checks {
        let price = if random.happens(world.large) {
            world.large_price
        } else {
            world.price
        };
        profit -= world.cost * price;
        if random.happens(lies) {
            profit += world.finder * world.at_risk(world.stake, price);
        }
    }
    profit / f64::from(days)
}

/// The share of made-up claims from which watching pays: what checks cost, over what a find brings.
pub fn watching_pays_from(world: &World) -> f64 {
    world.cost * world.mean_price() / (world.finder * world.at_risk(world.stake, world.price))
}

/// Tokens a day of somebody that challenges `claims` of one worker's claims a day without an execution. The worker is
/// away at a share of the time; the attacker does not know when.
///
/// A bond is half a price for the first claim, and half as much again for each further one. A worker that is there
/// answers, and the bonds are lost. One that is away answers late for four claims at most, and pays a quarter of a
/// tenth of the lock for each to the challenger.
pub fn mass_challenge(world: &World, claims: u32, away: f64, seed: u64) -> f64 {
    let mut random = Random(seed);
    let days = world.days * world.lives;
    let bonds: f64 = (0..claims)
        .map(|other| 0.5 * world.price * 1.5f64.powi(other as i32))
        .sum();
    let late_fees = 0.25 * 0.1 * world.lock * world.price * f64::from(claims.min(4));
    let mut profit = 0.0;
    for _ in 0..days {
        profit -= bonds;
        if random.happens(away) {
            profit += late_fees;
        }
    }
    profit / f64::from(days)
}

/// Tokens a day of a client that pays its own worker for `jobs` jobs which nobody executes but the client itself, to
/// build a record or to be paid for audits. The coalition holds this share of the auditors' stake.
pub fn self_dealing(world: &World, jobs: u32, share: f64, seed: u64) -> f64 {
    let mut random = Random(seed);
    let mut profit = 0.0;
    for _ in 0..world.lives {
        let mut record = AuditRecord::default();
        for _ in 0..world.days * jobs {
            let hazard = world.hazard(world.price, world.stake, &record);
            // The price comes back to the same hands, less the levy. The result is executed once, or an audit convicts.
            profit -= world.levy_of(world.price, hazard) + world.cost * world.price;
            if hazard.is_drawn(random.bits()) {
                let count = if world.draw.has_second(random.bits()) { 2 } else { 1 };
                for _ in 0..count {
                    profit += if random.happens(share) {
                        world.fee(world.price)
                    } else {
                        0.0
                    };
                }
                world.pass(&mut record, world.price);
            }
        }
    }
    profit / f64::from(world.days * world.lives)
}

/// Tokens a day of a client to which a right result is worth a quarter more than its price, where `lies` of results
/// are made up and pass.
pub fn honest_client(world: &World, jobs: u32, lies: f64) -> f64 {
    let value = 1.25 * world.mean_price() * (1.0 - lies);
    f64::from(jobs) * (value - world.mean_price())
}
