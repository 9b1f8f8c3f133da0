//! Growth: sessions that are open at one worker, and clients with a node each.

use crate::{
    place::Serves,
    plain::{Digits, in_sessions},
};
use anyhow::Result;
use assay_bench_chain::report::Report;
use futures::future::try_join_all;
use std::{path::Path, time::Instant};

/// Requests that are measured at each size.
const REQUESTS: usize = 4_000;
/// Sessions of one client.
const OF_A_CLIENT: usize = 100;

/// Measures both.
pub async fn measure(report: &mut Report, models: &Path) -> Result<()> {
    let Digits { executes, requests, .. } = Digits::start(models)?;
    let serves = Serves::start(executes).await?;
    for count in [10usize, 100, 1_000] {
        // A connection carries no more streams than that, and each session has one.
        let clients = try_join_all((0..count.div_ceil(OF_A_CLIENT)).map(|_| serves.client())).await?;
        let began = Instant::now();
        let mut sessions = Vec::with_capacity(count);
        for client in &clients {
            let more = (count - sessions.len()).min(OF_A_CLIENT);
            sessions.extend(try_join_all((0..more).map(|_| client.open())).await?);
        }
        let opening = began.elapsed().as_secs_f64() * 1e3 / count as f64;
        report.add(&format!("opening one of {count} sessions"), opening, "ms", None);
        let per_second = in_sessions(&sessions, &requests, REQUESTS).await?;
        let name = format!("digits requests per second, {count} open sessions");
        report.add(&name, per_second, "1/s", None);
    }
    for count in [1, 10, 100] {
        let clients = try_join_all((0..count).map(|_| serves.client())).await?;
        let sessions = try_join_all(clients.iter().map(|client| client.open())).await?;
        let per_second = in_sessions(&sessions, &requests, REQUESTS).await?;
        let name = format!("digits requests per second, {count} clients with a session each");
        report.add(&name, per_second, "1/s", None);
    }
    Ok(())
}
