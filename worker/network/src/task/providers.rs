//! Providers of each digest, as kademlia knows them.

use super::Task;
use assay_ops::tensor::Digest;
use libp2p::{PeerId, kad, kad::store::RecordStore, swarm::dial_opts::DialOpts};
use std::collections::HashSet;
use tokio::sync::oneshot;

/// Providers after which a search ends.
const ENOUGH: usize = 16;
/// Searches at a time; further ones find nothing.
const MAX_SEARCHES: usize = 256;

/// A search that somebody waits for.
pub(super) struct Search {
    found: HashSet<PeerId>,
    answer: oneshot::Sender<Vec<PeerId>>,
}

impl Task {
    /// Tells the network that this node provides a digest.
    pub(super) fn provide(&mut self, digest: &Digest) {
        let key = kad::RecordKey::new(digest);
        if let Err(error) = self.swarm.behaviour_mut().kademlia.start_providing(key) {
            tracing::warn!(%error, "does not tell the network what it provides: too many digests");
        }
    }

    /// Tells it no longer.
    pub(super) fn withhold(&mut self, digest: &Digest) {
        let key = kad::RecordKey::new(digest);
        self.swarm.behaviour_mut().kademlia.stop_providing(&key);
    }

    /// Begins a search.
    pub(super) fn search(&mut self, digest: &Digest, answer: oneshot::Sender<Vec<PeerId>>) {
        self.searches.retain(|_, search| !search.answer.is_closed());
        if self.searches.len() < MAX_SEARCHES {
            let key = kad::RecordKey::new(digest);
            let query = self.swarm.behaviour_mut().kademlia.get_providers(key);
            let found = HashSet::new();
            self.searches.insert(query, Search { found, answer });
        }
    }

    /// Notes what a search has found, and ends it when that is enough.
    pub(super) fn on_query(&mut self, id: kad::QueryId, result: kad::QueryResult, is_last: bool) {
        let mut is_enough = is_last;
        if let kad::QueryResult::GetProviders(Ok(kad::GetProvidersOk::FoundProviders { key, providers })) = result {
            for peer in &providers {
                self.approach(&key, *peer);
            }
            if let Some(search) = self.searches.get_mut(&id) {
                search.found.extend(providers);
                is_enough |= search.found.len() >= ENOUGH;
            }
        }
        if !is_enough {
            return;
        }
        if let Some(search) = self.searches.remove(&id) {
            let _ = search.answer.send(search.found.into_iter().take(ENOUGH).collect());
        }
        if let Some(mut query) = self.swarm.behaviour_mut().kademlia.query_mut(&id) {
            query.finish();
        }
    }

    /// Dials a provider while the search knows its address.
    fn approach(&mut self, key: &kad::RecordKey, peer: PeerId) {
        if peer == *self.swarm.local_peer_id() || self.swarm.is_connected(&peer) {
            return;
        }
        let records = self.swarm.behaviour_mut().kademlia.store_mut().providers(key);
        let own = records.into_iter().filter(|record| record.provider == peer);
        let addresses = own.flat_map(|record| record.addresses.clone()).collect();
        let options = DialOpts::peer_id(peer)
            .addresses(addresses)
            .extend_addresses_through_behaviour();
        if let Err(error) = self.swarm.dial(options.build()) {
            tracing::debug!(%peer, %error, "does not dial a provider");
        }
    }
}
