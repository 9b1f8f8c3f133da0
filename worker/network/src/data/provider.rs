//! One stream to one provider: requests go out a few at a time, and answers are verified as they arrive.

use super::{
    board::Claims,
    plan::{Plan, Window},
    serve::time_at,
    tree::{GROUP_BYTES, Step, TensorHeader, Walk, check_group, check_join, group_range},
    wire::{Answer, MAX_HEADER_BYTES, Refusal, Request, receive, send},
};
use crate::{config::Patience, error::Fault};
use assay_ops::tensor::Digest;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite};
use std::{future::Future, io, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

/// Requests that are open on a stream, so that the provider never waits for the next one.
const AHEAD: usize = 3;
/// Time after which a stream without work looks for some again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A window that has been verified.
pub(crate) struct Verified {
    pub(crate) index: u32,
    pub(crate) bytes: Vec<u8>,
}

/// Why a stream ended before everything was fetched.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The provider does what no honest and healthy one does.
    Fault(Fault),
    /// The provider has not, or cannot give, what was asked for.
    Refused(Refusal),
    /// The provider cannot be reached, and why.
    Unreachable(String),
    /// The stream ended before its first answer: the provider serves as many as it may.
    Busy,
    /// Nobody wants the windows any more.
    Unwanted,
}

/// Fetches windows until none is left.
pub(crate) async fn fetch(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    plan: &Plan,
    mut claims: Claims,
    is_done: impl Fn() -> bool,
    patience: &Patience,
    verified: mpsc::Sender<Verified>,
) -> Result<(), Ended> {
    let mut is_first = true;
    loop {
        while claims.len() < AHEAD
            && let Some(index) = claims.take()
        {
            let window = &plan.windows[index as usize];
            let request = Request::Range {
                digest: window.digest,
                start: window.start,
                count: window.count,
            };
            in_time(Instant::now() + patience.stall, send(stream, &request))
                .await
                .map_err(|fault| ended(fault, is_first))?;
        }
        let Some(index) = claims.first() else {
            if is_done() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        };
        let window = &plan.windows[index as usize];
        let header = read_header(stream, window, patience, is_first).await?;
        is_first = false;
        let bytes = read_range(stream, window, &header, patience)
            .await
            .map_err(Ended::Fault)?;
        if claims.finish_first() {
            let sent = verified.send(Verified { index, bytes }).await;
            sent.map_err(|_| Ended::Unwanted)?;
        }
    }
}

/// A provider that closes a stream before it has answered anything has no place for it.
fn ended(fault: Fault, is_first: bool) -> Ended {
    match (fault, is_first) {
        (Fault::Closed, true) => Ended::Busy,
        _ => Ended::Fault(fault),
    }
}

async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
    window: &Window,
    patience: &Patience,
    is_first: bool,
) -> Result<TensorHeader, Ended> {
    let answer = in_time(
        Instant::now() + patience.stall,
        receive::<Answer>(stream, MAX_HEADER_BYTES),
    )
    .await;
    match answer.map_err(|fault| ended(fault, is_first))? {
        None => Err(ended(Fault::Closed, is_first)),
        Some(Answer::Range(header)) => match header.digest() == window.digest {
            true => Ok(header),
            false => Err(Ended::Fault(Fault::Lie)),
        },
        Some(Answer::Refused(refusal)) => Err(Ended::Refused(refusal)),
        Some(_) => Err(Ended::Fault(Fault::Protocol)),
    }
}

/// Reads a window, and checks each group before its bytes count.
async fn read_range(
    stream: &mut (impl AsyncRead + Unpin),
    window: &Window,
    header: &TensorHeader,
    patience: &Patience,
) -> Result<Vec<u8>, Fault> {
    let (tensor_bytes, chunks) = header.bytes().zip(header.chunks()).ok_or(Fault::Protocol)?;
    let range = window.start..window.start.saturating_add(u64::from(window.count));
    // The window was cut by the size that is expected; a tensor of another size has another digest.
    let mut walk = Walk::new(chunks, range, header.root).ok_or(Fault::Protocol)?;
    let end = Instant::now() + patience.stall + time_at(patience.min_rate, window.bytes);
    let mut bytes = vec![0; window.bytes];
    let mut read = 0;
    while let Some(step) = walk.next() {
        let deadline = end.min(Instant::now() + patience.stall);
        let late = |fault| match (fault, Instant::now() >= end) {
            (Fault::Stall, true) => Fault::Trickle,
            _ => fault,
        };
        match step {
            Step::Join(place, expected) => {
                let mut pair = [[0; size_of::<Digest>()]; 2];
                in_time(deadline, stream.read_exact(pair.as_flattened_mut()))
                    .await
                    .map_err(late)?;
                check_join(&expected, &pair[0], &pair[1]).map_err(|_| Fault::Lie)?;
                walk.descend(place, pair[0], pair[1]);
            }
            Step::Group(group, expected) => {
                let at = group_range(tensor_bytes, group);
                let size = (at.end - at.start) as usize;
                debug_assert!(size <= GROUP_BYTES);
                let place = bytes.get_mut(read..read + size).ok_or(Fault::Protocol)?;
                in_time(deadline, stream.read_exact(place)).await.map_err(late)?;
                check_group(&expected, place).map_err(|_| Fault::Lie)?;
                read += size;
            }
        }
    }
    match read == window.bytes {
        true => Ok(bytes),
        false => Err(Fault::Protocol),
    }
}

/// Waits for something until a deadline, and names what went wrong.
pub(crate) async fn in_time<T>(deadline: Instant, what: impl Future<Output = io::Result<T>>) -> Result<T, Fault> {
    match timeout_at(deadline, what).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => Err(Fault::Protocol),
        Ok(Err(_)) => Err(Fault::Closed),
        Err(_) => Err(Fault::Stall),
    }
}
