//! Results on the terminal: a table or JSON, files, and exit codes.

use anyhow::Context;
use assay_client::request::{outcome::Outcome, run::Until};
use assay_media::labels::Ranked;
use assay_types::Schema;
use std::{path::Path, process::ExitCode};

/// Meaning of the exit codes of `request` and `results`; shown by --help.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    all that was waited for has come, and every output fits its claim
  1    nothing could be submitted, a job was refunded or convicted, or an output does not fit its claim
  2    the command line is wrong
  3    jobs are still open: `assay-worker request --resume` goes on with them
  130  interrupted: what was submitted goes on, and `assay-worker request --resume` goes on with it";

/// Jobs are still open.
pub const STILL_OPEN: u8 = 3;
/// Interrupted by a signal.
pub const INTERRUPTED: u8 = 130;

/// Classes that are shown of a model that names them.
pub const SHOWN_CLASSES: usize = 5;

/// Prints the results.
pub fn print(outcomes: &[Outcome], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(outcomes)?);
        return Ok(());
    }
    println!(
        "{:>6}  {:<9} {:<8} {:>10}  {:>6} {:>6}  {:<15} input",
        "job", "state", "matched", "price", "answer", "label", "result"
    );
    for outcome in outcomes {
        let number = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        println!(
            "{:>6}  {:<9} {:<8} {:>10}  {:>6} {:>6}  {:<15} {}",
            outcome.job,
            outcome.state,
            outcome.matched,
            number(outcome.price.clone()),
            number(outcome.answer.map(|answer| answer.to_string())),
            number(outcome.label.map(|label| label.to_string())),
            outcome.brief,
            outcome.input
        );
    }
    explain(outcomes);
    outcomes
        .iter()
        .filter_map(answer)
        .for_each(|answer| println!("{answer}"));
    Ok(())
}

/// A line for each of these classes, with its probability.
pub fn classes(ranked: &[Ranked]) -> String {
    let line = |class: &Ranked| format!("  {:6.2} %  {}\n", 100.0 * class.probability, class.label);
    ranked.iter().map(line).collect()
}

/// The best classes by name, or generated content: the text, or the tokens where there is nothing to decode them with.
fn answer(outcome: &Outcome) -> Option<String> {
    if let Some(best) = &outcome.best {
        let classes = classes(best);
        return Some(format!(
            "\n{} (job {}):\n{}",
            outcome.input,
            outcome.job,
            classes.trim_end()
        ));
    }
    let tokens = match (&outcome.tokens, &outcome.text) {
        (Some(tokens), _) => tokens,
        (None, text) => {
            return Some(format!(
                "\n{} (job {}):\n{}",
                outcome.input,
                outcome.job,
                text.as_ref()?
            ));
        }
    };
    let said = outcome.text.clone().unwrap_or_else(|| {
        let tokens: Vec<String> = tokens.iter().map(i64::to_string).collect();
        tokens.join(" ")
    });
    Some(format!("\n{} (job {}):\n{said}", outcome.input, outcome.job))
}

/// Says in sentences what the table says in a word, once for each kind.
fn explain(outcomes: &[Outcome]) {
    let mut kinds: Vec<(&str, &str, usize)> = Vec::new();
    for outcome in outcomes {
        // Results that differ in the block alone are of one kind.
        let kind = outcome.brief.split(" to ").next().unwrap_or_default();
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some((.., count)) => *count += 1,
            None => kinds.push((kind, outcome.result.as_str(), 1)),
        }
    }
    for (_, result, count) in kinds {
        let jobs = if count == 1 { "job" } else { "jobs" };
        println!("{count} {jobs}: {result}");
    }
}

/// Writes the outputs to a folder.
pub fn save(outcomes: &[Outcome], folder: &Path, schema: &Schema) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    Ok(outcomes.iter().try_for_each(|outcome| outcome.save(folder, schema))?)
}

/// The exit code that says what came of the jobs.
pub fn verdict(outcomes: &[Outcome], until: Until, unfinished: usize) -> ExitCode {
    ExitCode::from(code(outcomes, until, unfinished))
}

