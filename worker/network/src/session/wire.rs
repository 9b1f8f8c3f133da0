//! Frames of the protocol `/assay/session/1`.
//!
//! A frame is the length of what follows as u32, little-endian, and the SCALE encoding of a [`Frame`]. What a frame
//! carries is opaque here: both ends agree on it, and encrypt it for each other.

use codec::{Decode, DecodeAll, Encode};
use std::io;

/// Name of the protocol.
pub const PROTOCOL: &str = "/assay/session/1";
/// Bytes that a frame may carry: what one message of Noise may have.
pub const MAX_CONTENT_BYTES: usize = 65_535;
/// Bytes that a receipt, a voucher or a step of the greeting may have.
pub const MAX_MESSAGE_BYTES: usize = 1024;
/// Bytes of a frame behind its length: the content, its length and the kind.
pub const MAX_FRAME_BYTES: usize = MAX_CONTENT_BYTES + 5;
/// Maximum time that a refusal asks for.
pub const MAX_RETRY_AFTER_MS: u32 = 60_000;

/// A message of a session.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// The client begins the greeting.
    #[codec(index = 0)]
    Hello(Vec<u8>),
    /// The worker ends the greeting.
    #[codec(index = 1)]
    Welcome(Vec<u8>),
    /// A request, with its input if that is small.
    #[codec(index = 2)]
    Request(Vec<u8>),
    /// The worker takes the request and waits for its input.
    #[codec(index = 3)]
    Accepted(Vec<u8>),
    /// A piece of the input.
    #[codec(index = 4)]
    Input(Vec<u8>),
    /// Tokens of the answer.
    #[codec(index = 5)]
    Token(Vec<u8>),
    /// A piece of the outputs.
    #[codec(index = 6)]
    Output(Vec<u8>),
    /// The receipt, after all of the answer.
    #[codec(index = 7)]
    Receipt(Vec<u8>),
    /// The voucher for the answers so far.
    #[codec(index = 8)]
    Voucher(Vec<u8>),
    /// Nothing, and why.
    #[codec(index = 9)]
    Refused(SessionRefusal),
}

/// Why a request is not answered, and when to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SessionRefusal {
    /// Why.
    pub reason: RefusalReason,
    /// Milliseconds after which the same request may succeed; 0 where it will not.
    pub retry_after_ms: u32,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum RefusalReason {
    /// The peer has as much to do as it takes on.
    #[codec(index = 0)]
    #[error("the peer is busy")]
    Busy,
    /// The client asks more often than it may.
    #[codec(index = 1)]
    #[error("the client asks too often")]
    TooOften,
    /// Something took longer than it may.
    #[codec(index = 2)]
    #[error("something took longer than it may")]
    TooSlow,
    /// The client sent what the protocol does not allow.
    #[codec(index = 3)]
    #[error("the client sent what the protocol does not allow")]
    Protocol,
    /// The peer could not do what it was asked.
    #[codec(index = 4)]
    #[error("the peer failed")]
    Failed,
    /// A rule above the network forbids it, which has this code there.
    #[codec(index = 5)]
    #[error("the request is declined with code {code}")]
    Declined {
        /// The code.
        code: u8,
    },
}

impl SessionRefusal {
    /// A refusal that nothing will change.
    pub fn finally(reason: RefusalReason) -> Self {
        Self {
            reason,
            retry_after_ms: 0,
        }
    }

    /// A refusal for a time, of at most [`MAX_RETRY_AFTER_MS`].
    pub fn for_now(reason: RefusalReason, retry_after: std::time::Duration) -> Self {
        let ms = u32::try_from(retry_after.as_millis()).unwrap_or(u32::MAX);
        Self {
            reason,
            retry_after_ms: ms.clamp(1, MAX_RETRY_AFTER_MS),
        }
    }
}

