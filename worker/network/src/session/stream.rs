//! A stream of frames, within bounds of size and time.

use super::{
    serve::Meter,
    wire::{Frame, MAX_FRAME_BYTES},
};
use crate::{config::Patience, data::serve::time_at};
use futures::{
    AsyncReadExt, AsyncWriteExt,
    io::{ReadHalf, WriteHalf},
};
use libp2p::{PeerId, Stream};
use std::{io, time::Duration};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Bytes that are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Why a stream does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The peer sent nothing, or did not read, for too long.
    #[error("the peer is silent, or does not read, for too long")]
    Stall,
    /// The peer sent what the protocol does not allow, such as a frame that is too long.
    #[error("the peer sent what the protocol does not allow: {reason}")]
    Protocol {
        /// The fault.
        reason: String,
    },
    /// The stream or its connection broke, or the peer gave up.
    #[error("the stream broke: {reason}")]
    Broken {
        /// The transport's error.
        reason: String,
    },
}

/// Both halves of a stream.
#[derive(Debug)]
pub struct SessionStream {
    peer: PeerId,
    reader: FrameReader,
    writer: FrameWriter,
}

/// The half that receives.
#[derive(Debug)]
pub struct FrameReader {
    stream: ReadHalf<Stream>,
    buffer: Vec<u8>,
    meter: Option<Meter>,
    /// Until then, nothing is read: the peer has sent more than it may.
    paused_until: Option<Instant>,
}

/// The half that sends.
#[derive(Debug)]
pub struct FrameWriter {
    stream: WriteHalf<Stream>,
    patience: Patience,
}

impl SessionStream {
    pub(crate) fn new(peer: PeerId, stream: Stream, patience: Patience, meter: Option<Meter>) -> Self {
        let (reading, writing) = stream.split();
        Self {
            peer,
            reader: FrameReader {
                stream: reading,
                buffer: Vec::new(),
                meter,
                paused_until: None,
            },
            writer: FrameWriter {
                stream: writing,
                patience,
            },
        }
    }

    /// The other side.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The two halves. The stream is reset when both are dropped.
    pub fn split(self) -> (FrameReader, FrameWriter) {
        (self.reader, self.writer)
    }

    /// See [`FrameReader::receive`].
    pub async fn receive(&mut self, within: Duration) -> Result<Option<Frame>, StreamError> {
        self.reader.receive(within).await
    }

    /// See [`FrameWriter::send`].
    pub async fn send(&mut self, frame: &Frame) -> Result<(), StreamError> {
        self.writer.send(frame).await
    }
}

impl FrameReader {
    /// The next frame; `None` where the peer has ended the stream between frames.
    ///
    /// A call that is dropped loses nothing: the next one goes on where it was.
    pub async fn receive(&mut self, within: Duration) -> Result<Option<Frame>, StreamError> {
        let deadline = Instant::now() + within;
        loop {
            match Frame::first_of(&self.buffer) {
                Ok(Some((frame, length))) => {
                    self.buffer.drain(..length);
                    return Ok(Some(frame));
                }
                Ok(None) => {}
                Err(error) => {
                    if let Some(meter) = &self.meter {
                        meter.breach();
                    }
                    return Err(StreamError::Protocol {
                        reason: error.to_string(),
                    });
                }
            }
            match timeout_at(deadline, self.read()).await {
                Ok(Ok(0)) if self.buffer.is_empty() => return Ok(None),
                Ok(Ok(0)) => return Err(broken(&io::Error::from(io::ErrorKind::UnexpectedEof))),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(broken(&error)),
                Err(_) => return Err(StreamError::Stall),
            }
        }
    }

    /// Reads some bytes into the buffer, which never has more than a frame and a read.
    async fn read(&mut self) -> io::Result<usize> {
        if let Some(until) = self.paused_until {
            sleep_until(until).await;
            self.paused_until = None;
        }
        debug_assert!(self.buffer.len() <= MAX_FRAME_BYTES + READ_BYTES);
        let mut bytes = [0; READ_BYTES];
        let count = self.stream.read(&mut bytes).await?;
        self.buffer.extend_from_slice(&bytes[..count]);
        if let Some(meter) = &self.meter {
            let pause = meter.count(count);
            self.paused_until = (!pause.is_zero()).then(|| Instant::now() + pause);
        }
        Ok(count)
    }
}

impl FrameWriter {
    /// Sends a frame. The stream is of no use after a call that failed or was dropped.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), StreamError> {
        self.send_together(std::slice::from_ref(frame)).await
    }

    /// Sends frames, one after the other, in one write. The stream is of no use after a call that failed or was
    /// dropped.
    pub async fn send_together(&mut self, frames: &[Frame]) -> Result<(), StreamError> {
        let mut bytes = Vec::new();
        for frame in frames {
            bytes.extend(frame.framed().map_err(|error| broken(&error))?);
        }
        let time = self.patience.stall + time_at(self.patience.min_rate, bytes.len());
        let sent = async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        };
        match timeout(time, sent).await {
            Ok(sent) => sent.map_err(|error| broken(&error)),
            Err(_) => Err(StreamError::Stall),
        }
    }

    /// Ends the stream: what was sent arrives, and nothing more will.
    pub async fn close(&mut self) -> Result<(), StreamError> {
        match timeout(self.patience.stall, self.stream.close()).await {
            Ok(closed) => closed.map_err(|error| broken(&error)),
            Err(_) => Err(StreamError::Stall),
        }
    }
}

fn broken(error: &io::Error) -> StreamError {
    StreamError::Broken {
        reason: error.to_string(),
    }
}
