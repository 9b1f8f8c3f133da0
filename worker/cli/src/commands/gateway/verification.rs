//! Receipts that a customer has checked: what the package and the chain say of them. Nothing is executed, since who
//! asks pays nothing for it.

use super::catalogue::{Listed, unreached};
use crate::commands::verify::{Check, Finding, Told, on_chain, on_paper, read, settle_signature, verdict};
use assay_client::chain::Client;
use assay_gateway::backend::{BackendError, Check as CheckInfo, Verification};
use serde_json::Value;

/// Maximum number of receipts of a call.
const MAX_RECEIPTS: usize = 16;

/// The receipts of a call.
pub(super) fn receipts(value: &Value) -> Result<Vec<Told>, BackendError> {
    let unfit = |reason: String| BackendError::Unfit {
        field: Some("receipt".to_owned()),
        reason,
    };
    let receipts = read(value).map_err(|error| unfit(error.to_string()))?;
    match receipts.len() {
        0..=MAX_RECEIPTS => Ok(receipts),
        more => Err(unfit(format!(
            "{more} receipts are too many: give {MAX_RECEIPTS} at a time"
        ))),
    }
}

/// Checks receipts of sessions by the packages that are here and by the chain.
pub(super) async fn of_sessions(
    receipts: &[Told],
    listed: &[Listed],
    client: &Client,
) -> Result<Verification, BackendError> {
    let mut all = Vec::new();
    for told in receipts {
        let root = told.signed.message.model_root;
        let model = listed.iter().find(|listed| listed.known.model.record.root == root);
        let mut checks = match model {
            Some(listed) => on_paper(told, &listed.known.package).0,
            None => vec![Check::unknown(
                "model",
                "the gateway has no package with the signed root",
            )],
        };
        checks.extend(on_chain(told, client).await.map_err(unreached)?);
        settle_signature(&mut checks);
        all.extend(checks);
    }
    Ok(verification(all))
}

/// Checks the receipt of a job, as it was given, by what the chain says now.
pub(super) fn of_job(given: &Value, now: &Value) -> Verification {
    let same = |name: &'static str, field: &str| {
        let (told, known) = (&given[field], &now[field]);
        let right = format!("`{field}` is what the chain has");
        match known.is_null() {
            true => Check::unknown(name, format!("the chain has no `{field}` of this job")),
            false => Check::new(name, told == known, &right, || {
                format!("the chain has {known}, and not {told}")
            }),
        }
    };
    let output = match now["digest_matches"].as_bool() {
        Some(fits) => Check::new("output", fits, "the output fits the claimed digest", || {
            "the output does not fit the claimed digest".to_owned()
        }),
        None => Check::unknown("output", "the gateway does not have the output, or not the job's input"),
    };
    let words = now["result"].as_str().unwrap_or_default();
    let is_convicted = now["closed"].as_str() == Some("Fraud");
    let verdict = Check::new("verdict", !is_convicted, words, || words.to_owned());
    verification(vec![
        same("worker", "worker"),
        same("claim", "output_digest"),
        output,
        verdict,
    ])
}

/// The same in the gateway's words. What is not known does not hold.
fn verification(checks: Vec<Check>) -> Verification {
    let valid = verdict(checks.iter()) == Finding::Holds;
    let told = |check: Check| CheckInfo {
        name: check.name.to_owned(),
        holds: check.finding == Finding::Holds,
        detail: match check.finding {
            Finding::Unknown => format!("not known: {}", check.detail),
            Finding::Holds | Finding::Fails => check.detail,
        },
    };
    Verification {
        valid,
        checks: checks.into_iter().map(told).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job() -> Value {
        json!({
            "job": 7, "worker": "5Grw", "output_digest": "0x01", "digest_matches": true, "closed": null,
            "result": "the output fits the claimed digest; not final until moment 40",
        })
    }

    fn failing(verification: &Verification) -> Vec<&str> {
        let failing = verification.checks.iter().filter(|check| !check.holds);
        failing.map(|check| check.name.as_str()).collect()
    }

    #[test]
    fn receipt_of_a_job_that_the_chain_says_too_is_valid() {
        let verification = of_job(&job(), &job());
        assert!(verification.valid, "{verification:?}");
        assert_eq!(verification.checks.len(), 4);
    }

    #[test]
    fn receipt_of_a_job_with_another_worker_or_claim_is_not() {
        let mut given = job();
        given["worker"] = json!("5Fake");
        assert_eq!(failing(&of_job(&given, &job())), ["worker"]);
        let mut now = job();
        now["output_digest"] = json!("0x02");
        assert_eq!(failing(&of_job(&job(), &now)), ["claim"]);
    }

    #[test]
    fn convicted_or_pruned_jobs_are_not_valid() {
        let mut now = job();
        now["closed"] = json!("Fraud");
        assert_eq!(failing(&of_job(&job(), &now)), ["verdict"]);
        let mut now = job();
        now["digest_matches"] = Value::Null;
        let verification = of_job(&job(), &now);
        assert_eq!(failing(&verification), ["output"]);
        assert!(!verification.valid);
    }

    #[test]
    fn what_is_no_receipt_is_refused_by_the_field() {
        for value in [json!(3), json!([]), json!({ "signed": "0x" }), json!({ "runs": [] })] {
            let refused = receipts(&value).expect_err("no receipt");
            assert!(
                matches!(&refused, BackendError::Unfit { field: Some(field), .. } if field == "receipt"),
                "{refused:?}"
            );
        }
    }
}
