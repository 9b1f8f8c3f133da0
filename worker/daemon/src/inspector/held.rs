//! Receipts that somebody holds: each is executed again, challenged where it is wrong, and its dispute is played to the
//! end.
//!
//! The end of a dispute is read from final blocks. A connection that breaks is replaced. A program that was killed does
//! the same again with the same receipts: a challenge that this account has made is not made twice.

use super::{Inspector, InspectorError, PAUSE, claim_of};
use crate::{
    shutdown::Shutdown,
    skeleton::{Connections, best_state},
};
use assay_client::{
    chain::{
        Account, AccountId, BlockNumber, Call, ChainError, ChainView, Connect, DisputesEvent, Event, H256, StateView,
        SubmitError, Wait,
    },
    sessions::{Challenger, challenge_of},
};
use assay_ops::tensor::Tensor;
use assay_session::{Case, Checker, Place, SignedReceipt, Verdict, WrongReceipt};
use assay_types::{ClaimId, session::SessionPhase};
use futures::StreamExt;
use std::time::Duration;

/// Blocks after which a challenge that no final block shows is taken for lost.
const UNSEEN_BLOCKS: BlockNumber = 100;
/// Times that a challenge is sent which may not have arrived.
const ATTEMPTS: u32 = 5;
/// Final blocks whose events are read one after the other. A node keeps the state after 256 blocks, so where there are
/// more than this the state after the latest one is read instead.
const READ_BLOCKS: BlockNumber = 128;
/// Factor by which the wait for a final block is longer than for any block.
const FINALITY_PATIENCE: u32 = 10;

/// A receipt that somebody holds, with the request and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldReceipt {
    /// The receipt.
    pub receipt: SignedReceipt,
    /// Values of the model's symbols that the request declared.
    pub symbols: Vec<u32>,
    /// The inputs that the client gave: for a generation, all but the sequence.
    pub inputs: Vec<Tensor>,
    /// The outputs, whose digest the receipt has.
    pub outputs: Vec<Tensor>,
}

/// Outcome for a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiptOutcome {
    /// The model gives what the receipt says.
    Right,
    /// The receipt is wrong, and the chain has convicted its worker for it.
    Convicted,
    /// The receipt is wrong, and the dispute about it ended without a conviction.
    Acquitted,
    /// The receipt is wrong, and the dispute about it ended while nobody read the chain here.
    Missed,
    /// The receipt is wrong, and was not challenged.
    NotChallenged {
        /// Why not.
        reason: String,
    },
    /// The receipt was not checked.
    Unchecked {
        /// Why not.
        reason: String,
    },
}

/// Stage of a receipt in its run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has been done about it.
    New,
    /// This account challenges it.
    Challenged {
        claim: ClaimId,
        /// The final block in which the challenge must have shown; `None` once it has.
        shown_by: Option<BlockNumber>,
    },
    /// Nothing is left to do.
    Ended(ReceiptOutcome),
}

/// The receipts of one run.
struct Docket {
    receipts: Vec<(HeldReceipt, Stage)>,
    /// The last final block whose events were read.
    read: BlockNumber,
}

