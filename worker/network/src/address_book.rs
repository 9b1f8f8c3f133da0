//! The peers that a node has met, in a file, so that a restarted node finds the network without a bootnode.
//!
//! One line an address: the second since 1970 in which the peer was last connected, a space, and the address with the
//! peer's identity. The newest peers are kept, and a file is never larger than [`MAX_PEERS`] and [`MAX_ADDRESSES`] say.

use crate::error::NetworkError;
use assay_package::atomic;
use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

/// Peers that are kept.
pub(crate) const MAX_PEERS: usize = 512;
/// Addresses of a peer that are kept.
pub(crate) const MAX_ADDRESSES: usize = 8;
/// Bytes of an address that is kept, as text.
const MAX_ADDRESS_BYTES: usize = 256;
/// Bytes of a file that are read: what the other bounds allow.
const MAX_FILE_BYTES: u64 = (MAX_PEERS * MAX_ADDRESSES * (MAX_ADDRESS_BYTES + 32)) as u64;

#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook {
    peers: HashMap<PeerId, Known>,
    is_changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    seen_s: u64,
    /// With the peer's identity at their ends.
    addresses: Vec<Multiaddr>,
}

impl AddressBook {
    /// Reads a book. A missing file is an empty book, and a line that is not understood is passed over.
    pub(crate) fn load(path: &Path) -> Result<Self, NetworkError> {
        let mut text = Vec::new();
        match File::open(path) {
            Ok(file) => {
                let read = file.take(MAX_FILE_BYTES).read_to_end(&mut text);
                read.map_err(|error| NetworkError::of_file(path, error))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(NetworkError::of_file(path, error)),
        }
        let mut book = Self::default();
        for line in String::from_utf8_lossy(&text).lines() {
            let entry = line.split_once(' ').and_then(|(seen_s, address)| {
                let address: Multiaddr = address.parse().ok()?;
                Some((seen_s.parse().ok()?, peer_of(&address)?, address))
            });
            if let Some((seen_s, peer, address)) = entry {
                book.insert(peer, address, seen_s);
            }
        }
        book.is_changed = false;
        Ok(book)
    }

    /// Writes the book, if it has changed since it was read or written.
    pub(crate) fn save(&mut self, path: &Path) -> Result<(), NetworkError> {
        if !self.is_changed {
            return Ok(());
        }
        let mut text = String::new();
        for (_, known) in self.newest() {
            for address in &known.addresses {
                text.push_str(&format!("{} {address}\n", known.seen_s));
            }
        }
        atomic::replace(path, text.as_bytes(), 0o644).map_err(|error| NetworkError::of_file(path, error))?;
        self.is_changed = false;
        Ok(())
    }

    /// Takes the book for saved: a copy of it is being written.
    pub(crate) fn set_saved(&mut self) {
        self.is_changed = false;
    }

    /// Peers in the book.
    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Notes addresses of a peer that is connected.
    pub(crate) fn note(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) {
        let now_s = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        for address in addresses {
            if let Ok(address) = address.with_p2p(peer) {
                self.insert(peer, address, now_s);
            }
        }
    }

    /// The addresses of every peer, the newest peer first.
    pub(crate) fn addresses(&self) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let newest = self.newest().into_iter();
        newest.map(|(peer, known)| (*peer, known.addresses.clone())).collect()
    }

    fn newest(&self) -> Vec<(&PeerId, &Known)> {
        let mut peers: Vec<_> = self.peers.iter().collect();
        peers.sort_by_key(|(peer, known)| (std::cmp::Reverse(known.seen_s), **peer));
        peers
    }

    fn insert(&mut self, peer: PeerId, address: Multiaddr, seen_s: u64) {
        if address.to_string().len() > MAX_ADDRESS_BYTES {
            return;
        }
        let known = self.peers.entry(peer).or_insert(Known {
            seen_s,
            addresses: Vec::new(),
        });
        known.seen_s = known.seen_s.max(seen_s);
        if !known.addresses.contains(&address) {
            known.addresses.push(address);
            if known.addresses.len() > MAX_ADDRESSES {
                known.addresses.remove(0);
            }
        }
        self.is_changed = true;
        if self.peers.len() > MAX_PEERS {
            let oldest = self.newest().last().map(|(peer, _)| **peer);
            if let Some(oldest) = oldest {
                self.peers.remove(&oldest);
            }
        }
    }
}

/// The peers in the file of an address book, the newest first, each with the addresses at which it was met. A file that
/// is not there has none.
pub fn known_peers(path: &Path) -> Result<Vec<(PeerId, Vec<Multiaddr>)>, NetworkError> {
    Ok(AddressBook::load(path)?.addresses())
}

/// The peer that an address ends in.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: usize) -> Multiaddr {
        format!("/ip4/192.0.2.1/udp/{port}/quic-v1")
            .parse()
            .expect("an address")
    }

    #[test]
    fn book_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book");
        let mut book = AddressBook::load(&path).expect("an empty book");
        let peer = PeerId::random();
        book.note(peer, [address(1), address(2), address(1)]);
        book.save(&path).expect("saves");
        let again = AddressBook::load(&path).expect("loads");
        assert_eq!(known_peers(&path).expect("reads"), again.addresses());
        assert_eq!(again.peers, book.peers);
        assert_eq!(again.addresses()[0].1.len(), 2);
    }

    #[test]
    fn book_is_bounded_and_keeps_what_is_newest() {
        let mut book = AddressBook::default();
        let first = PeerId::random();
        book.insert(first, address(1).with_p2p(first).expect("an address"), 1);
        for second in 2..MAX_PEERS as u64 + 2 {
            let peer = PeerId::random();
            book.insert(peer, address(1).with_p2p(peer).expect("an address"), second);
        }
        assert_eq!(book.peers.len(), MAX_PEERS);
        assert!(!book.peers.contains_key(&first));
        let peer = PeerId::random();
        book.note(peer, (0..20).map(address));
        assert_eq!(
            book.addresses()[0],
            (
                peer,
                (12..20)
                    .map(|port| address(port).with_p2p(peer).expect("one"))
                    .collect()
            )
        );
    }

    #[test]
    fn lines_that_are_not_understood_are_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book");
        let peer = PeerId::random();
        let text = format!(
            "nonsense\n7 {}\n9 /ip4/192.0.2.1/tcp/3\n",
            address(5).with_p2p(peer).expect("one")
        );
        std::fs::write(&path, text).expect("writes");
        let book = AddressBook::load(&path).expect("loads");
        assert_eq!(book.peers.keys().collect::<Vec<_>>(), [&peer]);
    }
}
