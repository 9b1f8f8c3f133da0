//! Errors between this program and a node, in words that say what to do.

use subxt::{
    error::{BackendError, ExtrinsicError, RpcError},
    rpcs::{Error as RpcClientError, UserError},
};

/// Why the chain could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No node could be reached.
    #[error("no node answers ({tried}); is one running, and is --node its WebSocket address?")]
    NoNode {
        /// Each address and what happened there.
        tried: String,
    },
    /// The node runs another runtime than this program was built for.
    #[error(
        "the runtime of {url} is not the one that this program was built for; use the assay-worker of the same release. \
         Differences:\n  {}", differences.join("\n  ")
    )]
    OtherRuntime {
        /// The node.
        url: String,
        /// The differences, one line each.
        differences: Vec<String>,
    },
    /// The connection broke, or the node refused a request.
    #[error("the node could not be asked for {what}: {reason}")]
    Request {
        /// The thing that was asked for.
        what: &'static str,
        /// The client library's error.
        reason: String,
    },
    /// An answer that does not decode, although the metadata was right.
    #[error("the node's answer on {what} does not decode: {source}")]
    Decode {
        /// The thing that was asked for.
        what: &'static str,
        /// Where decoding stopped.
        source: codec::Error,
    },
    /// No block, or no final one, for too long.
    #[error("no new block, or none that is final, for {seconds} s")]
    Stalled {
        /// Time that was waited.
        seconds: u64,
    },
}

impl ChainError {
    pub(super) fn request(what: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |error| Self::Request { what, reason: error.0 }
    }

    /// Whether another connection may help.
    pub fn is_connection(&self) -> bool {
        !matches!(self, Self::OtherRuntime { .. })
    }
}

/// A client library's error as its text with all its causes.
pub(super) struct BoxError(pub(super) String);

impl<E: std::error::Error> From<E> for BoxError {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let inner_text = inner.to_string();
            if !text.contains(&inner_text) {
                text = format!("{text}: {inner_text}");
            }
            cause = inner.source();
        }
        // The client library wraps its errors in layers of the same name.
        Self(text.replace("RPC error: client error: ", ""))
    }
}

/// Why a transaction had no effect, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// A pallet refused the call.
    #[error("{pallet} refuses with {error}: {advice}")]
    Refused {
        /// The pallet.
        pallet: String,
        /// The error's name.
        error: String,
        /// Its documentation.
        advice: String,
    },
    /// The runtime refused the call before or after the pallet.
    #[error("the runtime refuses: {0}")]
    Dispatch(String),
    /// The account has not the money for the fees.
    #[error("the account cannot pay the fees: send it money first")]
    CannotPayFees,
    /// The nonce was used by somebody else again and again.
    #[error("another program sends from the same account ({reason}): give each worker its own key")]
    NonceTaken {
        /// The pool's last word.
        reason: String,
    },
    /// The node's pool does not know the block that the transaction was signed at.
    #[error(
        "the node is still catching up, and takes no transactions ({reason}): try again in a minute, or another node"
    )]
    NodeBehind {
        /// The pool's last word.
        reason: String,
    },
    /// The very same transaction waits in the pool.
    #[error("this transaction waits in the pool already: its outcome will show on chain")]
    AlreadyInPool,
    /// The pool does not take more.
    #[error("the node's transaction pool is full: try again in a few blocks")]
    PoolFull,
    /// Nobody took a job for as long as the client wanted to wait.
    #[error(
        "all workers that offer the model at this ceiling were busy or paused for {seconds} s: try again later, or raise \
         --ceiling"
    )]
    AllBusy {
        /// Time that was waited.
        seconds: u64,
    },
    /// The transaction does not fit into a block.
    #[error("the transaction is more than a block takes: put less into one batch")]
    TooHeavy,
    /// The transaction is not valid.
    #[error("the node refuses the transaction: {0}")]
    Invalid(String),
    /// Its last valid block has passed.
    #[error("the transaction was not included while it was valid, and had no effect: send it again")]
    Expired,
    /// Its nonce was used by another transaction of the same account.
    #[error("another transaction of the account took its place, and it had no effect: send it again")]
    Replaced,
    /// The connection broke while it was under way.
    #[error("whether the transaction was included is not known ({0}): look at the chain before sending it again")]
    Unknown(String),
    /// The node could not be asked for what a transaction needs.
    #[error("nothing was sent: {0}")]
    NotSent(String),
    /// The task that sends is gone.
    #[error("this program is shutting down")]
    ShuttingDown,
}

