//! Reputation of a worker: a score with its parts, from the counters that the chain keeps.
//!
//! ```text
//! delivery   = (paid + 1) / (paid + 1 + 3 · missed + declined)
//! honesty    = 2^(−faults) · 4^(−convicted)
//! experience = n / (n + 200),  n = paid + 10 · audits that agreed
//! score      = 100 · delivery · honesty · (1 + experience) / 2
//! ```
//!
//! A new worker has a score of 50. Jobs that are paid for can be one's own, at the cost of fees and the levy. An audit
//! is drawn, so it counts as ten jobs. A fault is forgotten after eight audits that agree, and a conviction is not.
//!
//! The chain gives no job by it. It is for clients that choose, and nobody is paid or punished by it.

use crate::chain::{AuditRecord, WorkerInfo};
use assay_types::audit::FULL_AUDIT;

/// Deliveries that a missed one outweighs.
const MISS_WEIGHT: f64 = 3.0;
/// Jobs for which an audit that agreed counts.
const AUDIT_WEIGHT: f64 = 10.0;
/// Jobs with which half of all experience is there.
const HALF_EXPERIENCE: f64 = 200.0;

/// A score and its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reputation {
    /// The score, from 0 to 100.
    pub score: f64,
    /// Part of the jobs that were delivered, from 0 to 1.
    pub delivery: f64,
    /// One, less what faults and convictions take.
    pub honesty: f64,
    /// Confidence in the other two by the number of jobs, from 0 to 1.
    pub experience: f64,
    /// Audits that agreed with the worker; one of a small job counts in proportion.
    pub audits: f64,
}

impl Reputation {
    /// The reputation of a worker with these counters and this record with auditors.
    pub fn of(info: &WorkerInfo, record: &AuditRecord) -> Self {
        // As exact as a score needs.
        let [paid, missed, declined] = [info.completed, info.missed, info.declined].map(|count| count as f64);
        let audits = record.passed as f64 / FULL_AUDIT as f64;
        let delivered = paid + 1.0;
        let delivery = delivered / (delivered + MISS_WEIGHT * missed + declined);
        let honesty = 0.5f64.powf(f64::from(record.faults) + 2.0 * info.convicted as f64);
        let known = paid + AUDIT_WEIGHT * audits;
        let experience = known / (known + HALF_EXPERIENCE);
        Self {
            score: 100.0 * delivery * honesty * (1.0 + experience) / 2.0,
            delivery,
            honesty,
            experience,
            audits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_types::WorkerStatus;

    fn info(completed: u64, missed: u64, declined: u64, convicted: u64) -> WorkerInfo {
        WorkerInfo {
            status: WorkerStatus::Active,
            stake: 100,
            locked: 0,
            unbonding: Vec::new(),
            slashing: 0,
            rests_until: None,
            offers: Vec::new(),
            completed,
            missed,
            declined,
            convicted,
        }
    }

    fn record(audits: u64, faults: u8) -> AuditRecord {
        AuditRecord {
            passed: audits * FULL_AUDIT,
            faults,
            since_fault: 0,
        }
    }

    fn score(info: &WorkerInfo, record: &AuditRecord) -> u32 {
        Reputation::of(info, record).score.round() as u32
    }

    #[test]
    fn scores_follow_the_formula() {
        let new = AuditRecord::default();
        for (worker, record, expected) in [
            (info(0, 0, 0, 0), new, 50),
            (info(200, 0, 0, 0), new, 75),
            (info(100, 0, 0, 0), record(10, 0), 75),
            (info(1_000_000, 0, 0, 0), record(1_000, 0), 100),
            (info(200, 1, 0, 0), new, 74),
            (info(0, 1, 0, 0), new, 13),
            (info(200, 0, 0, 0), record(0, 1), 38),
            (info(200, 0, 0, 1), new, 19),
        ] {
            assert_eq!(score(&worker, &record), expected, "{worker:?}, {record:?}");
        }
    }

    #[test]
    fn work_raises_a_score_and_nothing_else_does() {
        let of = |info: &WorkerInfo, record: &AuditRecord| Reputation::of(info, record).score;
        for paid in [0, 1, 50, 10_000] {
            for audits in [0, 3, 500] {
                let (before, known) = (info(paid, 2, 2, 1), record(audits, 1));
                let score = of(&before, &known);
                assert!((0.0..=100.0).contains(&score));
                assert!(of(&info(paid + 1, 2, 2, 1), &known) > score);
                assert!(of(&before, &record(audits + 1, 1)) > score);
                assert!(of(&info(paid, 3, 2, 1), &known) < score);
                assert!(of(&info(paid, 2, 3, 1), &known) < score);
                assert!(of(&info(paid, 2, 2, 2), &known) < score);
                assert!(of(&before, &record(audits, 2)) < score);
            }
        }
    }
}
