//! Speed of an imported model on this machine, and a price for it.

use crate::cli::NodeArgs;
use anyhow::Context;
use assay_client::{chain::Balance, units};
use assay_engine::{
    EngineChoice,
    measure::{self, Speed},
};
use assay_package::Package;
use assay_types::{
    ModelVersion,
    offer::{WORK_PER_RATE, largest_work, price},
};
use std::time::Duration;

/// Time of the measured run, if one run is shorter.
const PATIENCE: Duration = Duration::from_secs(2);
/// Part of a job's price that is its base, for sizes that are shown: one in so many.
const BASE_PART: Balance = 20;

/// Prices of the standing offers of a chain.
pub(super) struct Quotes {
    /// Price of [`WORK_PER_RATE`] units at the model's largest job, of each offer, in rising order.
    rates: Vec<Balance>,
}

impl Quotes {
    fn median(&self) -> Option<Balance> {
        self.rates.get(self.rates.len() / 2).copied()
    }
}

/// Reads the offers for the latest versions of all models.
pub(super) async fn quotes(node: &NodeArgs) -> anyhow::Result<Quotes> {
    let snapshot = super::connect(node).await?.finalized().await?;
    let mut rates = Vec::new();
    for model in 0..snapshot.next_model_id().await? {
        let Some(line) = snapshot.model(model).await? else {
            continue;
        };
        let version = ModelVersion {
            model,
            version: line.latest_version,
        };
        let Some(record) = snapshot.version(version).await? else {
            continue;
        };
        let work = largest_work(&record.parts);
        let offers = snapshot.offers(version).await?;
        rates.extend(offers.iter().map(|offer| {
            let price = price(offer.terms.base, offer.terms.rate, work);
            rate_of(price, work)
        }));
    }
    rates.sort_unstable();
    Ok(Quotes { rates })
}

/// The rate at which a job of this work has this price without a base; it saturates.
fn rate_of(price: Balance, work: u64) -> Balance {
    price.saturating_mul(Balance::from(WORK_PER_RATE)) / Balance::from(work.max(1))
}

/// Runs a package for some seconds, and prints how fast it is and what to charge. Where quotes were asked for and not
/// read, a note says so.
pub(super) fn advise(package: &Package, quotes: Option<anyhow::Result<Quotes>>) -> anyhow::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let engine = assay_engine::open(EngineChoice::Cpu, None, threads)?;
    let model = engine.load(package).context("the package cannot be loaded here")?;
    let speed = measure::measure(&model, PATIENCE);
    let speed = speed.context("the package is written, and a measured run of it failed")?;
    let symbols = &package.graph().graph().symbols;
    let sizes = symbols.iter().zip(&speed.symbols);
    let sizes: Vec<String> = sizes
        .map(|(symbol, size)| format!("{} = {size}", symbol.name))
        .collect();
    println!("\nengine     {}", engine.description());
    println!("speed      {}", written(&speed, &sizes));
    match quotes {
        None => {}
        Some(Err(error)) => eprintln!("the offers of the market were not read: {error:#}"),
        Some(Ok(quotes)) => {
            println!("{}", market(&quotes, &speed));
            if quotes.median().is_some() {
                return Ok(());
            }
        }
    }
    let hour = speed.work_per_second() * 3_600.0 / WORK_PER_RATE as f64;
    println!(
        "to charge  {} units of 10^9 are an hour of this machine: rate = (what an hour must bring) / {0}; \
         docs/operating.md, \"What to charge\"",
        hour.round()
    );
    Ok(())
}

fn written(speed: &Speed, sizes: &[String]) -> String {
    let per_second = format!("{:.3}·10^9 units of work a second", speed.work_per_second() / 1e9);
    match speed.tokens {
        Some(tokens) => {
            let rate = |(count, time): (u32, Duration)| f64::from(count) / time.as_secs_f64().max(f64::MIN_POSITIVE);
            format!(
                "a prompt at {:.1} tokens/s, then {:.1} tokens/s: {per_second}",
                rate(tokens.read),
                rate(tokens.made)
            )
        }
        None => {
            let place = match sizes.is_empty() {
                true => String::new(),
                false => format!(" at {}", sizes.join(", ")),
            };
            format!("{:.4} s for a job{place}: {per_second}", speed.time.as_secs_f64())
        }
    }
}

/// The offers of the market, and the price at their median for a model of this speed.
fn market(quotes: &Quotes, speed: &Speed) -> String {
    let (Some(least), Some(median), Some(most)) = (quotes.rates.first(), quotes.median(), quotes.rates.last()) else {
        return "offers     none on this chain".to_owned();
    };
    let offers = format!(
        "offers     {} on this chain, of {} to {} ASY for 10^9 units at the largest job, {} at the median",
        quotes.rates.len(),
        units::format(*least),
        units::format(*most),
        units::format(median)
    );
    let job = price(0, median, speed.work);
    let base = (job / BASE_PART).max(1);
    let rate = rate_of(job.saturating_sub(base), speed.work);
    let jobs = 3_600.0 / speed.time.as_secs_f64().max(f64::MIN_POSITIVE);
    format!(
        "{offers}\nto charge  base = \"{}\", rate = \"{}\": {} ASY for the job above, {:.4} ASY for an hour of such jobs",
        units::format(base),
        units::format(rate),
        units::format(price(base, rate, speed.work)),
        job as f64 * jobs / units::UNIT as f64
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of 4·10^9 units that takes two seconds.
    fn speed() -> Speed {
        Speed {
            symbols: vec![1],
            work: 4_000_000_000,
            time: Duration::from_secs(2),
            tokens: None,
        }
    }

    #[test]
    fn a_price_is_the_median_of_the_market_for_the_work_of_a_job() {
        let rates = [1, 2, 50].map(|rate| rate * units::UNIT).to_vec();
        let text = market(&Quotes { rates }, &speed());
        assert!(text.contains("3 on this chain, of 1 to 50 ASY"), "{text}");
        // 2 ASY for 10^9 units: 8 for the job, of which the twentieth part is the base, and 1,800 jobs in an hour.
        assert!(
            text.contains("base = \"0.4\", rate = \"1.9\": 8 ASY for the job above"),
            "{text}"
        );
        assert!(text.contains("14400.0000 ASY for an hour"), "{text}");
    }

    #[test]
    fn a_market_without_offers_says_so() {
        let text = market(&Quotes { rates: Vec::new() }, &speed());
        assert_eq!(text, "offers     none on this chain");
    }

    #[test]
    fn prices_without_a_rate_are_compared_by_the_work_of_the_largest_job() {
        assert_eq!(rate_of(8 * units::UNIT, 4_000_000_000), 2 * units::UNIT);
        assert_eq!(rate_of(7, 0), 7 * Balance::from(WORK_PER_RATE));
        assert!(rate_of(Balance::MAX, 1) > 0);
    }

    #[test]
    fn a_speed_is_written_with_its_sizes() {
        let text = written(&speed(), &["batch = 1".to_owned()]);
        assert_eq!(
            text,
            "2.0000 s for a job at batch = 1: 2.000·10^9 units of work a second"
        );
    }
}
