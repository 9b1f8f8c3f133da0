//! A stream of frames whose contents are encrypted, as both sides use it after the greeting.

use crate::seal::{MAX_PLAIN_BYTES, SealError, Sealed};
use assay_network::session::{Frame, FrameReader, FrameWriter, SessionRefusal, StreamError};
use std::time::Duration;

/// Why a stream is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// It broke or stalled.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// Its contents are not those of the other side.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Something came that does not belong there.
    #[error("{0} came, which does not belong there")]
    Unexpected(&'static str),
}

/// A content and the kind of frame that it travels in.
pub(crate) type Content<'a> = (fn(Vec<u8>) -> Frame, &'a [u8]);

/// A stream after the greeting.
pub(crate) struct Wire {
    pub reader: FrameReader,
    pub writer: FrameWriter,
    pub sealed: Sealed,
}

impl Wire {
    /// Encrypts a content and sends it in a frame of this kind.
    pub async fn send(&mut self, kind: fn(Vec<u8>) -> Frame, content: &[u8]) -> Result<(), WireError> {
        self.send_together(&[(kind, content)]).await
    }

    /// Encrypts contents and sends them in a frame each, in one write.
    pub async fn send_together(&mut self, contents: &[Content<'_>]) -> Result<(), WireError> {
        let mut frames = Vec::with_capacity(contents.len());
        for (kind, content) in contents {
            frames.push(kind(self.sealed.seal(content)?));
        }
        Ok(self.writer.send_together(&frames).await?)
    }

    /// Sends bytes of any length in frames of this kind.
    pub async fn send_pieces(&mut self, kind: fn(Vec<u8>) -> Frame, bytes: &[u8]) -> Result<(), WireError> {
        for piece in bytes.chunks(MAX_PLAIN_BYTES) {
            self.send(kind, piece).await?;
        }
        Ok(())
    }

    /// Says why nothing comes.
    pub async fn refuse(&mut self, refusal: SessionRefusal) -> Result<(), WireError> {
        Ok(self.writer.send(&Frame::Refused(refusal)).await?)
    }

    /// The next frame with its content decrypted; `None` at the end of the stream.
    pub async fn receive(&mut self, within: Duration) -> Result<Option<Frame>, WireError> {
        let Some(frame) = self.reader.receive(within).await? else {
            return Ok(None);
        };
        let mut open = |content: Vec<u8>| self.sealed.open(&content);
        Ok(Some(match frame {
            Frame::Request(content) => Frame::Request(open(content)?),
            Frame::Accepted(content) => Frame::Accepted(open(content)?),
            Frame::Input(content) => Frame::Input(open(content)?),
            Frame::Token(content) => Frame::Token(open(content)?),
            Frame::Output(content) => Frame::Output(open(content)?),
            Frame::Receipt(content) => Frame::Receipt(open(content)?),
            Frame::Voucher(content) => Frame::Voucher(open(content)?),
            Frame::Refused(refusal) => Frame::Refused(refusal),
            Frame::Hello(_) | Frame::Welcome(_) => return Err(WireError::Unexpected("a second greeting")),
        }))
    }
}
