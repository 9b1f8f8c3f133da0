//! Messages of the parent and the child to each other, and the frames that carry them.
//!
//! ```text
//! "AE"   version, 2 bytes   length, 4 bytes   message in SCALE        all numbers little-endian
//! ```
//!
//! Both sides are the same program, so a version differs only if the program was replaced while it ran. A frame that is
//! not as expected ends the conversation: nothing after it can be relied on.

use super::wire::{WireFault, WireOutput, WireTensor, WireTraced, WireWanted};
use codec::{Decode, DecodeAll, Encode};
use std::io::{self, Read, Write};

/// Version of the frames and messages.
pub const VERSION: u16 = 2;
/// Maximum bytes of a message.
pub const MAX_FRAME_BYTES: u32 = 1 << 30;
const MAGIC: [u8; 2] = *b"AE";
const HEADER_BYTES: usize = 8;

/// Why a frame cannot be sent or read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side has closed the connection.
    #[error("the connection was closed")]
    Closed,
    /// The connection failed, or nothing came in time.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes are not those of a frame.
    #[error("what came is no frame: {0}")]
    Garbled(String),
    /// The message is too long.
    #[error("a message of {bytes} bytes is longer than a frame may be ({MAX_FRAME_BYTES} bytes)")]
    TooLong {
        /// Its length.
        bytes: u64,
    },
}

impl FrameError {
    /// Whether nothing came in time.
    pub(super) fn is_late(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

/// Models that a child is to load.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Setup {
    /// Name of the engine.
    pub engine: String,
    /// The GPU for the engine, if one was named.
    pub gpu: Option<u32>,
    /// Threads for the models.
    pub threads: u32,
    /// Bytes of memory that the child may use.
    pub max_memory: u64,
    /// Folders of the packages, as the system names them.
    pub packages: Vec<Vec<u8>>,
}

/// A sequence that is to be generated.
#[derive(Debug, PartialEq, Encode, Decode)]
pub(super) struct SequenceJob {
    /// Inputs of the check graph, but for the sequence.
    pub inputs: Vec<WireTensor>,
    /// Whether its tokens are told as they are made.
    pub streams: bool,
}

/// Request of the parent.
#[derive(Debug, PartialEq, Encode, Decode)]
pub(super) enum Request {
    /// Load packages: the first question, asked once.
    Load(Setup),
    /// Run jobs of the model at this position among the packages, together if possible.
    Run { model: u32, jobs: Vec<Vec<WireTensor>> },
    /// Generate the sequences of jobs of the check graph at this position, several at once. The answers are those of
    /// [`Run`](Self::Run), with the tokens of jobs that stream before as they are made, and [`Response::Alive`] between
    /// them: after one, jobs of the same model may be added by another such message. Their positions go on after those
    /// that were asked for before, of which `first` is the number.
    Generate {
        model: u32,
        first: u32,
        jobs: Vec<SequenceJob>,
    },
    /// Execute a job with everything on the way.
    Trace {
        model: u32,
        inputs: Vec<WireTensor>,
        wanted: WireWanted,
    },
    /// Execute every model once, on zeros of the smallest shape.
    Test,
}

/// Answer of the child.
#[derive(Debug, PartialEq, Encode, Decode)]
pub(super) enum Response {
    /// The packages are loaded: what the engine says of itself, and the models' roots.
    Loaded { description: String, roots: Vec<[u8; 32]> },
    /// The packages cannot be loaded, for this reason.
    Refused(String),
    /// Outcome of the job at this position; there is one answer for each job, in any order.
    Ran(u32, Result<WireOutput, WireFault>),
    /// Tokens of the job at this position, and the number of tokens that were made before them.
    Made {
        position: u32,
        before: u32,
        tokens: Vec<i64>,
    },
    /// The execution goes on.
    Alive,
    /// An operator's output, which comes before the answer to the trace.
    Tensor {
        operator: u32,
        wanted: bool,
        tensor: WireTensor,
    },
    /// Outcome of a trace.
    Traced(Result<WireTraced, WireFault>),
    /// Outcome of the test.
    Tested(Result<(), String>),
}

/// Sends a message.
pub(super) fn write(to: &mut impl Write, message: &impl Encode) -> Result<(), FrameError> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + message.size_hint());
    frame.extend_from_slice(&[0; HEADER_BYTES]);
    message.encode_to(&mut frame);
    let length = frame.len() - HEADER_BYTES;
    let length = u32::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_FRAME_BYTES)
        .ok_or(FrameError::TooLong { bytes: length as u64 })?;
    frame[..2].copy_from_slice(&MAGIC);
    frame[2..4].copy_from_slice(&VERSION.to_le_bytes());
    frame[4..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame)?;
    Ok(to.flush()?)
}

