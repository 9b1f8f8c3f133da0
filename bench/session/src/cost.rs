//! Cost of a session on chain: the calls of both sides, which are the same for any number of requests.

use crate::{
    ledger::{Ledger, MODEL},
    place::{BUDGET, Serves},
    plain::Digits,
};
use anyhow::{Context, Result, ensure};
use assay_bench_chain::report::Report;
use assay_session::{
    ClientChain, Place, RedeemPolicy, SessionChain, SessionPair, WorkerChain, request::CheckedRequest,
    server::side::WorkerState, types::OpenRequest,
};
use std::{path::Path, time::Duration};

/// Requests of the sessions that are compared. Those of the smaller ones are really asked.
const REQUESTS: [u32; 3] = [1, 1_000, 1_000_000];
/// Most requests that are really asked.
const MAX_ASKED: u32 = 1_000;
/// Looks of the worker in which a session that was closed has to end.
const LOOKS: usize = 5;
/// Time before each look, in which the last voucher comes.
const PAUSE: Duration = Duration::from_millis(500);

/// Measures it.
pub async fn measure(report: &mut Report, models: &Path) -> Result<()> {
    let Digits { executes, requests, .. } = Digits::start(models)?;
    let serves = Serves::start(executes).await?;
    let mut of_one = 0;
    for count in REQUESTS {
        let calls = computed(&serves.ledger, count).await?;
        if count <= MAX_ASKED {
            let made = asked(&serves, &requests, count).await?;
            ensure!(
                made == calls,
                "{count} requests make calls of {made:?} bytes, and not {calls:?}"
            );
        }
        let bytes: usize = calls.iter().sum();
        of_one = if of_one == 0 { bytes } else { of_one };
        let name = format!("transactions of a session of {count} requests");
        report.add(&name, calls.len() as f64, "", None);
        let name = format!("bytes of the calls of a session of {count} requests");
        report.add(&name, bytes as f64, "B", Some(of_one as f64));
    }
    Ok(())
}

/// The calls of a session whose requests are asked.
async fn asked(serves: &Serves, requests: &[CheckedRequest], count: u32) -> Result<Vec<usize>> {
    let client = serves.client().await?;
    let session = client.open().await?;
    let number = session.number().await.context("a session on chain")?;
    for request in requests.iter().cycle().take(count as usize) {
        session.ask(request.clone()).await?;
    }
    session.close().await?;
    for _ in 0..LOOKS {
        tokio::time::sleep(PAUSE).await;
        serves.look().await;
    }
    Ok(serves.ledger.calls(number))
}

/// The calls of a session by the worker's policy, with a look after every request, each of which costs 1.
async fn computed(ledger: &Ledger, requests: u32) -> Result<Vec<usize>> {
    let (pair, policy) = (SessionPair::ed25519(&[2; 32]), RedeemPolicy::default());
    let candidates = ledger.candidates(MODEL).await?;
    let candidate = candidates.into_iter().next().context("a worker")?;
    let terms = candidate.offer.terms;
    let opened = ledger.open(OpenRequest {
        worker: candidate.worker,
        model: MODEL,
        budget: BUDGET,
        blocks: terms.max_blocks,
        terms,
        worker_key: candidate.offer.key,
        client_key: pair.public(),
    });
    let session = opened.await?;
    let place = Place {
        genesis: ledger.genesis(),
        session,
    };
    // The policy looks at the sum alone, so one signature does for all of them.
    let mut voucher = pair.sign_voucher(place, 0);
    let mut state = WorkerState::new(BUDGET, 0);
    let mut record = ledger.session(session).await?.context("it is open")?;
    for owed in 1..=requests {
        voucher.message.owed = owed.into();
        state.voucher = Some(voucher.clone());
        if policy.due(&state, &record, 1).is_some() {
            ledger.redeem(voucher.clone()).await?;
            record = ledger.session(session).await?.context("it is open")?;
        }
    }
    ledger.close(session).await?;
    record = ledger.session(session).await?.context("it is closing")?;
    if policy.due(&state, &record, 1).is_some() {
        ledger.redeem(voucher).await?;
    }
    ledger.close(session).await?;
    Ok(ledger.calls(session))
}
