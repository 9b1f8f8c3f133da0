//! Checking a receipt: by our execution, or by asking a second worker.

use crate::{
    client::{Session, Sessions},
    error::SessionError,
    journal::KeptCase,
    request::CheckedRequest,
    types::{AccountId, Balance, ModelVersion, SignedReceipt},
};
use assay_ops::tensor::Tensor;
use futures::future::BoxFuture;
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};
use tokio::sync::Mutex;

/// A receipt that was drawn for a check, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The model version.
    pub model: ModelVersion,
    /// The worker that signed the receipt.
    pub worker: AccountId,
    /// Values of the model's symbols that the request declared.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave: for a generation, all but the sequence.
    pub inputs: Vec<Tensor>,
    /// The outputs that the worker sent, whose digest the receipt has.
    pub outputs: Vec<Tensor>,
    /// The receipt.
    pub receipt: SignedReceipt,
}

/// Verdict of a check on a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The model gives these outputs.
    Right,
    /// The model gives other outputs.
    Wrong,
}

/// Why a receipt was not checked. It is tried again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a receipt was not checked: {reason}")]
pub struct CheckError {
    /// The fault.
    pub reason: String,
}

/// Checks receipts.
pub trait Checker: Send + Sync + 'static {
    /// Checks a receipt: executes the model on the inputs, or for a generation its check graph on inputs and sequence,
    /// once. A wrong verdict costs a bond, so it must come from an execution.
    fn check(&self, case: Case) -> BoxFuture<'static, Result<Verdict, CheckError>>;
}

/// Asks a second worker, and an arbiter only where the two differ: exact answers are equal, or one of the two is wrong.
///
/// A second answer costs its price, and no model has to be here for it. The arbiter executes.
#[derive(Clone)]
pub struct SecondOpinion {
    shared: Arc<Asking>,
}

struct Asking {
    sessions: Sessions,
    budget: Balance,
    arbiter: Arc<dyn Checker>,
    /// One session for each model and each worker that is not asked.
    open: Mutex<BTreeMap<(ModelVersion, AccountId), Session>>,
}

impl SecondOpinion {
    /// Asks in sessions of these, each with this budget. They are those of a client without a checker, with a journal
    /// of its own: its receipts are not checked in turn.
    pub fn new(sessions: Sessions, budget: Balance, arbiter: Arc<dyn Checker>) -> Self {
        let shared = Asking {
            sessions,
            budget,
            arbiter,
            open: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Checker for SecondOpinion {
    fn check(&self, case: Case) -> BoxFuture<'static, Result<Verdict, CheckError>> {
        let shared = self.shared.clone();
        Box::pin(async move {
            shared.check(case).await.map_err(|error| CheckError {
                reason: error.to_string(),
            })
        })
    }
}

impl Asking {
    async fn check(&self, case: Case) -> Result<Verdict, SessionError> {
        let session = self.session(&case).await?;
        let parts = self.sessions.parts(case.model).await?;
        let input: Vec<u8> = case.inputs.iter().flat_map(|input| input.bytes()).copied().collect();
        let request = CheckedRequest::of_bytes(&parts, case.symbols.clone(), input.clone())?;
        let second = session.ask(request).await?;
        if second.receipt.message.output_digest == case.receipt.message.output_digest {
            return Ok(Verdict::Right);
        }
        let answer = crate::request::delivery(&parts, &second.outputs);
        let other = Case {
            worker: second.worker,
            outputs: second.outputs,
            receipt: second.receipt,
            ..case.clone()
        };
        // Both may be wrong.
        let is_wrong = self.judge(other.clone()).await? == Verdict::Wrong;
        if is_wrong {
            let kept = KeptCase {
                symbols: other.symbols,
                input,
                answer,
                receipt: other.receipt,
                is_wrong,
            };
            self.sessions.bring(kept).await?;
        }
        self.judge(case).await
    }

    async fn judge(&self, case: Case) -> Result<Verdict, SessionError> {
        let judged = self.arbiter.check(case).await;
        judged.map_err(|error| SessionError::Unchecked { reason: error.reason })
    }

    /// A session with anybody but the worker that is being checked.
    async fn session(&self, case: &Case) -> Result<Session, SessionError> {
        let mut open = self.open.lock().await;
        let key = (case.model, case.worker.clone());
        if let Some(session) = open.get(&key) {
            return Ok(session.clone());
        }
        let out = HashSet::from([case.worker.clone()]);
        let session = Session::open_without(&self.sessions, case.model, self.budget, out).await?;
        open.insert(key, session.clone());
        Ok(session)
    }
}
