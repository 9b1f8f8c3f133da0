//! The account at the end: answers, money, time, and whether all is as it must be.

use super::{Scene, disputes::Disputes, ledger::Ledger};
use assay_client::{
    chain::H256,
    request::{Prepared, outcome::Outcome, progress::Submitted, tracker::Tracker},
    schema,
};
use assay_engine::{Engine, ReferenceEngine};
use assay_ops::tensor::tensors_digest;
use assay_types::Phase;
use std::time::Instant;

/// Knowledge when all jobs are closed.
pub(super) struct Report {
    pub(super) tracker: Tracker,
    pub(super) submitted: Vec<Submitted>,
    pub(super) ledger: Ledger,
    pub(super) disputes: Disputes,
}

impl Report {
    /// Prints everything; true if all is as it must be.
    pub(super) fn print(&self, scene: &Scene, jobs: &[Prepared], money: &[String]) -> anyhow::Result<bool> {
        let mut faults = money.to_vec();
        println!("\nAnswers");
        self.answers(scene, jobs, &mut faults)?;
        println!("\nDisputes");
        self.disputes.print();
        if self.disputes.convictions() == 0 {
            faults.push("Eve cheated, and no wrong output was convicted".into());
        }
        println!("\nMoney, in ASY");
        self.ledger.print();
        println!("\nTime from the request");
        self.times();
        if faults.is_empty() {
            println!(
                "\nAll checks passed: every paid output is exact, every wrong output was convicted and refunded, and all money is\naccounted for."
            );
        } else {
            println!("\nFailed checks:");
            faults.iter().for_each(|fault| println!("  {fault}"));
        }
        Ok(faults.is_empty())
    }

    fn answers(&self, scene: &Scene, jobs: &[Prepared], faults: &mut Vec<String>) -> anyhow::Result<()> {
        let reference = ReferenceEngine.load(&scene.package)?;
        let (mut exact, mut refunded, mut right, mut wrong) = (0, 0, 0, Vec::new());
        for submitted in &self.submitted {
            let prepared = &jobs[submitted.input];
            let outcome = Outcome::new(&scene.model, prepared, submitted.job, self.tracker.story(submitted.job));
            let phase = self.tracker.story(submitted.job).map(|story| story.phase);
            let expected = H256(tensors_digest(&reference.run(&input(scene, prepared)?)?));
            let is_exact = outcome.output_digest == Some(format!("{expected:?}"));
            if self.disputes.is_convicted(submitted.job) && phase == Some(Phase::Refunded) {
                refunded += 1;
                if is_exact {
                    faults.push(format!("job {}: an exact output was convicted", submitted.job));
                }
                continue;
            }
            if phase != Some(Phase::Settled) {
                faults.push(format!("job {} ended {phase:?}, not settled", submitted.job));
                continue;
            }
            if outcome.digest_matches != Some(true) {
                faults.push(format!(
                    "job {}: the output does not match the claimed digest",
                    submitted.job
                ));
                continue;
            }
            if is_exact {
                exact += 1;
            } else {
                faults.push(format!("job {}: the output is not the exact one", submitted.job));
            }
            match (outcome.answer, outcome.label) {
                (Some(answer), Some(label)) if answer as i64 == label => right += 1,
                (Some(answer), Some(label)) => {
                    wrong.push(format!("{} is a {label} and was read as a {answer}", prepared.name))
                }
                _ => faults.push(format!(
                    "{} has no label, or job {} no answer",
                    prepared.name, submitted.job
                )),
            }
        }
        println!(
            "  {refunded} of {} outputs were wrong, convicted and refunded",
            jobs.len()
        );
        let paid = jobs.len() - refunded;
        println!("  {exact} of the other {paid} outputs equal the reference bit for bit");
        println!("  {right} of {paid} digits are recognised as their labels say");
        wrong.iter().for_each(|line| println!("    {line}"));
        Ok(())
    }

    fn times(&self) {
        let stories = || {
            self.submitted
                .iter()
                .filter_map(|job| Some((job, self.tracker.story(job.job)?)))
        };
        let mut claims = Vec::new();
        let mut settlements = Vec::new();
        let mut auctions = Vec::new();
        for (submitted, story) in stories() {
            let since = |block: u32, seen: Instant| {
                (
                    block.saturating_sub(story.submitted.block),
                    seen.saturating_duration_since(submitted.at).as_secs_f64(),
                )
            };
            if let Some(claimed) = &story.claimed {
                let list = if story.auctioned { &mut auctions } else { &mut claims };
                list.push(since(claimed.block, claimed.seen));
            }
            if let Some((closed, ..)) = &story.closed {
                settlements.push(since(closed.block, closed.seen));
            }
        }
        println!(
            "  {:<28}{:>24}{:>30}",
            "", "blocks min/median/max", "seconds min/median/max"
        );
        print_spread("to the claim, by offer", claims);
        print_spread("to the claim, by auction", auctions);
        print_spread("to the settlement", settlements);
    }
}

fn input(scene: &Scene, prepared: &Prepared) -> anyhow::Result<Vec<assay_ops::tensor::Tensor>> {
    let symbols = match &prepared.request.input {
        assay_types::JobInput::Inline(payload) => &payload.symbols,
        assay_types::JobInput::Digest { symbols, .. } => symbols,
    };
    let unfit = |error| anyhow::anyhow!("{}: {error:?}", prepared.name);
    let layouts = scene.model.record.parts.schema.input_layouts(symbols).map_err(unfit)?;
    schema::tensors(&layouts, &prepared.bytes).map_err(unfit)
}

fn print_spread(what: &str, mut times: Vec<(u32, f64)>) {
    if times.is_empty() {
        return;
    }
    let middle = times.len() / 2;
    times.sort_by_key(|(blocks, _)| *blocks);
    let blocks = format!("{} / {} / {}", times[0].0, times[middle].0, times[times.len() - 1].0);
    times.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let seconds = format!(
        "{:.1} / {:.1} / {:.1}",
        times[0].1,
        times[middle].1,
        times[times.len() - 1].1
    );
    println!("  {what:<28}{blocks:>24}{seconds:>30}");
}
