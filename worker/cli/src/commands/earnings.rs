//! `assay-worker earnings`

use super::status::account;
use crate::cli::NodeArgs;
use assay_client::{
    earnings::{self, Earnings, Totals, date},
    units,
};
use assay_types::ModelVersion;
use clap::Args;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Columns of the table and of CSV.
const COLUMNS: [&str; 11] = [
    "day",
    "model",
    "jobs",
    "job_pay",
    "redemptions",
    "session_pay",
    "misses",
    "declines",
    "late_answers",
    "convictions",
    "lost",
];

/// Options of `earnings`.
#[derive(Debug, Args)]
pub struct EarningsArgs {
    /// The worker's account, or a key
    account: String,
    /// Days that are looked at, today among them
    #[arg(long, default_value_t = 7, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) async fn run(args: EarningsArgs) -> anyhow::Result<ExitCode> {
    let worker = account(&args.account)?;
    let client = super::connect(&args.node).await?;
    let found = earnings::read(&client, &worker, args.days).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&object(&found))?);
        return Ok(ExitCode::SUCCESS);
    }
    let rows = found
        .rows
        .iter()
        .map(|((day, model), totals)| cells(*day, *model, totals));
    let rows: Vec<[String; 11]> = rows.collect();
    match args.csv {
        true => println!("{}", csv(&rows)),
        false => println!("{}", table(&rows)),
    }
    eprintln!("{}", scope(&found));
    Ok(ExitCode::SUCCESS)
}

/// Which blocks were looked at, and what pruning hides.
fn scope(found: &Earnings) -> String {
    let looked = format!(
        "Blocks {} to {} were looked at; amounts are in ASY.",
        found.first, found.last
    );
    match found.is_pruned {
        true => format!(
            "{looked}\nThis node has thrown away the events of earlier blocks: ask one that runs with `--state-pruning \
             archive`."
        ),
        false => looked,
    }
}

fn cells(day: u64, model: Option<ModelVersion>, totals: &Totals) -> [String; 11] {
    [
        date(day),
        model.map_or_else(|| "unknown".to_owned(), |model| model.to_string()),
        totals.jobs.to_string(),
        units::format(totals.job_pay),
        totals.redemptions.to_string(),
        units::format(totals.session_pay),
        totals.misses.to_string(),
        totals.declines.to_string(),
        totals.late_answers.to_string(),
        totals.convictions.to_string(),
        units::format(totals.lost),
    ]
}

fn csv(rows: &[[String; 11]]) -> String {
    // No cell has a comma or a quotation mark.
    let lines = rows.iter().map(|row| row.join(","));
    std::iter::once(COLUMNS.join(","))
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

fn table(rows: &[[String; 11]]) -> String {
    let widths: Vec<usize> = COLUMNS
        .iter()
        .enumerate()
        .map(|(column, name)| rows.iter().map(|row| row[column].len()).fold(name.len(), usize::max))
        .collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        padded.collect::<Vec<_>>().join("  ")
    };
    let rows = rows.iter().map(|row| line(&row.each_ref().map(String::as_str)));
    std::iter::once(line(&COLUMNS))
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn object(found: &Earnings) -> Value {
    let rows = found.rows.iter().map(|((day, model), totals)| {
        json!({
            "day": date(*day),
            "model": model.map(|model| model.to_string()),
            "jobs": totals.jobs,
            "job_pay_asy": units::format(totals.job_pay),
            "redemptions": totals.redemptions,
            "session_pay_asy": units::format(totals.session_pay),
            "misses": totals.misses,
            "declines": totals.declines,
            "late_answers": totals.late_answers,
            "convictions": totals.convictions,
            "lost_asy": units::format(totals.lost),
        })
    });
    json!({
        "first_block": found.first,
        "last_block": found.last,
        "earlier_blocks_are_pruned": found.is_pruned,
        "rows": rows.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Earnings {
        let totals = Totals {
            jobs: 12,
            job_pay: 3 * units::UNIT / 2,
            ..Totals::default()
        };
        Earnings {
            rows: [((20_454, Some(ModelVersion { model: 0, version: 1 })), totals)].into(),
            first: 5,
            last: 9,
            is_pruned: true,
        }
    }

    #[test]
    fn table_csv_and_json_say_the_same() {
        let found = found();
        let rows: Vec<_> = found
            .rows
            .iter()
            .map(|((day, model), totals)| cells(*day, *model, totals))
            .collect();
        let csv = csv(&rows);
        let (head, row) = csv.split_once('\n').expect("two lines");
        assert_eq!(head.split(',').count(), row.split(',').count());
        assert!(row.starts_with("2026-01-01,") && row.contains(",12,1.5,"), "{row}");
        let table = table(&rows);
        let lengths: Vec<usize> = table.lines().map(str::len).collect();
        assert!(lengths.len() == 2 && lengths[0] == lengths[1], "{table}");
        let object = object(&found);
        assert_eq!(object["rows"][0]["job_pay_asy"], "1.5");
        assert_eq!(object["rows"][0]["day"], "2026-01-01");
        assert_eq!(object["earlier_blocks_are_pruned"], true);
    }

    #[test]
    fn what_pruning_hides_is_said() {
        let found = found();
        assert!(scope(&found).contains("Blocks 5 to 9") && scope(&found).contains("archive"));
        let whole = Earnings {
            is_pruned: false,
            ..found
        };
        assert!(!scope(&whole).contains("archive"));
    }
}