impl SubmitError {
    /// Whether it is this error of this pallet.
    pub fn is(&self, pallet_name: &str, error_name: &str) -> bool {
        matches!(self, Self::Refused { pallet, error, .. } if pallet == pallet_name && error == error_name)
    }

    /// Whether the connection is at fault.
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::NotSent(_) | Self::NodeBehind { .. })
    }

    /// Whether it says that the transaction is in a block, and so its nonce used.
    pub(super) fn is_included(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Dispatch(_))
    }

    /// Whether the transaction certainly had no effect and may have one later, or in smaller parts.
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::PoolFull | Self::NonceTaken { .. } | Self::TooHeavy | Self::Expired | Self::Replaced
        ) || self.is("Market", "AllWorkersBusy")
    }
}

/// The pool's word on a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolError {
    /// The nonce is too low, too high, or taken by a transaction in the pool.
    Nonce(String),
    /// The signature does not hold. The pool checks it at its own newest block; it holds only if that is not before
    /// the final block from which on the transaction is valid, which it is on a node that has just started, and only
    /// if the runtime is the same.
    Signature(String),
    /// Anything else.
    Final(SubmitError),
}

/// Reads the pool's answer out of the client library's error.
///
/// The codes are those of the `author` RPC (sc-rpc-api, `author/error.rs`).
pub(super) fn pool_error(error: &ExtrinsicError) -> PoolError {
    let Some(user) = user_error(error) else {
        let BoxError(text) = error_text(error);
        return PoolError::Final(SubmitError::Unknown(text));
    };
    let data = user
        .data
        .as_ref()
        .map(|data| data.get().trim_matches('"').to_string())
        .unwrap_or_default();
    let said = if data.is_empty() {
        user.message.clone()
    } else {
        format!("{}: {data}", user.message)
    };
    classify(user.code, &data, said)
}

fn classify(code: i32, data: &str, said: String) -> PoolError {
    match code {
        1010 if data.contains("outdated") || data.contains("future") => PoolError::Nonce(said),
        1010 if data.contains("bad signature") => PoolError::Signature(said),
        1010 if data.contains("pay some fees") => PoolError::Final(SubmitError::CannotPayFees),
        1010 if data.contains("exhaust the block") => PoolError::Final(SubmitError::TooHeavy),
        1013 => PoolError::Final(SubmitError::AlreadyInPool),
        1014 => PoolError::Nonce(said),
        1012 | 1016 => PoolError::Final(SubmitError::PoolFull),
        _ => PoolError::Final(SubmitError::Invalid(said)),
    }
}

fn user_error(error: &ExtrinsicError) -> Option<&UserError> {
    match error {
        ExtrinsicError::ErrorSubmittingTransaction(BackendError::Rpc(RpcError::ClientError(RpcClientError::User(
            user,
        )))) => Some(user),
        _ => None,
    }
}

fn error_text(error: &ExtrinsicError) -> BoxError {
    BoxError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pool_codes_become_words() {
        let outdated = classify(1010, "Transaction is outdated", "Invalid Transaction".into());
        assert!(matches!(outdated, PoolError::Nonce(_)));
        let behind = classify(1010, "Transaction has a bad signature", "Invalid Transaction".into());
        assert!(matches!(behind, PoolError::Signature(_)));
        assert!(matches!(
            classify(1014, "", "Priority is too low".into()),
            PoolError::Nonce(_)
        ));
        assert_eq!(
            classify(
                1010,
                "Inability to pay some fees (e.g. account balance too low)",
                String::new()
            ),
            PoolError::Final(SubmitError::CannotPayFees)
        );
        assert_eq!(
            classify(1016, "", String::new()),
            PoolError::Final(SubmitError::PoolFull)
        );
    }
}
