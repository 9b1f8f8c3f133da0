//! The client's side of a session, as a pure function: from what it has kept and a message, to what it keeps next and
//! what follows from it.
//!
//! Nothing here reads a clock, a store or the network.

use crate::{
    journal::Step,
    key::SessionPair,
    message::RequestHead,
    request::CheckedRequest,
    server::side::Contract,
    types::{AccountId, Balance, H256, ModelVersion, Signed, SignedReceipt, SignedVoucher},
};
use assay_types::session::{Payer, SideError};
use codec::{Decode, Encode};

/// State of a session that the client keeps.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ClientState {
    /// The worker.
    pub worker: AccountId,
    /// Its identity in the network, in bytes.
    pub peer: Vec<u8>,
    /// The model version.
    pub model: ModelVersion,
    /// The money.
    pub payer: Payer<Balance>,
    /// The request that is open, without its inputs.
    pub open: Option<Open>,
    /// Whether nothing more is asked or promised in this session.
    pub is_over: bool,
}

/// A request that is open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Open {
    /// Values of the model's symbols.
    pub symbols: Vec<u32>,
    /// Digest of the inputs.
    pub input_digest: H256,
    /// Work of the request.
    pub units: u64,
}

/// Why a receipt is not what the client expects. It signs no voucher for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// The session's key has not signed it for this session.
    #[error("it is not signed by the session's key for this session")]
    NotSigned,
    /// It is about a request that is not the open one: an old one, played again.
    #[error("it is about another request")]
    OtherRequest,
    /// It names another model: other weights.
    #[error("it names another model")]
    OtherModel,
    /// It names another input.
    #[error("it names another input")]
    OtherInput,
    /// Its digest is not that of the answer that came.
    #[error("its digest is not that of the answer that came")]
    OtherOutput,
    /// Its units are not those of the request.
    #[error("its units are not those of the request")]
    OtherUnits,
    /// It asks for another sum.
    #[error("it asks for more or less than the request costs")]
    OtherPrice,
}

impl ClientState {
    /// The state of a new session.
    pub fn new(contract: &Contract, peer: Vec<u8>) -> Self {
        Self {
            worker: contract.worker.clone(),
            peer,
            model: contract.model,
            payer: Payer::new(contract.budget),
            open: None,
            is_over: false,
        }
    }

    /// Begins a request; what follows is its head, to be signed and sent.
    pub fn ask(&self, contract: &Contract, request: &CheckedRequest) -> Result<Step<Self, RequestHead>, SideError> {
        let mut next = self.clone();
        next.payer.ask(request.price(&contract.terms))?;
        next.open = Some(Open {
            symbols: request.symbols.clone(),
            input_digest: request.digest,
            units: request.units,
        });
        let head = next.head(contract).ok_or(SideError::AnotherRequest)?;
        Ok(Step::new(next, head))
    }

    /// The head of the open request, to be sent again as it was.
    pub fn head(&self, contract: &Contract) -> Option<RequestHead> {
        let (asked, open) = self.payer.asked.zip(self.open.as_ref())?;
        Some(RequestHead {
            place: contract.place,
            sequence: asked.sequence,
            model_root: contract.model_root,
            input_digest: open.input_digest,
            symbols: open.symbols.clone(),
        })
    }

    /// Takes the open request back, which the worker has refused. A receipt for it is worth nothing then: its input is
    /// not that of the request that takes its number.
    pub fn take_back(&self) -> Step<Self, ()> {
        let mut next = self.clone();
        next.payer.asked = None;
        next.open = None;
        Step::new(next, ())
    }

    /// Ends the session: nothing more is promised in it.
    pub fn end(&self) -> Step<Self, ()> {
        let mut next = self.clone();
        next.is_over = true;
        Step::new(next, ())
    }

    /// The state with the budget as it is now.
    pub fn with_budget(mut self, budget: Balance) -> Self {
        self.payer.budget = budget;
        self
    }

    /// Takes the receipt of the open request, of which an answer with this digest has come in full. What follows is the
    /// voucher to send. A receipt is compared with the request, with the answer and with the price before anything is
    /// promised.
    pub fn receive(
        &self,
        contract: &Contract,
        receipt: &SignedReceipt,
        output_digest: H256,
        pair: &SessionPair,
    ) -> Result<Step<Self, SignedVoucher>, ReceiptFault> {
        if !receipt.is_by(&contract.worker_key, contract.place) {
            return Err(ReceiptFault::NotSigned);
        }
        let said = &receipt.message;
        let (asked, open) = self
            .payer
            .asked
            .zip(self.open.as_ref())
            .ok_or(ReceiptFault::OtherRequest)?;
        let compared = [
            (said.sequence == asked.sequence, ReceiptFault::OtherRequest),
            (said.model_root == contract.model_root, ReceiptFault::OtherModel),
            (said.input_digest == open.input_digest, ReceiptFault::OtherInput),
            (said.output_digest == output_digest, ReceiptFault::OtherOutput),
            (said.units == open.units, ReceiptFault::OtherUnits),
        ];
        if let Some((_, fault)) = compared.into_iter().find(|(is_equal, _)| !is_equal) {
            return Err(fault);
        }
        let mut next = self.clone();
        let owed = next
            .payer
            .receive(said.sequence, said.owed)
            .map_err(|error| match error {
                SideError::AnotherPrice => ReceiptFault::OtherPrice,
                _ => ReceiptFault::OtherRequest,
            })?;
        next.open = None;
        Ok(Step::new(next, pair.sign_voucher(contract.place, owed)))
    }

    /// The latest voucher, which may be sent at any time; `None` if nothing was promised yet.
    pub fn voucher(&self, contract: &Contract, pair: &SessionPair) -> Option<SignedVoucher> {
        (self.payer.signed > 0).then(|| pair.sign_voucher(contract.place, self.payer.signed))
    }

    /// Signs a head.
    pub fn signed(head: RequestHead, pair: &SessionPair) -> Signed<RequestHead> {
        Signed {
            signature: pair.sign(&head.message()),
            message: head,
        }
    }
}

#[cfg(test)]
mod tests;
