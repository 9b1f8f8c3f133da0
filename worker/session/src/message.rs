//! Messages in the frames of a session, in SCALE, each encrypted to the worker's key ([`crate::seal`]).
//!
//! ```text
//! client                                              worker
//!   Hello     noise message 1: e, the key asked for →
//!                                                   ← Welcome   noise message 2: e, ee, s, es, signature of s
//!   Request   Ask: signed head, voucher, input      →
//!                                                   ← Accepted  (nothing; only if the input follows)
//!   Input     pieces of the input                   →
//!                                                   ← Token     tokens, or
//!                                                   ← Output    pieces of the outputs
//!                                                   ← Receipt   SignedReceipt
//!   Voucher   SignedVoucher                         →
//!   Request   the next one, on the same stream      →
//! ```
//!
//! A stream carries one request after the other; requests beside each other have a stream each. A request is signed by
//! the client's key of the session:
//!
//! ```text
//! request   "assay/request/1\0" ‖ genesis ‖ session u64 ‖ sequence u32 ‖ model_root ‖ input_digest ‖ symbols
//! ```

use crate::types::{H256, Place, Signed, SignedVoucher};
use assay_exact::digest::DOMAIN_BYTES;
use assay_network::session::{RefusalReason, SessionRefusal};
use assay_types::{SessionKey, limits::MAX_SYMBOLS};
use codec::{Decode, Encode};

/// Domain of the signature of a request.
pub const REQUEST_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/request/1\0";
/// Domain of the signature of a worker's key for encryption.
pub const SEAL_DOMAIN: &[u8; DOMAIN_BYTES] = b"assay/seal/1\0\0\0\0";
/// Bytes of an input that travels with its request; a larger one waits for [`Accepted`](assay_network::session::Frame).
pub const MAX_INLINE_BYTES: usize = 48 * 1024;
/// Bytes of an input, and of an answer, that a session carries unless the configuration says otherwise. Both sides keep
/// an input in their journals, which one thread writes.
pub const MAX_CARRIED_BYTES: u64 = 64 << 20;

/// Request of a client.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RequestHead {
    /// The chain and the session.
    pub place: Place,
    /// Number of the request.
    pub sequence: u32,
    /// Root of the session's model.
    pub model_root: H256,
    /// List digest of the inputs.
    pub input_digest: H256,
    /// Values of the model's symbols, at most [`MAX_SYMBOLS`].
    pub symbols: Vec<u32>,
}

impl RequestHead {
    /// The bytes that are signed.
    pub fn message(&self) -> Vec<u8> {
        (REQUEST_DOMAIN, self).encode()
    }
}

impl Signed<RequestHead> {
    /// Whether this key has signed the request, and it has no more symbols than a model may have.
    pub fn is_by(&self, key: &SessionKey) -> bool {
        self.message.symbols.len() <= MAX_SYMBOLS as usize && self.signature.verifies(&self.message.message(), key)
    }
}

/// The content of a request's frame.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ask {
    /// The request.
    pub head: Signed<RequestHead>,
    /// The client's latest voucher.
    pub voucher: Option<SignedVoucher>,
    /// The inputs one after the other, if they are at most [`MAX_INLINE_BYTES`].
    pub input: Option<Vec<u8>>,
}

