//! The checks of a receipt: offline with the model's package, and against the chain.

use super::{past, receipt::Told};
use assay_client::{
    chain::{ChainError, Client, Session, Snapshot},
    units,
};
use assay_engine::Engine;
use assay_ops::tensor::{Tensor, tensors_digest};
use assay_package::Package;
use assay_session::{
    Place,
    request::{CheckedRequest, outputs},
};
use assay_types::{ClaimSource, H256, schema::ModelKind, session::SessionPhase};

/// Outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Finding {
    /// It holds.
    Holds,
    /// It does not hold: the receipt is wrong.
    Fails,
    /// It cannot be decided with what is here.
    Unknown,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Check {
    /// A word for it.
    pub name: &'static str,
    /// Outcome.
    pub finding: Finding,
    /// Values that were compared, or why the check fails.
    pub detail: String,
}

impl Check {
    /// A check that holds or fails.
    pub fn new(name: &'static str, holds: bool, right: &str, wrong: impl FnOnce() -> String) -> Self {
        Self {
            name,
            finding: if holds { Finding::Holds } else { Finding::Fails },
            detail: if holds { right.to_owned() } else { wrong() },
        }
    }

    /// A check that cannot be decided.
    pub fn unknown(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            name,
            finding: Finding::Unknown,
            detail: detail.into(),
        }
    }
}

/// The request and the answer of a receipt, whose digests it has.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Exchange {
    /// The inputs that the client gave.
    pub inputs: Vec<Tensor>,
    /// The outputs of the answer.
    pub outputs: Vec<Tensor>,
}

/// Checks what can be checked without an execution. The exchange is what an execution can check; `None` if a check
/// fails before it or something is missing.
pub(in crate::commands) fn on_paper(told: &Told, package: &Package) -> (Vec<Check>, Option<Exchange>) {
    let said = &told.signed.message;
    let misquoted = told.misquoted();
    let mut checks = vec![
        Check::new(
            "quotation",
            misquoted.is_none(),
            "the fields say what is signed",
            || format!("`{}` is not what is signed", misquoted.unwrap_or_default()),
        ),
        signature(told),
        Check::new(
            "model",
            package.root() == said.model_root.0,
            "the package has the signed root",
            || "the package has another root than the receipt: name that of the model that was asked".to_owned(),
        ),
    ];
    let is_of_model = checks.last().is_some_and(|check| check.finding == Finding::Holds);
    if !is_of_model {
        return (checks, None);
    }
    let (check, input) = input(told, package);
    checks.push(check);
    let (check, output) = output(told, package);
    checks.push(check);
    let exchange = input.zip(output).map(|(inputs, outputs)| Exchange { inputs, outputs });
    (checks, exchange)
}

fn signature(told: &Told) -> Check {
    let Some(key) = &told.key else {
        return Check::unknown(
            "signature",
            "`worker_key` is missing: name a node with --node, whose chain knows it",
        );
    };
    let (is_signed, said) = (told.signed.is_by(key, place(told)), &told.signed.message);
    let right = format!("`worker_key` has signed it for session {}", said.session);
    Check::new("signature", is_signed, &right, || {
        "`worker_key` has not signed this".to_owned()
    })
}

fn place(told: &Told) -> Place {
    Place {
        genesis: told.signed.message.genesis,
        session: told.signed.message.session,
    }
}

/// The inputs, if they have the signed digest.
fn input(told: &Told, package: &Package) -> (Check, Option<Vec<Tensor>>) {
    let (Some(symbols), Some(bytes)) = (&told.symbols, &told.input) else {
        return (Check::unknown("input", "`symbols` or `input` is missing"), None);
    };
    let (parts, said) = (package.parts(), &told.signed.message);
    let request = match CheckedRequest::of_bytes(parts, symbols.clone(), bytes.clone()) {
        Ok(request) => request,
        Err(error) => return (Check::new("input", false, "", || error.to_string()), None),
    };
    let fits = request.digest == said.input_digest && request.units == said.units;
    let check = Check::new("input", fits, "the input has the signed digest and work", || {
        "the input is not the one that the receipt is about".to_owned()
    });
    (check, request.inputs(parts).ok().filter(|_| fits))
}

/// The outputs, if they have the signed digest.
fn output(told: &Told, package: &Package) -> (Check, Option<Vec<Tensor>>) {
    let (Some(symbols), Some(bytes)) = (&told.symbols, &told.output) else {
        return (Check::unknown("output", "`symbols` or `output` is missing"), None);
    };
    match outputs(package.parts(), symbols, bytes) {
        Ok((outputs, digest)) => {
            let fits = digest == told.signed.message.output_digest;
            let check = Check::new("output", fits, "the output has the signed digest", || {
                "the output is not the one that the receipt is about".to_owned()
            });
            (check, Some(outputs).filter(|_| fits))
        }
        Err(error) => (Check::new("output", false, "", || error.to_string()), None),
    }
}

