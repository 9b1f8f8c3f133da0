//! Receipts that were drawn are checked, and wrong ones are brought to the chain. The journal has what is due, so a
//! client that is killed goes on with it.

use super::Shared;
use crate::{
    chain::{ChainError, WrongReceipt},
    check::{Case, Checker, Verdict},
    error::SessionError,
    journal::KeptCase,
    request::{self, CheckedRequest},
    types::SessionId,
};
use tokio::time::timeout;

/// Checks until it is dropped.
pub(super) async fn run(shared: &Shared) {
    loop {
        match look(shared).await {
            Ok(0) => {}
            Ok(left) => tracing::debug!(left, "receipts wait for being checked"),
            Err(error) => tracing::warn!(%error, "does not check receipts; tries again later"),
        }
        // Whichever comes first; both mean the same.
        let _ = timeout(shared.config.look, shared.drawn.notified()).await;
    }
}

/// Looks at every receipt that was drawn; returns how many are left.
pub(super) async fn look(shared: &Shared) -> Result<usize, SessionError> {
    let mut left = 0;
    for (key, kept) in shared.journal.cases()? {
        if !settle(shared, key, kept).await? {
            left += 1;
        }
    }
    Ok(left)
}

/// Checks a receipt, or brings it to the chain; whether nothing more is due for it.
async fn settle(shared: &Shared, key: (SessionId, u32), mut kept: KeptCase) -> Result<bool, SessionError> {
    let Some(state) = shared.journal.state(key.0)? else {
        shared.journal.keep_checked(key, None).await?;
        return Ok(true);
    };
    if shared.past(&state.worker).is_challenged {
        // One proved fault costs the worker what it has to lose, and every further challenge has a larger bond.
        shared.journal.keep_checked(key, None).await?;
        return Ok(true);
    }
    let model = shared.model(state.model).await?;
    let request = CheckedRequest::of_bytes(&model.parts, kept.symbols.clone(), kept.input.clone())?;
    let (outputs, _) = request::outputs(&model.parts, &kept.symbols, &kept.answer)?;
    let case = Case {
        model: state.model,
        worker: state.worker.clone(),
        symbols: kept.symbols.clone(),
        inputs: request.inputs(&model.parts)?,
        outputs,
        receipt: kept.receipt.clone(),
    };
    if !kept.is_wrong {
        let Some(checker) = &shared.checker else {
            return Ok(false);
        };
        match verdict(checker.as_ref(), &case).await {
            None => return Ok(false),
            Some(Verdict::Right) => {
                shared.journal.keep_checked(key, None).await?;
                return Ok(true);
            }
            Some(Verdict::Wrong) => {
                kept.is_wrong = true;
                shared.journal.keep_checked(key, Some(&kept)).await?;
            }
        }
    }
    // Nothing more is promised to it, whatever becomes of the challenge.
    shared.note(&state.worker, |past| past.is_out = true);
    tracing::warn!(worker = %state.worker, session = key.0, sequence = key.1, "challenges a wrong receipt");
    let wrong = WrongReceipt {
        worker: state.worker,
        model: state.model,
        receipt: case.receipt,
        symbols: case.symbols,
        inputs: case.inputs,
        outputs: case.outputs,
    };
    let worker = wrong.worker.clone();
    match shared.chain.challenge_receipt(wrong).await {
        Ok(()) => shared.note(&worker, |past| past.is_challenged = true),
        Err(error @ ChainError::Unreachable { .. }) => {
            tracing::warn!(%error, "does not challenge a wrong receipt; tries again later");
            return Ok(false);
        }
        // The same again is refused again: its window has passed, or somebody was faster.
        Err(error @ ChainError::Refused { .. }) => tracing::error!(%error, "cannot challenge a wrong receipt"),
    }
    shared.journal.keep_checked(key, None).await?;
    Ok(true)
}

async fn verdict(checker: &dyn Checker, case: &Case) -> Option<Verdict> {
    match checker.check(case.clone()).await {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            tracing::warn!(%error, "tries again later");
            None
        }
    }
}