/// Why a worker declines a request, by the rules of sessions. Nothing is owed for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Decline {
    /// The chain has no such session of this worker, or it is not open any more, or nearly over: open another one.
    #[error("the session is not open; open another one")]
    NotOpen = 1,
    /// The request is not signed by the session's key, or is about another model.
    #[error("the request is not signed for this session and model")]
    NotSigned = 2,
    /// An earlier request is not paid: send its voucher.
    #[error("an earlier request is not paid; send the voucher")]
    NotPaid = 3,
    /// The budget does not cover the request: add to it.
    #[error("the budget does not cover the request; add to it")]
    Budget = 4,
    /// The number is not that of the next request.
    #[error("the number is not that of the next request")]
    Sequence = 5,
    /// Another input was asked under this number: ask for that one.
    #[error("another input was asked under this number; ask for that one")]
    OtherInput = 6,
    /// The input does not fit the model or its digest.
    #[error("the input does not fit the model")]
    Input = 7,
    /// The request was begun as often as it may be, and broken off every time.
    #[error("the request was broken off too often")]
    TooManyTries = 8,
    /// The input or the answer has more bytes than this worker carries: submit a job by digest.
    #[error("the input or the answer has more bytes than this worker carries; submit a job by digest")]
    TooLarge = 9,
    /// A reason that this version does not know.
    #[error("a reason that this version does not know")]
    Unknown = 255,
}

impl Decline {
    /// The reason with this code.
    pub fn from_code(code: u8) -> Self {
        let known = [
            Self::NotOpen,
            Self::NotSigned,
            Self::NotPaid,
            Self::Budget,
            Self::Sequence,
            Self::OtherInput,
            Self::Input,
            Self::TooManyTries,
            Self::TooLarge,
        ];
        known
            .into_iter()
            .find(|reason| *reason as u8 == code)
            .unwrap_or(Self::Unknown)
    }

    /// The refusal that says so on the wire.
    pub fn refusal(self) -> SessionRefusal {
        SessionRefusal {
            reason: RefusalReason::Declined { code: self as u8 },
            retry_after_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SessionPair;
    use codec::DecodeAll;

    fn head() -> RequestHead {
        RequestHead {
            place: Place {
                genesis: H256([1; 32]),
                session: 7,
            },
            sequence: 3,
            model_root: H256([2; 32]),
            input_digest: H256([3; 32]),
            symbols: vec![4, 5],
        }
    }

    #[test]
    fn a_request_is_signed_with_everything_that_it_says() {
        let pair = SessionPair::ed25519(&[9; 32]);
        let signed = Signed {
            signature: pair.sign(&head().message()),
            message: head(),
        };
        assert!(signed.is_by(&pair.public()));
        assert!(!signed.is_by(&SessionPair::ed25519(&[8; 32]).public()));
        for changed in [
            RequestHead { sequence: 4, ..head() },
            RequestHead {
                input_digest: H256([4; 32]),
                ..head()
            },
            RequestHead {
                symbols: vec![5, 4],
                ..head()
            },
        ] {
            let forged = Signed {
                signature: signed.signature.clone(),
                message: changed,
            };
            assert!(!forged.is_by(&pair.public()));
        }
        let many = RequestHead {
            symbols: vec![1; MAX_SYMBOLS as usize + 1],
            ..head()
        };
        let many = Signed {
            signature: pair.sign(&many.message()),
            message: many,
        };
        assert!(!many.is_by(&pair.public()), "more symbols than a model may have");
    }

    #[test]
    fn an_ask_survives_its_encoding_and_nothing_may_follow_it() {
        let pair = SessionPair::sr25519(&[9; 32]);
        let ask = Ask {
            head: Signed {
                signature: pair.sign(&head().message()),
                message: head(),
            },
            voucher: Some(pair.sign_voucher(head().place, 12)),
            input: Some(vec![1, 2, 3]),
        };
        let mut bytes = ask.encode();
        assert_eq!(Ask::decode_all(&mut bytes.as_slice()), Ok(ask));
        bytes.push(0);
        assert!(Ask::decode_all(&mut bytes.as_slice()).is_err());
    }

    #[test]
    fn every_reason_survives_its_code() {
        for code in 0..=u8::MAX {
            let reason = Decline::from_code(code);
            assert!(reason == Decline::Unknown || reason as u8 == code);
        }
        assert_eq!(Decline::from_code(8), Decline::TooManyTries);
        assert_eq!(Decline::from_code(9), Decline::TooLarge);
    }
}
