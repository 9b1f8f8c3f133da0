//! Messages of the protocol `/assay/data/1`, and the frames that they travel in.
//!
//! A frame is the length of a message as u32, little-endian, and the SCALE encoding of the message. Requests are
//! answered in their order, one frame each; [`Answer::Range`] is followed by the bytes that [`tree`](super::tree)
//! describes, without a frame. Either side ends the stream when the other breaks a bound.

use super::tree::TensorHeader;
use assay_exact::model::ModelParts;
use assay_ops::tensor::Digest;
use codec::{Decode, DecodeAll, Encode};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::io;

/// Name of the protocol.
pub const PROTOCOL: &str = "/assay/data/1";
/// Chunks that one request may ask for: 1 MiB.
pub const MAX_RANGE_CHUNKS: u32 = 1024;
/// Entries of a list that one answer may hold.
pub const MAX_ENTRIES: usize = 65_536;
/// Files of a package that a listing may name.
pub const MAX_FILES: usize = 256;
/// Bytes of a request's frame.
pub const MAX_REQUEST_BYTES: usize = 64;
/// Bytes of a frame that answers a request for a range, or refuses one.
pub const MAX_HEADER_BYTES: usize = 256;
/// Bytes of a frame that holds a list or a listing.
pub const MAX_ANSWER_BYTES: usize = 4 << 20;

/// Request of one peer to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// A sign of life.
    #[codec(index = 0)]
    Ping,
    /// The header of the tensor with this digest.
    #[codec(index = 1)]
    Header(Digest),
    /// Chunks `start..start + count` of the tensor with this digest.
    #[codec(index = 2)]
    Range {
        /// Digest of the tensor.
        digest: Digest,
        /// First chunk.
        start: u64,
        /// Chunks, 1 to [`MAX_RANGE_CHUNKS`].
        count: u32,
    },
    /// The entries of the list with this digest, such as the inputs or outputs of a job.
    #[codec(index = 3)]
    List(Digest),
    /// The listing of the package with this model root.
    #[codec(index = 4)]
    Package(Digest),
}

/// Answer of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// The peer lives.
    #[codec(index = 0)]
    Pong,
    /// A tensor's header.
    #[codec(index = 1)]
    Header(TensorHeader),
    /// The tensor's header, behind which the range follows.
    #[codec(index = 2)]
    Range(TensorHeader),
    /// The entries of a list.
    #[codec(index = 3)]
    List(Vec<Digest>),
    /// A package's listing.
    #[codec(index = 4)]
    Package(Box<Listing>),
    /// Nothing, and why.
    #[codec(index = 5)]
    Refused(Refusal),
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
pub enum Refusal {
    /// The peer does not provide what was asked for.
    #[codec(index = 0)]
    #[error("the peer does not provide it")]
    Unknown,
    /// The peer serves as many streams as it may; ask again later, or somebody else.
    #[codec(index = 1)]
    #[error("the peer is busy")]
    Busy,
    /// The tensor has no such chunks, or they are too many or none.
    #[codec(index = 2)]
    #[error("the range is not one of the tensor's")]
    Range,
    /// The peer could not read its own files.
    #[codec(index = 3)]
    #[error("the peer failed to read its data")]
    Failed,
}

/// The parts of a package, each with the digest by which it is fetched.
///
/// The model root commits to `parts`, the parts to the manifest and the list of weights, and the manifest to the other
/// files by a hash of each as a whole. The digests of `files` are the only claim that nothing commits to in advance: a
/// peer that lists wrong ones is found out when the file has arrived.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Listing {
    /// Preimage of the model root.
    pub parts: ModelParts,
    /// Bytes of the manifest as they lie in the package.
    pub manifest: Vec<u8>,
    /// Digests of the weights, in the graph's order.
    pub weights: Vec<Digest>,
    /// The manifest's other files besides the weights, each as a tensor of bytes of one dimension: name and digest.
    pub files: Vec<(String, Digest)>,
}

/// Writes a message in a frame.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &impl Encode) -> io::Result<()> {
    stream.write_all(&framed(message)?).await?;
    stream.flush().await
}

/// A message in its frame.
pub fn framed(message: &impl Encode) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; size_of::<u32>()];
    message.encode_to(&mut frame);
    let length = u32::try_from(frame.len().saturating_sub(size_of::<u32>()));
    let length = length.map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    frame[..size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Reads a message of at most `max` bytes; `None` where the stream has ended before it.
///
/// A message that is longer, or is followed by anything in its frame, is `InvalidData`.
pub async fn receive<T: Decode>(stream: &mut (impl AsyncRead + Unpin), max: usize) -> io::Result<Option<T>> {
    let mut length = [0; size_of::<u32>()];
    let got = stream.read(&mut length).await?;
    if got == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut length[got..]).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a message is longer than it may be",
        ));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    let decoded = T::decode_all(&mut message.as_slice());
    decoded
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, io::Cursor};

    #[test]
    fn every_request_fits_its_frame() {
        let largest = Request::Range {
            digest: [1; 32],
            start: u64::MAX,
            count: u32::MAX,
        };
        let frame = framed(&largest).expect("a frame");
        assert!(frame.len() <= MAX_REQUEST_BYTES);
        let read = block_on(receive::<Request>(&mut Cursor::new(frame), MAX_REQUEST_BYTES));
        assert_eq!(read.expect("a message"), Some(largest));
    }

    #[test]
    fn message_over_the_bound_is_refused_before_it_is_read() {
        let frame = u32::MAX.to_le_bytes().to_vec();
        let read = block_on(receive::<Answer>(&mut Cursor::new(frame), MAX_ANSWER_BYTES));
        assert_eq!(read.expect_err("too long").kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        let frame = framed(&(Request::Ping, 7u8)).expect("a frame");
        let read = block_on(receive::<Request>(&mut Cursor::new(frame), MAX_REQUEST_BYTES));
        assert_eq!(read.expect_err("too much").kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn end_between_messages_is_none_and_within_one_an_error() {
        let nothing = block_on(receive::<Request>(&mut Cursor::new(Vec::new()), MAX_REQUEST_BYTES));
        assert_eq!(nothing.expect("an end"), None);
        let cut = framed(&Request::Ping).expect("a frame")[..3].to_vec();
        let read = block_on(receive::<Request>(&mut Cursor::new(cut), MAX_REQUEST_BYTES));
        assert_eq!(read.expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);
    }
}