/// Executes the request: the model itself, or once the check graph of a generation.
pub(in crate::commands) fn by_execution(
    told: &Told,
    exchange: Option<Exchange>,
    package: &Package,
    engine: &dyn Engine,
) -> Check {
    let Some(Exchange { mut inputs, outputs }) = exchange else {
        return Check::unknown("execution", "not executed, since what stands above does not hold");
    };
    if package.parts().kind == ModelKind::Generation {
        inputs.extend(outputs.into_iter().next());
    }
    let executed = engine.load(package).and_then(|model| model.run(&inputs));
    match executed {
        Ok(executed) => {
            let is_right = H256(tensors_digest(&executed)) == told.signed.message.output_digest;
            let right = format!("the model gives this output, bit for bit ({})", engine.description());
            Check::new("execution", is_right, &right, || {
                "the model gives another output: the worker's receipt is WRONG".to_owned()
            })
        }
        Err(error) => Check::unknown("execution", error.to_string()),
    }
}

/// Checks a receipt against its session: in the chain's state, or in the past as far as the node has it.
pub(in crate::commands) async fn on_chain(told: &Told, client: &Client) -> Result<Vec<Check>, ChainError> {
    let said = &told.signed.message;
    if said.genesis != client.genesis() {
        let reason = "the receipt is of another chain: name a node of that one";
        return Ok(vec![Check::unknown("chain", reason)]);
    }
    let snapshot = client.finalized().await?;
    if let Some(session) = snapshot.session(said.session).await? {
        return at(told, &snapshot, &session).await;
    }
    let Some(past) = past::find(client, said.session, said.block, snapshot.number()).await? else {
        let reason = format!(
            "session {} is over and this node has pruned it, or it was never opened: name an archive node with --node; \
             its receipts can be challenged no more",
            said.session
        );
        return Ok(vec![Check::unknown("session", reason)]);
    };
    let mut checks = at(told, &past.state, &past.session).await?;
    let over = format!("; it is over since block {}", past.state.number().saturating_add(1));
    let session = checks.iter_mut().find(|check| check.name == "session");
    session.into_iter().for_each(|check| check.detail += &over);
    if let Some(judged) = past::judged(said.sequence, &past.events) {
        checks.retain(|check| check.name != judged.name);
        checks.push(judged);
    }
    Ok(checks)
}

/// Checks a receipt against a state that has its session.
async fn at(told: &Told, snapshot: &Snapshot, session: &Session) -> Result<Vec<Check>, ChainError> {
    let said = &told.signed.message;
    let claim = ClaimSource::Receipt {
        session: said.session,
        sequence: said.sequence,
    };
    let disputed = match claim.id() {
        Some(claim) => snapshot.disputed_receipt(claim).await?.is_some(),
        None => false,
    };
    let stake = snapshot.worker(&session.worker).await?.map(|worker| worker.stake);
    Ok(by_record(told, session, stake, disputed))
}

/// Checks of a receipt against the session's record.
fn by_record(told: &Told, session: &Session, stake: Option<u128>, is_disputed: bool) -> Vec<Check> {
    let (said, phase) = (&told.signed.message, session.state.phase());
    let is_signed = told.signed.is_by(&session.worker_key, place(told));
    let is_of_session = is_signed && said.model_root == session.model_root;
    let right = format!(
        "the worker {} signed it with the session's key, for its model",
        session.worker
    );
    let is_named = told.worker.is_empty() || told.worker == session.worker.to_string();
    let mut checks = vec![
        Check::new("session", is_of_session, &right, || {
            "the session's worker has not signed this, or the session is on another model".to_owned()
        }),
        Check::new(
            "worker",
            is_named,
            "the session is with the worker that is named",
            || format!("the session's worker is {}", session.worker),
        ),
    ];
    let until = match session.ends_after() {
        Some(until) => format!("the session is {phase:?} until block {until} of Assay time"),
        None => format!("the session is {phase:?}"),
    };
    checks.push(match stake {
        Some(stake) if session.locked > 0 || is_disputed => {
            let detail = format!(
                "{} of the worker's stake of {} secures the session; {until}",
                units::format(session.locked),
                units::format(stake)
            );
            Check::new("stake", true, &detail, String::new)
        }
        _ => Check::unknown("stake", format!("no stake secures the session any more; {until}")),
    });
    checks.push(match (is_disputed, phase) {
        (true, _) => Check::unknown(
            "verdict",
            "the receipt is disputed now: do not rely on it before the verdict",
        ),
        (false, SessionPhase::Convicted) => Check::unknown(
            "verdict",
            "the worker was convicted for a receipt of this session; which one is in the chain's events",
        ),
        (false, _) => Check::new(
            "verdict",
            true,
            "nobody disputes it, and nobody was convicted",
            String::new,
        ),
    });
    checks
}

#[cfg(test)]
pub(super) mod tests;