fn code(outcomes: &[Outcome], until: Until, unfinished: usize) -> u8 {
    let is_bad = |outcome: &Outcome| {
        let refunded = outcome.closed.is_some() && !outcome.is_final;
        let lost = matches!(outcome.state.as_str(), "unknown" | "closed") && outcome.output_digest.is_none();
        refunded || lost || outcome.digest_matches == Some(false)
    };
    let is_late = |outcome: &Outcome| match until {
        Until::Submitted => false,
        Until::Claimed => outcome.output_digest.is_none() || outcome.state == "disputed",
        Until::Closed => !outcome.is_final,
    };
    if outcomes.iter().any(is_bad) {
        1
    } else if unfinished > 0 || outcomes.iter().any(is_late) {
        STILL_OPEN
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(state: &str, closed: Option<&str>, is_final: bool, fits: Option<bool>) -> Outcome {
        Outcome {
            input: "input".into(),
            job: 1,
            state: state.into(),
            matched: "offer",
            worker: None,
            price: None,
            output_digest: fits.map(|_| "0x00".into()),
            digest_matches: fits,
            answer: None,
            best: None,
            tokens: None,
            text: None,
            label: None,
            closed: closed.map(Into::into),
            is_final,
            window_until: None,
            result: String::new(),
            outputs: None,
            brief: String::new(),
        }
    }

    #[test]
    fn the_exit_code_says_what_came_of_the_jobs() {
        let claimed = outcome("claimed", None, false, Some(true));
        let settled = outcome("settled", Some("WindowPassed"), true, Some(true));
        let convicted = outcome("refunded", Some("Fraud"), false, Some(true));
        let wrong = outcome("claimed", None, false, Some(false));
        let assigned = outcome("assigned", None, false, None);
        let (unknown, pruned) = (
            outcome("unknown", None, false, None),
            outcome("closed", None, false, None),
        );
        for (outcomes, until, unfinished, expected) in [
            (vec![claimed.clone(), settled.clone()], Until::Claimed, 0, 0),
            (vec![settled.clone()], Until::Closed, 0, 0),
            (vec![claimed.clone()], Until::Closed, 1, STILL_OPEN),
            (vec![assigned.clone(), settled.clone()], Until::Claimed, 1, STILL_OPEN),
            (vec![assigned], Until::Submitted, 0, 0),
            (vec![settled.clone(), convicted], Until::Claimed, 0, 1),
            (vec![settled, wrong], Until::Claimed, 0, 1),
            (vec![unknown], Until::Claimed, 0, 1),
            (vec![pruned], Until::Claimed, 0, 1),
        ] {
            assert_eq!(code(&outcomes, until, unfinished), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn what_was_generated_is_shown_as_text_or_as_tokens() {
        let mut generated = outcome("claimed", None, false, Some(true));
        assert_eq!(answer(&generated), None);
        generated.tokens = Some(vec![5, -1]);
        assert_eq!(answer(&generated).as_deref(), Some("\ninput (job 1):\n5 -1"));
        generated.text = Some("yes".into());
        assert_eq!(answer(&generated).as_deref(), Some("\ninput (job 1):\nyes"));
    }

    #[test]
    fn the_best_classes_are_shown_by_name() {
        let mut named = outcome("claimed", None, false, Some(true));
        let class = |label: &str, probability| Ranked {
            label: label.to_owned(),
            probability,
        };
        named.best = Some(vec![class("tabby", 0.75), class("cup", 0.0312)]);
        let expected = "\ninput (job 1):\n   75.00 %  tabby\n    3.12 %  cup";
        assert_eq!(answer(&named).as_deref(), Some(expected));
    }

    #[test]
    fn the_help_names_every_exit_code() {
        for code in [STILL_OPEN, INTERRUPTED] {
            assert!(EXIT_CODES.contains(&format!("\n  {code} ")), "{code}");
        }
    }
}
