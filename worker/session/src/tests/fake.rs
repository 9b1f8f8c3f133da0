//! A chain, an engine and a checker for tests.

use super::fixtures::{GENERATION, GENESIS, PLAIN, model, row};
use crate::{
    chain::{ChainAnswer, ChainError, ClientChain, Equivocation, ModelRecord, SessionChain, WorkerChain, WrongReceipt},
    check::{Case, CheckError, Checker, Verdict},
    choose::Candidate,
    executor::{Execution, Executor, ExecutorError},
    request,
    types::{Balance, BlockNumber, H256, ModelVersion, OpenRequest, Place, SessionId, SessionRecord, SignedVoucher},
};
use assay_ops::tensor::{DataType, Tensor};
use assay_types::session::{SessionAccount, SessionState};
use futures::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// State of the chain.
#[derive(Default)]
pub struct Ledger {
    pub sessions: BTreeMap<SessionId, SessionRecord>,
    pub candidates: Vec<Candidate>,
    pub now: BlockNumber,
    pub challenged: Vec<WrongReceipt>,
    pub convicted: Vec<Equivocation>,
    pub redemptions: u32,
}

/// A chain that checks signatures and money as the pallet does.
#[derive(Default)]
pub struct FakeChain(Mutex<Ledger>);

impl FakeChain {
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().expect("nobody panics with the ledger")
    }

    fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut Ledger) -> Result<T, &'static str>) -> ChainAnswer<'_, T> {
        let done = act(&mut self.ledger()).map_err(|reason| ChainError::Refused {
            reason: reason.to_owned(),
        });
        Box::pin(async move { done })
    }
}

impl Ledger {
    pub fn redeemed(&self, session: SessionId) -> Balance {
        self.sessions[&session].account.redeemed
    }

    fn open(&mut self, request: OpenRequest) -> Result<SessionId, &'static str> {
        let candidate = self
            .candidates
            .iter()
            .find(|candidate| candidate.worker == request.worker);
        let offer = &candidate.ok_or("no such offer")?.offer;
        if offer.terms != request.terms || offer.key != request.worker_key {
            return Err("the offer has changed");
        }
        if !(offer.terms.min_budget..=offer.terms.max_budget).contains(&request.budget) {
            return Err("no such budget");
        }
        let session = self.sessions.len() as SessionId;
        let record = SessionRecord {
            client: super::fixtures::account(100),
            worker: request.worker,
            model: request.model,
            model_root: model(request.model).root,
            terms: request.terms,
            client_key: request.client_key,
            worker_key: request.worker_key,
            account: SessionAccount::new(request.budget),
            locked: request.terms.lock_for(request.budget),
            disputes: 0,
            state: SessionState::Open {
                until: self.now + request.blocks,
            },
        };
        self.sessions.insert(session, record);
        Ok(session)
    }

    fn redeem(&mut self, voucher: &SignedVoucher) -> Result<(), &'static str> {
        let session = voucher.message.session;
        let record = self.sessions.get_mut(&session).ok_or("no such session")?;
        let place = Place {
            genesis: GENESIS,
            session,
        };
        if !voucher.is_by(&record.client_key, place) {
            return Err("not signed by the client");
        }
        match record.account.redeem(voucher.message.owed) {
            0 => Err("worth nothing"),
            _ => {
                self.redemptions += 1;
                Ok(())
            }
        }
    }
}

impl SessionChain for FakeChain {
    fn genesis(&self) -> H256 {
        GENESIS
    }

    fn now(&self) -> ChainAnswer<'_, BlockNumber> {
        self.with(|ledger| Ok(ledger.now))
    }

    fn session(&self, session: SessionId) -> ChainAnswer<'_, Option<SessionRecord>> {
        self.with(|ledger| Ok(ledger.sessions.get(&session).cloned()))
    }

    fn model(&self, version: ModelVersion) -> ChainAnswer<'_, Option<ModelRecord>> {
        let known = [PLAIN, GENERATION].contains(&version).then(|| model(version));
        self.with(|_| Ok(known))
    }

    fn close(&self, session: SessionId) -> ChainAnswer<'_, ()> {
        self.with(|ledger| {
            let until = ledger.now + 300;
            let record = ledger.sessions.get_mut(&session).ok_or("no such session")?;
            record.state = match record.state {
                SessionState::Closing { .. } => SessionState::Settled { until },
                _ => SessionState::Closing { until },
            };
            Ok(())
        })
    }
}

impl WorkerChain for FakeChain {
    fn redeem(&self, voucher: SignedVoucher) -> ChainAnswer<'_, ()> {
        self.with(|ledger| ledger.redeem(&voucher))
    }
}