/// Reads a message. Memory grows with what comes, not with what was announced.
pub(super) fn read<T: Decode>(from: &mut impl Read) -> Result<T, FrameError> {
    let mut header = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        match from.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Err(FrameError::Closed),
            Ok(0) => return Err(FrameError::Garbled("it ends in its header".to_owned())),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(FrameError::Closed),
            Err(error) => return Err(error.into()),
        }
    }
    let [a, b, c, d, e, f, g, h] = header;
    if [a, b] != MAGIC {
        return Err(FrameError::Garbled(format!("it begins with {header:02x?}")));
    }
    let version = u16::from_le_bytes([c, d]);
    if version != VERSION {
        return Err(FrameError::Garbled(format!(
            "it is of version {version}, not {VERSION}"
        )));
    }
    let length = u32::from_le_bytes([e, f, g, h]);
    if length > MAX_FRAME_BYTES {
        return Err(FrameError::TooLong { bytes: length.into() });
    }
    let mut body = Vec::new();
    from.take(length.into()).read_to_end(&mut body)?;
    if body.len() as u64 != u64::from(length) {
        return Err(FrameError::Garbled("it ends before its announced length".to_owned()));
    }
    T::decode_all(&mut body.as_slice()).map_err(|error| FrameError::Garbled(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup() -> Setup {
        Setup {
            engine: "cpu".into(),
            gpu: None,
            threads: 2,
            max_memory: 1 << 30,
            packages: vec![b"digits".to_vec()],
        }
    }

    fn frame() -> Vec<u8> {
        let mut frame = Vec::new();
        write(&mut frame, &Request::Load(setup())).expect("short enough");
        frame
    }

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let bytes = [frame(), frame()].concat();
        let mut rest = bytes.as_slice();
        for _ in 0..2 {
            assert_eq!(read::<Request>(&mut rest).expect("a frame"), Request::Load(setup()));
        }
        assert!(matches!(read::<Request>(&mut rest), Err(FrameError::Closed)));
    }

    #[test]
    fn every_frame_that_is_cut_off_or_altered_is_refused() {
        let whole = frame();
        for length in 1..whole.len() {
            let cut = read::<Request>(&mut &whole[..length]);
            assert!(matches!(cut, Err(FrameError::Garbled(_))), "{length}");
        }
        for index in 0..HEADER_BYTES {
            let mut altered = whole.clone();
            altered[index] ^= 0x41;
            let read = read::<Request>(&mut altered.as_slice());
            assert!(
                matches!(read, Err(FrameError::Garbled(_) | FrameError::TooLong { .. })),
                "{index}"
            );
        }
    }

    #[test]
    fn an_announced_length_is_not_believed() {
        let mut frame = frame();
        frame[4..8].copy_from_slice(&(MAX_FRAME_BYTES + 1).to_le_bytes());
        assert!(matches!(
            read::<Request>(&mut frame.as_slice()),
            Err(FrameError::TooLong { .. })
        ));
        frame[4..8].copy_from_slice(&MAX_FRAME_BYTES.to_le_bytes());
        assert!(matches!(
            read::<Request>(&mut frame.as_slice()),
            Err(FrameError::Garbled(_))
        ));
    }
}