impl Inspector {
    /// Checks receipts, challenges those that are wrong, and plays until the chain has decided about each. The outcomes
    /// have the order of the receipts; `None` where shutdown was requested before.
    ///
    /// Beside these the account's other disputes are played meanwhile, so no other program may play them.
    pub async fn dispute<N: Connect>(
        &self,
        connect: N,
        receipts: Vec<HeldReceipt>,
        shutdown: &mut Shutdown,
    ) -> Result<Vec<Option<ReceiptOutcome>>, InspectorError> {
        let common = &self.shared.common;
        let mut chain = connect.connect(&common.nodes).await?;
        let mut account = chain.account(&common.key, common.max_tip, None)?;
        let mut docket = Docket {
            receipts: receipts.into_iter().map(|held| (held, Stage::New)).collect(),
            read: chain.finalized().await?.number(),
        };
        let mut connections = Connections::new(connect, &common.nodes);
        loop {
            let decided = tokio::select! {
                decided = self.decide(&chain, &account, &mut docket) => decided,
                () = shutdown.requested() => break,
            };
            match decided {
                Ok(()) => break,
                Err(InspectorError::Chain(error)) if error.is_connection() => {
                    connections.note_open(true);
                    if !connections.lost(&error, shutdown).await {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
            let Some(next) = connections.open(shutdown).await? else {
                break;
            };
            account = next.account(&common.key, common.max_tip, Some(account))?;
            chain = next;
        }
        Ok(docket.outcomes())
    }

    /// Does over one connection whatever is left to do.
    async fn decide<C: ChainView>(
        &self,
        chain: &C,
        account: &Account,
        docket: &mut Docket,
    ) -> Result<(), InspectorError> {
        let ready = self.shared.ready().await?;
        let mut games = ready.games.lock().await;
        let pursuing = async {
            docket.catch_up(chain).await?;
            for index in 0..docket.receipts.len() {
                let (held, stage) = &mut docket.receipts[index];
                if *stage == Stage::New {
                    *stage = self.accuse(chain, account, held).await?;
                    // An execution takes its time.
                    docket.catch_up(chain).await?;
                }
            }
            let patience = self.shared.common.stall.saturating_mul(FINALITY_PATIENCE);
            docket.follow(chain, account.id(), patience).await
        };
        tokio::select! {
            followed = pursuing => Ok(followed?),
            error = games.play(chain, account.clone(), self.shared.timing()) => Err(error.into()),
        }
    }

    /// Checks a receipt, and challenges it if it is wrong.
    async fn accuse<C: ChainView>(
        &self,
        chain: &C,
        account: &Account,
        held: &HeldReceipt,
    ) -> Result<Stage, ChainError> {
        let unchecked = |reason| Ok(Stage::Ended(ReceiptOutcome::Unchecked { reason }));
        let case = match case_of(chain, account.id(), held).await? {
            Ok(case) => case,
            Err(reason) => return unchecked(reason),
        };
        let wrong = WrongReceipt {
            worker: case.worker.clone(),
            model: case.model,
            receipt: case.receipt.clone(),
            symbols: case.symbols.clone(),
            inputs: case.inputs.clone(),
            outputs: case.outputs.clone(),
        };
        match self.check(case).await {
            Ok(Verdict::Right) => return Ok(Stage::Ended(ReceiptOutcome::Right)),
            Ok(Verdict::Wrong) => {}
            Err(error) => return unchecked(error.reason),
        }
        // Of a challenge that was made before as well: the games look for the request where this keeps it.
        match self.prepare(&wrong).await {
            Ok(commitment) => challenge(chain, account, wrong, commitment).await,
            Err(reason) => Ok(Stage::Ended(ReceiptOutcome::NotChallenged { reason })),
        }
    }
}

/// The case of a receipt by the record of its session, or why the chain would not take a challenge of it.
async fn case_of<C: ChainView>(
    chain: &C,
    me: &AccountId,
    held: &HeldReceipt,
) -> Result<Result<Case, String>, ChainError> {
    let said = &held.receipt.message;
    if said.genesis != chain.genesis() {
        return Ok(Err(
            "the receipt is of another chain: name a node of that one".to_owned()
        ));
    }
    let Some(session) = best_state(chain).await?.session(said.session).await? else {
        let reason = format!(
            "session {} is over or was never opened, so its receipts can be challenged no more",
            said.session
        );
        return Ok(Err(reason));
    };
    let place = Place {
        genesis: said.genesis,
        session: said.session,
    };
    let fault = if !held.receipt.is_by(&session.worker_key, place) {
        Some("the session's worker has not signed the receipt")
    } else if said.model_root != session.model_root {
        Some("the receipt names another model than its session, so the chain takes no challenge of it")
    } else if session.worker == *me {
        Some("this account has signed the receipt itself: challenge it by another account's key")
    } else if session.state.phase() == SessionPhase::Convicted {
        Some("the session's worker is convicted already, so the chain takes no further challenge")
    } else {
        None
    };
    if let Some(fault) = fault {
        return Ok(Err(fault.to_owned()));
    }
    Ok(Ok(Case {
        model: session.model,
        worker: session.worker,
        symbols: held.symbols.clone(),
        inputs: held.inputs.clone(),
        outputs: held.outputs.clone(),
        receipt: held.receipt.clone(),
    }))
}

/// Sends a challenge, unless this account has made it.
async fn challenge<C: ChainView>(
    chain: &C,
    account: &Account,
    wrong: WrongReceipt,
    commitment: H256,
) -> Result<Stage, ChainError> {
    let not_challenged = |reason| Ok(Stage::Ended(ReceiptOutcome::NotChallenged { reason }));
    let claim = claim_of(&wrong);
    let call = match claim.and_then(|claim| Ok((claim, challenge_of(wrong, commitment)?))) {
        Ok(call) => call,
        Err(reason) => return not_challenged(reason),
    };
    let (claim, call) = call;
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let best = best_state(chain).await?;
        let dispute = best.dispute(claim).await?;
        if dispute.is_some_and(|dispute| dispute.games.iter().any(|game| game.challenger == *account.id())) {
            return Ok(Stage::Challenged { claim, shown_by: None });
        }
        let shown_by = Some(best.number().saturating_add(UNSEEN_BLOCKS));
        match account.send(Call::Sessions(call.clone()), Wait::InBlock).await {
            Ok(_) => return Ok(Stage::Challenged { claim, shown_by }),
            Err(error) if error.is("Disputes", "AlreadyChallenging") => {
                return Ok(Stage::Challenged { claim, shown_by: None });
            }
            Err(error) if may_help_again(&error) => {
                tracing::warn!(claim, %error, "whether the receipt is challenged is not known; looking again");
                last = error.to_string();
            }
            Err(error) => return not_challenged(error.to_string()),
        }
        tokio::time::sleep(PAUSE).await;
    }
    not_challenged(last)
}

/// Whether the same call may be in a block, or be taken the next time.
fn may_help_again(error: &SubmitError) -> bool {
    error.is_connection() || error.is_temporary() || matches!(error, SubmitError::AlreadyInPool)
}

impl Docket {
    /// Reads the state after the latest final block, if the events of too many are not read.
    async fn catch_up<C: ChainView>(&mut self, chain: &C) -> Result<(), ChainError> {
        let finalized = chain.finalized().await?;
        if finalized.number().saturating_sub(self.read) <= READ_BLOCKS {
            return Ok(());
        }
        for (_, stage) in &mut self.receipts {
            let Stage::Challenged { claim, shown_by } = stage else {
                continue;
            };
            match finalized.dispute(*claim).await? {
                Some(_) => *shown_by = None,
                None if shown_by.is_none() => *stage = Stage::Ended(ReceiptOutcome::Missed),
                None => {}
            }
        }
        self.read = finalized.number();
        Ok(())
    }

    /// Reads final blocks until everything that was challenged is decided.
    async fn follow<C: ChainView>(&mut self, chain: &C, me: &AccountId, patience: Duration) -> Result<(), ChainError> {
        let mut blocks = chain.blocks_after(self.read, patience).await?;
        let stalled = || ChainError::Stalled {
            seconds: patience.as_secs(),
        };
        while self.is_open() {
            let state = blocks.next().await.ok_or_else(stalled)??;
            for event in state.events().await? {
                if let Event::Disputes(event) = &event {
                    self.take(event, me);
                }
            }
            self.read = state.number();
            self.give_up();
        }
        Ok(())
    }

    fn is_open(&self) -> bool {
        let mut stages = self.receipts.iter().map(|(_, stage)| stage);
        stages.any(|stage| matches!(stage, Stage::Challenged { .. }))
    }

    /// Takes an event of a final block. The event of a conviction comes before those of bonds.
    fn take(&mut self, event: &DisputesEvent, me: &AccountId) {
        for (_, stage) in &mut self.receipts {
            let Stage::Challenged { claim, shown_by } = stage else {
                continue;
            };
            if event.job() != *claim {
                continue;
            }
            match event {
                DisputesEvent::Challenged { challenger, .. } if challenger == me => *shown_by = None,
                DisputesEvent::WorkerConvicted { .. } => *stage = Stage::Ended(ReceiptOutcome::Convicted),
                DisputesEvent::ChallengeFailed { challenger, .. } | DisputesEvent::BondReturned { challenger, .. }
                    if challenger == me =>
                {
                    *stage = Stage::Ended(ReceiptOutcome::Acquitted);
                }
                _ => {}
            }
        }
    }

    /// Ends what was sent and is in no final block.
    fn give_up(&mut self) {
        for (_, stage) in &mut self.receipts {
            if let Stage::Challenged { shown_by: Some(by), .. } = stage
                && self.read > *by
            {
                let reason = "the block of the challenge was replaced, and the challenge is in none since: try again";
                *stage = Stage::Ended(ReceiptOutcome::NotChallenged {
                    reason: reason.to_owned(),
                });
            }
        }
    }

    fn outcomes(self) -> Vec<Option<ReceiptOutcome>> {
        let stages = self.receipts.into_iter().map(|(_, stage)| stage);
        let outcomes = stages.map(|stage| match stage {
            Stage::Ended(outcome) => Some(outcome),
            Stage::New | Stage::Challenged { .. } => None,
        });
        outcomes.collect()
    }
}

#[cfg(test)]
mod tests;
