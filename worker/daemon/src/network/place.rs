//! A node's place as it is announced on chain.

use assay_network::{Multiaddr, PeerId, Status};
use assay_types::{
    Announcement,
    limits::{MAX_ADDRESS_BYTES, MAX_ADDRESSES},
};

/// The announcement of a node; `None` as long as it knows no address at which others reach it. What it knows by itself
/// stands before what relays give it.
pub(super) fn of(status: &Status) -> Option<Announcement> {
    let mut addresses: Vec<Vec<u8>> = Vec::new();
    let (mut external, mut relayed) = (status.external.clone(), status.relayed.clone());
    external.sort();
    relayed.sort();
    for address in external.into_iter().chain(relayed) {
        let bytes = without_peer(address, status.peer).map(|address| address.to_vec());
        addresses.extend(bytes.filter(|bytes| bytes.len() <= MAX_ADDRESS_BYTES as usize && !bytes.is_empty()));
    }
    let mut known = std::collections::BTreeSet::new();
    addresses.retain(|address| known.insert(address.clone()));
    addresses.truncate(MAX_ADDRESSES as usize);
    if addresses.is_empty() {
        return None;
    }
    let addresses = addresses.into_iter().map(|address| address.try_into().ok());
    Some(Announcement {
        peer: status.peer.to_bytes().try_into().ok()?,
        addresses: addresses.collect::<Option<Vec<_>>>()?.try_into().ok()?,
    })
}

/// The address without the identity at its end; `None` for one that ends in another identity.
fn without_peer(address: Multiaddr, peer: PeerId) -> Option<Multiaddr> {
    let mut whole = address.with_p2p(peer).ok()?;
    whole.pop();
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::sessions::announced_node as read;
    use assay_network::{Counters, Reachability};

    fn address(text: &str) -> Multiaddr {
        text.parse().expect("an address")
    }

    fn status(peer: PeerId, external: Vec<Multiaddr>, relayed: Vec<Multiaddr>) -> Status {
        Status {
            peer,
            listening: vec![address("/ip4/10.0.0.7/tcp/30340")],
            external,
            relayed,
            reachability: Reachability::Unknown,
            peers: Vec::new(),
            known_peers: 0,
            counters: Counters::default(),
        }
    }

    #[test]
    fn what_is_announced_is_read_as_it_was() {
        let (peer, relay) = (PeerId::random(), PeerId::random());
        let direct = address("/ip4/192.0.2.1/udp/30340/quic-v1");
        let through = address(&format!("/ip4/192.0.2.9/tcp/30340/p2p/{relay}/p2p-circuit"));
        let with_peer = direct.clone().with_p2p(peer).expect("no other identity");
        let status = status(peer, vec![with_peer.clone(), direct], vec![through.clone()]);
        let announcement = of(&status).expect("it has addresses");
        assert_eq!(announcement.addresses.len(), 2);
        let through = through.with_p2p(peer).expect("no other identity");
        assert_eq!(read(&announcement), Some((peer, vec![with_peer, through])));
    }

    #[test]
    fn a_node_that_nobody_reaches_announces_nothing() {
        let peer = PeerId::random();
        assert_eq!(of(&status(peer, Vec::new(), Vec::new())), None);
        let others = address("/ip4/192.0.2.1/tcp/1").with_p2p(PeerId::random()).expect("one");
        assert_eq!(of(&status(peer, vec![others], Vec::new())), None);
    }

    #[test]
    fn no_more_is_announced_than_the_chain_takes() {
        let peer = PeerId::random();
        let long = address(&format!("/dns/{}/tcp/1", "a".repeat(MAX_ADDRESS_BYTES as usize)));
        let many = (0..20)
            .map(|port| address(&format!("/ip4/192.0.2.1/tcp/{port}")))
            .chain([long]);
        let announcement = of(&status(peer, many.collect(), Vec::new())).expect("it has addresses");
        assert_eq!(announcement.addresses.len(), MAX_ADDRESSES as usize);
    }

    #[test]
    fn nonsense_on_chain_is_passed_over() {
        let mut announcement = Announcement {
            peer: PeerId::random().to_bytes().try_into().expect("short"),
            addresses: vec![vec![255u8; 9].try_into().expect("short")].try_into().expect("few"),
        };
        assert_eq!(read(&announcement).map(|(_, addresses)| addresses.len()), Some(0));
        announcement.peer = vec![1, 2, 3].try_into().expect("short");
        assert_eq!(read(&announcement), None);
    }
}