impl ClientChain for FakeChain {
    fn candidates(&self, _: ModelVersion) -> ChainAnswer<'_, Vec<Candidate>> {
        self.with(|ledger| Ok(ledger.candidates.clone()))
    }

    fn open(&self, request: OpenRequest) -> ChainAnswer<'_, SessionId> {
        self.with(|ledger| ledger.open(request))
    }

    fn top_up(&self, session: SessionId, amount: Balance) -> ChainAnswer<'_, ()> {
        self.with(|ledger| {
            let record = ledger.sessions.get_mut(&session).ok_or("no such session")?;
            let maximum = record.terms.max_budget;
            record
                .account
                .top_up(amount, maximum)
                .ok_or("more than the offer takes")
        })
    }

    fn challenge_receipt(&self, wrong: WrongReceipt) -> ChainAnswer<'_, ()> {
        self.with(|ledger| {
            let session = wrong.receipt.message.session;
            let record = ledger.sessions.get(&session).ok_or("no such session")?;
            let place = Place {
                genesis: GENESIS,
                session,
            };
            if !wrong.receipt.is_by(&record.worker_key, place) {
                return Err("not signed by the worker");
            }
            ledger.challenged.push(wrong);
            Ok(())
        })
    }

    fn convict_equivocation(&self, evidence: Equivocation) -> ChainAnswer<'_, ()> {
        self.with(|ledger| {
            let session = evidence.first.message.session;
            let record = ledger.sessions.get(&session).ok_or("no such session")?;
            let place = Place {
                genesis: GENESIS,
                session,
            };
            let both = [&evidence.first, &evidence.second];
            if !both.iter().all(|receipt| receipt.is_by(&record.worker_key, place)) {
                return Err("not signed by the worker");
            }
            if !evidence.first.message.contradicts(&evidence.second.message) {
                return Err("no contradiction");
            }
            ledger.convicted.push(evidence);
            Ok(())
        })
    }
}

/// An engine for both models.
#[derive(Default)]
pub struct FakeExecutor {
    /// Every request of this number, counted from 1, is answered wrongly; 0 for none.
    pub lies_at: u64,
    /// Time between two tokens.
    pub pause: Duration,
    /// Tokens after which the engine never comes back; 0 for never.
    pub hangs_after: usize,
    pub executed: AtomicU64,
    /// Executions that ended, not those that were dropped.
    pub finished: Arc<AtomicU64>,
}

/// Output of the plain model.
pub fn plus_one(input: &Tensor) -> Tensor {
    let integers = request::tokens(input.bytes());
    row(&integers.iter().map(|integer| integer + 1).collect::<Vec<_>>())
}

/// The tokens that the other model generates.
pub fn generated(prompt: &[i64], seed: i64, max_tokens: i64) -> Vec<i64> {
    let mut last = prompt.iter().sum::<i64>();
    let mut tokens = Vec::new();
    for _ in 0..max_tokens {
        last = (last * 31 + 7 + seed).rem_euclid(1_000);
        tokens.push(last);
    }
    tokens
}

fn scalar(tensor: &Tensor) -> i64 {
    request::tokens(tensor.bytes())[0]
}

impl Executor for FakeExecutor {
    fn execute(&self, execution: Execution) -> BoxFuture<'static, Result<Vec<Tensor>, ExecutorError>> {
        let number = self.executed.fetch_add(1, Ordering::SeqCst) + 1;
        let lies = self.lies_at > 0 && number.is_multiple_of(self.lies_at);
        let (pause, hangs_after, finished) = (self.pause, self.hangs_after, self.finished.clone());
        Box::pin(async move {
            let inputs = &execution.inputs;
            let outputs = if execution.model == PLAIN {
                let right = plus_one(&inputs[0]);
                vec![if lies { plus_one(&right) } else { right }]
            } else {
                let prompt = request::tokens(inputs[0].bytes());
                let tokens = generated(&prompt, scalar(&inputs[4]), scalar(&inputs[5]));
                for (place, token) in tokens.iter().enumerate() {
                    if hangs_after > 0 && place == hangs_after {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(pause).await;
                    let sent = execution.tokens.send(vec![*token]).await;
                    sent.map_err(|_| ExecutorError::Failed("nobody reads".to_owned()))?;
                }
                let valid = Tensor::new(DataType::Bool, vec![1], vec![1]).expect("one");
                vec![row(&[prompt, tokens].concat()), valid]
            };
            finished.fetch_add(1, Ordering::SeqCst);
            Ok(outputs)
        })
    }
}

/// Executes, and counts.
#[derive(Default)]
pub struct FakeChecker {
    pub checked: AtomicU64,
}

impl Checker for FakeChecker {
    fn check(&self, case: Case) -> BoxFuture<'static, Result<Verdict, CheckError>> {
        self.checked.fetch_add(1, Ordering::SeqCst);
        let right = match case.model {
            PLAIN => vec![plus_one(&case.inputs[0])],
            _ => {
                let prompt = request::tokens(case.inputs[0].bytes());
                let tokens = generated(&prompt, scalar(&case.inputs[4]), scalar(&case.inputs[5]));
                vec![row(&[prompt, tokens].concat())]
            }
        };
        let is_right = case.outputs.iter().zip(&right).all(|(given, right)| given == right);
        Box::pin(async move { Ok(if is_right { Verdict::Right } else { Verdict::Wrong }) })
    }
}
