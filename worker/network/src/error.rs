//! Why the network does not do what it was asked.

use crate::data::wire::Refusal;
use assay_ops::tensor::Digest;
use assay_package::PackageError;
use libp2p::{Multiaddr, PeerId};
use std::path::{Path, PathBuf};

/// Why the network did not start, or something was not fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// A file could not be read or written.
    #[error("cannot read or write {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The file of the node's key does not hold a key.
    #[error("{path} does not hold an ed25519 key; restore the file, or remove it to become another peer")]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// Others may read the file of the node's key.
    #[error("others than its owner may read {path}; chmod it to 600")]
    KeyIsOpen {
        /// The file.
        path: PathBuf,
    },
    /// The transports could not be set up.
    #[error("the network's transports cannot be set up: {reason}")]
    Transport {
        /// The fault.
        reason: String,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: Multiaddr,
        /// The fault.
        reason: String,
    },
    /// An address of a peer lacks its identity.
    #[error("{address} does not end in /p2p/ and the peer's identity")]
    NoPeer {
        /// The address.
        address: Multiaddr,
    },
    /// The node has been stopped.
    #[error("the network's node has been stopped")]
    Stopped,
    /// Sessions are served already.
    #[error("the node serves sessions already; drop what serves them first")]
    AlreadyServed,
    /// A peer cannot be reached.
    #[error("peer {peer} cannot be reached: {reason}")]
    Unreachable {
        /// The peer.
        peer: PeerId,
        /// Why.
        reason: String,
    },
    /// A peer refuses what it was asked.
    #[error("peer {peer} refuses: {refusal}")]
    Refused {
        /// The peer.
        peer: PeerId,
        /// Why.
        refusal: Refusal,
    },
    /// A peer broke the protocol, or sent what the digest does not commit to.
    #[error("peer {peer} is dropped for a time: {fault}")]
    Fault {
        /// The peer.
        peer: PeerId,
        /// The peer's fault.
        fault: Fault,
    },
    /// Nobody was found who provides all of it.
    #[error("nobody provides the rest of 0x{}: {}", hex::encode(.digest), attempts(.tried))]
    Unavailable {
        /// Digest of the data that was to be fetched.
        digest: Digest,
        /// Peers that were asked, and the outcomes.
        tried: Vec<(PeerId, String)>,
    },
    /// Something has more bytes or entries than it may.
    #[error("{what} has {actual} bytes or entries, and may have {max}")]
    TooLarge {
        /// Kind of the data.
        what: &'static str,
        /// Its bytes or entries.
        actual: u64,
        /// The maximum.
        max: u64,
    },
    /// A tensor's shape has too many dimensions, or is too large.
    #[error("the shape has more dimensions or elements than a tensor may have")]
    Shape,
    /// A package's file has changed since the package was loaded.
    #[error("{path} has changed since the package was loaded; get the package again")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A package that was fetched is not valid.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A package that was fetched is another than the one that was asked for.
    #[error(
        "the package has root 0x{}, and 0x{} was asked for",
        hex::encode(actual),
        hex::encode(expected)
    )]
    Root {
        /// The root that was asked for.
        expected: Digest,
        /// The root of the package.
        actual: Digest,
    },
}

/// Fault of a peer, of which no honest and healthy one is guilty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// It sent bytes that the digest does not commit to.
    #[error("it sent bytes that the digest does not commit to")]
    Lie,
    /// It sent nothing for too long.
    #[error("it sent nothing for too long")]
    Stall,
    /// It sent more slowly than the minimum rate.
    #[error("it sent more slowly than the minimum rate")]
    Trickle,
    /// It sent something that the protocol does not allow at that place, such as a message that is too long.
    #[error("it sent what the protocol does not allow")]
    Protocol,
    /// It closed the stream in the middle of an answer.
    #[error("it closed the stream in the middle of an answer")]
    Closed,
}

impl NetworkError {
    /// Names the file.
    pub(crate) fn of_file(path: &Path, error: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            error,
        }
    }
}

fn attempts(tried: &[(PeerId, String)]) -> String {
    match tried.is_empty() {
        true => "no provider is known; connect to more peers, or name one".to_owned(),
        false => {
            let lines = tried.iter().map(|(peer, reason)| format!("{peer}: {reason}"));
            lines.collect::<Vec<_>>().join("; ")
        }
    }
}
