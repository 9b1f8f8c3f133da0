//! The worker's side of a session, as a pure function: from what it has kept and a message, to what it keeps next and
//! what follows from it.
//!
//! Nothing here reads a clock, a store or the network.

use crate::{
    journal::Step,
    key::SessionPair,
    message::{Decline, RequestHead},
    types::{
        AccountId, Balance, BlockNumber, H256, ModelVersion, Place, ReceiptOf, SessionRecord, Signed, SignedReceipt,
        SignedVoucher, Terms,
    },
};
use assay_types::{
    SessionKey,
    limits::MAX_SEQUENCE,
    session::{Begin, Payee, SideError},
};
use codec::{Decode, Encode};

/// The chain's facts about a session, as far as both sides agree on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The chain and the session.
    pub place: Place,
    /// The worker.
    pub worker: AccountId,
    /// The model version.
    pub model: ModelVersion,
    /// Its root.
    pub model_root: H256,
    /// The terms.
    pub terms: Terms,
    /// The key that signs requests and vouchers.
    pub client_key: SessionKey,
    /// The key that signs receipts.
    pub worker_key: SessionKey,
    /// Maximum payment of the worker.
    pub budget: Balance,
}

impl Contract {
    /// The request, if the session's client has signed it for this session and model.
    pub fn own(&self, head: &Signed<RequestHead>) -> Result<OwnRequest, Decline> {
        let asked = &head.message;
        let is_own = asked.place == self.place && asked.model_root == self.model_root && head.is_by(&self.client_key);
        match is_own {
            true => Ok(OwnRequest {
                sequence: asked.sequence,
                input_digest: asked.input_digest,
            }),
            false => Err(Decline::NotSigned),
        }
    }

    /// The contract of a session on a chain.
    pub fn of(genesis: H256, session: u64, record: &SessionRecord) -> Self {
        Self {
            place: Place { genesis, session },
            worker: record.worker.clone(),
            model: record.model,
            model_root: record.model_root,
            terms: record.terms,
            client_key: record.client_key.clone(),
            worker_key: record.worker_key.clone(),
            budget: record.account.budget,
        }
    }
}

/// A request of the session's own client: its signature is verified once, by [`Contract::own`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRequest {
    sequence: u32,
    input_digest: H256,
}

/// State of a session that the worker keeps.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WorkerState {
    /// The money.
    pub payee: Payee<Balance>,
    /// The latest receipt.
    pub last: Option<SignedReceipt>,
    /// The voucher to redeem.
    pub voucher: Option<SignedVoucher>,
    /// The request that was begun and is not answered. It is kept with the next step; a crash may forget it.
    pub begun: Option<Begun>,
}

/// A request that was begun: nothing else is taken under its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Begun {
    /// Number of the request.
    pub sequence: u32,
    /// Digest of its input.
    pub input_digest: H256,
    /// Number of times that it was begun.
    pub tries: u32,
}

/// The worker's decision on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It executes it, and calls [`WorkerState::finish`].
    Execute(Box<WorkerState>),
    /// It sends the answer and this receipt again.
    SendAgain(Box<SignedReceipt>),
}

impl WorkerState {
    /// The state of a new session.
    pub fn new(budget: Balance, credit: Balance) -> Self {
        Self {
            payee: Payee::new(budget, credit),
            last: None,
            voucher: None,
            begun: None,
        }
    }

    /// The state with the budget and the credit as they are now.
    pub fn with_terms(mut self, budget: Balance, credit: Balance) -> Self {
        self.payee.budget = budget;
        self.payee.credit = credit;
        self
    }

    /// Takes a voucher; `None` if it promises nothing new.
    ///
    /// It is good for the next request at once. A crash that loses it is no loss: the client sends its latest voucher
    /// with every request.
    pub fn voucher(&self, contract: &Contract, voucher: &SignedVoucher) -> Result<Option<Step<Self, ()>>, Decline> {
        let mut next = self.clone();
        // Looked at first: a client sends its latest voucher with every request, and signatures take time.
        if !next.payee.accept(voucher.message.owed) {
            return Ok(None);
        }
        if !voucher.is_by(&contract.client_key, contract.place) {
            return Err(Decline::NotSigned);
        }
        next.voucher = Some(voucher.clone());
        Ok(Some(Step::new(next, ())))
    }

    /// Decision on a request of this price, which was begun at most `max_tries` times before it is refused.
    pub fn ask(&self, asked: &OwnRequest, price: Balance, max_tries: u32) -> Result<Next, Decline> {
        if asked.sequence > MAX_SEQUENCE {
            return Err(Decline::Sequence);
        }
        match self.payee.begin(asked.sequence, price).map_err(declined)? {
            Begin::SendAgain => match &self.last {
                Some(last) if last.message.input_digest == asked.input_digest => {
                    Ok(Next::SendAgain(Box::new(last.clone())))
                }
                _ => Err(Decline::OtherInput),
            },
            Begin::Execute => {
                let before = self.begun.filter(|begun| begun.sequence == asked.sequence);
                if before.is_some_and(|begun| begun.input_digest != asked.input_digest) {
                    return Err(Decline::OtherInput);
                }
                let tries = before.map_or(0, |begun| begun.tries);
                if tries >= max_tries {
                    return Err(Decline::TooManyTries);
                }
                let mut next = self.clone();
                next.begun = Some(Begun {
                    sequence: asked.sequence,
                    input_digest: asked.input_digest,
                    tries: tries + 1,
                });
                Ok(Next::Execute(Box::new(next)))
            }
        }
    }

    /// The state after a request that was begun and could not be executed: another input may take its number.
    pub fn give_up(&self) -> Self {
        let mut next = self.clone();
        next.begun = None;
        next
    }

    /// Signs the receipt of the request that was begun; `None` if none was.
    ///
    /// The answer is sent before or after; the receipt only once the state is kept.
    pub fn finish(
        &self,
        contract: &Contract,
        answered: &Answered,
        pair: &SessionPair,
    ) -> Option<Step<Self, SignedReceipt>> {
        let begun = self.begun?;
        let mut next = self.clone();
        next.begun = None;
        let owed = next.payee.finish(answered.price);
        let receipt = pair.sign_receipt(ReceiptOf {
            genesis: contract.place.genesis,
            session: contract.place.session,
            sequence: begun.sequence,
            model_root: contract.model_root,
            input_digest: begun.input_digest,
            output_digest: answered.output_digest,
            units: answered.units,
            owed,
            block: answered.block,
        });
        next.last = Some(receipt.clone());
        Some(Step::new(next, receipt))
    }
}

/// An answer that a receipt is signed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// List digest of the outputs.
    pub output_digest: H256,
    /// Work of the request.
    pub units: u64,
    /// Its price.
    pub price: Balance,
    /// The moment.
    pub block: BlockNumber,
}

fn declined(error: SideError) -> Decline {
    match error {
        SideError::BudgetTooSmall => Decline::Budget,
        SideError::NotPaid => Decline::NotPaid,
        SideError::AnotherRequest | SideError::StillOpen => Decline::Sequence,
        SideError::AnotherPrice => Decline::Unknown,
    }
}

#[cfg(test)]
mod tests;