impl Frame {
    /// Kind of the frame, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "a hello",
            Self::Welcome(_) => "a welcome",
            Self::Request(_) => "a request",
            Self::Accepted(_) => "an acceptance",
            Self::Input(_) => "an input",
            Self::Token(_) => "tokens",
            Self::Output(_) => "an output",
            Self::Receipt(_) => "a receipt",
            Self::Voucher(_) => "a voucher",
            Self::Refused(_) => "a refusal",
        }
    }

    /// Whether it carries no more than a frame of its kind may.
    fn is_bounded(&self) -> bool {
        match self {
            Self::Request(content) | Self::Input(content) | Self::Token(content) | Self::Output(content) => {
                content.len() <= MAX_CONTENT_BYTES
            }
            Self::Hello(content)
            | Self::Welcome(content)
            | Self::Accepted(content)
            | Self::Receipt(content)
            | Self::Voucher(content) => content.len() <= MAX_MESSAGE_BYTES,
            Self::Refused(refusal) => refusal.retry_after_ms <= MAX_RETRY_AFTER_MS,
        }
    }

    /// The frame with its length before it; `InvalidInput` if it carries more than it may.
    pub(crate) fn framed(&self) -> io::Result<Vec<u8>> {
        match self.is_bounded() {
            true => crate::data::wire::framed(self),
            false => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    /// The frame at the beginning of these bytes and the number of bytes that it takes; `None` if more are to come.
    ///
    /// A frame that is longer than it may be, or is followed by anything within its length, is `InvalidData`.
    pub(crate) fn first_of(bytes: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        let Some((length, rest)) = bytes.split_first_chunk::<{ size_of::<u32>() }>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(invalid("a frame is longer than it may be"));
        }
        let Some(mut content) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = Self::decode_all(&mut content).map_err(|error| invalid(&error.to_string()))?;
        match frame.is_bounded() {
            true => Ok(Some((frame, size_of::<u32>() + length))),
            false => Err(invalid("a frame carries more than one of its kind may")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_when_all_of_it_is_there() {
        let frame = Frame::Token(vec![7; 300]);
        let bytes = frame.framed().expect("bounded");
        for length in 0..bytes.len() {
            assert_eq!(Frame::first_of(&bytes[..length]).expect("no breach"), None);
        }
        let whole = Frame::first_of(&bytes).expect("no breach");
        assert_eq!(whole, Some((frame, bytes.len())));
    }

    #[test]
    fn the_largest_frame_fits_and_one_byte_more_is_refused_on_both_sides() {
        let largest = Frame::Input(vec![1; MAX_CONTENT_BYTES]).framed().expect("bounded");
        assert!(Frame::first_of(&largest).expect("no breach").is_some());
        assert!(Frame::Input(vec![1; MAX_CONTENT_BYTES + 1]).framed().is_err());
        assert!(Frame::first_of(&(MAX_FRAME_BYTES as u32 + 1).to_le_bytes()).is_err());
    }

    #[test]
    fn a_receipt_of_more_than_its_kind_may_have_is_refused() {
        let long = Frame::Receipt(vec![1; MAX_MESSAGE_BYTES + 1]);
        assert!(long.framed().is_err());
        let forged = crate::data::wire::framed(&long).expect("a frame");
        assert!(Frame::first_of(&forged).is_err());
        let patient = Frame::Refused(SessionRefusal {
            reason: RefusalReason::Busy,
            retry_after_ms: u32::MAX,
        });
        let forged = crate::data::wire::framed(&patient).expect("a frame");
        assert!(Frame::first_of(&forged).is_err());
    }

    #[test]
    fn what_is_no_frame_and_what_follows_one_is_refused() {
        let mut bytes = crate::data::wire::framed(&(Frame::Accepted(vec![]), 1u8)).expect("bytes");
        assert!(Frame::first_of(&bytes).is_err());
        bytes[4] = 77;
        assert!(Frame::first_of(&bytes).is_err());
    }

    #[test]
    fn a_refusal_for_now_is_bounded() {
        let refusal = |ms| SessionRefusal::for_now(RefusalReason::Busy, std::time::Duration::from_millis(ms));
        assert_eq!(
            [0, 5, u64::MAX].map(|ms| refusal(ms).retry_after_ms),
            [1, 5, MAX_RETRY_AFTER_MS]
        );
    }
}
