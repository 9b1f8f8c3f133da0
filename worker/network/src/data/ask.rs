//! Short questions: one request, one answer, one peer after the other.

use super::{
    fetch::{Sources, search},
    provider::in_time,
    wire::{Answer, MAX_ANSWER_BYTES, Refusal, Request, receive, send},
};
use crate::{
    error::{Fault, NetworkError},
    node::Peers,
};
use assay_ops::tensor::Digest;
use futures::AsyncWriteExt;
use libp2p::PeerId;
use std::time::Instant;

/// Times that a peer is asked whose streams are all taken.
const MAX_BUSY: u32 = 5;

/// Asks one peer. A refusal is an answer.
pub(crate) async fn one(peers: &Peers, peer: PeerId, request: &Request) -> Result<Answer, NetworkError> {
    let mut times = 0;
    loop {
        match once(peers, peer, request).await? {
            Some(answer) => return Ok(answer),
            None if times == MAX_BUSY => return Ok(Answer::Refused(Refusal::Busy)),
            None => {
                times += 1;
                tokio::time::sleep(std::time::Duration::from_millis(200) * times).await;
            }
        }
    }
}

/// Asks one peer once; `None` if it closes the stream without a word, which a peer does that serves as many as it may.
async fn once(peers: &Peers, peer: PeerId, request: &Request) -> Result<Option<Answer>, NetworkError> {
    let mut stream = peers.open(peer).await?;
    // The longest answer takes as long as the minimum rate allows.
    let time = peers.patience.stall + super::serve::time_at(peers.patience.min_rate, MAX_ANSWER_BYTES);
    let answered = in_time(tokio::time::Instant::now() + time, async {
        send(&mut stream, request).await?;
        receive::<Answer>(&mut stream, MAX_ANSWER_BYTES).await
    });
    let answer = match answered.await {
        Ok(answer) => answer,
        Err(Fault::Closed) => None,
        Err(fault) => return Err(peers.fault(peer, fault)),
    };
    let _ = stream.close().await;
    Ok(answer)
}

/// Asks peers one after the other until `check` takes an answer. A peer whose answer it does not take is dropped.
pub(crate) async fn any<T>(
    peers: &Peers,
    sources: &Sources,
    key: Digest,
    request: &Request,
    check: impl Fn(PeerId, Answer) -> Result<T, Fault>,
) -> Result<(PeerId, T), NetworkError> {
    let mut tried = Vec::new();
    let mut asked = std::collections::HashSet::from([peers.own]);
    for has_searched in [false, true] {
        let candidates = match has_searched {
            false => sources.peers.clone(),
            true => {
                let keys: Vec<Digest> = sources.search.into_iter().chain([key]).collect();
                search(peers, &keys).await?
            }
        };
        for peer in candidates {
            if !asked.insert(peer) {
                continue;
            }
            if !peers.standing.is_good(&peer, Instant::now()) {
                tried.push((peer, "it is dropped for a time".to_owned()));
                continue;
            }
            let reason = match one(peers, peer, request).await {
                Ok(Answer::Refused(refusal)) => refusal.to_string(),
                Ok(answer) => match check(peer, answer) {
                    Ok(value) => return Ok((peer, value)),
                    Err(fault) => peers.fault(peer, fault).to_string(),
                },
                Err(NetworkError::Stopped) => return Err(NetworkError::Stopped),
                Err(error) => error.to_string(),
            };
            tried.push((peer, reason));
        }
    }
    Err(NetworkError::Unavailable { digest: key, tried })
}
