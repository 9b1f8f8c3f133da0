//! Digits: latency and throughput of a session, of the engine alone, and of a plain HTTP server.

use crate::{
    engine::{self, Executes},
    http,
    place::{Asks, Serves, root},
};
use anyhow::{Context, Result, ensure};
use assay_bench_chain::report::Report;
use assay_ops::tensor::Tensor;
use assay_session::{Session, request::CheckedRequest};
use assay_text::inputs;
use codec::Encode;
use futures::future::try_join_all;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Requests of each kind whose latency is measured, after those that warm up.
const MEASURED: usize = 1_000;
const WARMING: usize = 50;
/// Requests at a time where requests per second are measured.
const AT_A_TIME: usize = 64;
/// Requests of each kind there.
const MANY: usize = 8_000;
/// Milliseconds that a session may add to the engine's own time.
const GOAL_MS: f64 = 3.0;
/// Requests per second that a worker is to answer.
const GOAL_PER_SECOND: f64 = 2_000.0;

/// The digits' package, the inputs of its requests, and the engine.
pub struct Digits {
    /// The engine.
    pub executes: Executes,
    /// Requests, as a session takes them.
    pub requests: Vec<CheckedRequest>,
    /// Their inputs.
    inputs: Vec<Tensor>,
}

impl Digits {
    /// Starts the engine, and reads the inputs.
    pub fn start(models: &Path) -> Result<Self> {
        let folder = models.join("digits");
        let executes = engine::start(&folder.join("package"))?;
        let read = inputs::read(&folder.join("inputs"), executes.package.graph())?;
        ensure!(!read.is_empty(), "the digits have inputs");
        let mut requests = Vec::with_capacity(read.len());
        let mut inputs = Vec::with_capacity(read.len());
        for input in read {
            requests.push(CheckedRequest::plain(executes.package.parts(), &input.tensors)?);
            inputs.push(input.tensors.into_iter().next().context("the digits take one tensor")?);
        }
        Ok(Self {
            executes,
            requests,
            inputs,
        })
    }
}

/// Measures all of it.
pub async fn measure(report: &mut Report, models: &Path) -> Result<()> {
    let Digits {
        executes,
        requests,
        inputs,
    } = Digits::start(models)?;
    let serves = Serves::start(executes).await?;
    let client = serves.client().await?;
    let engine = &serves.executes.engine;
    let first = inputs.first().context("an input")?;
    let server = http::serve(
        engine.tasks.clone(),
        root(&serves.executes),
        first.dtype(),
        first.shape().to_vec(),
    )
    .await?;

    in_turn(report, &serves, &client, &server, (&requests, &inputs)).await?;

    let sessions = try_join_all((0..AT_A_TIME).map(|_| client.open())).await?;
    let per_second = in_sessions(&sessions, &requests, MANY).await?;
    report.add_at_least("digits requests per second", per_second, "1/s", GOAL_PER_SECOND);
    let engine_alone = alone_per_second(&serves, &inputs).await?;
    report.add(
        "digits requests per second, the engine alone",
        engine_alone,
        "1/s",
        None,
    );
    let over_http = http_per_second(&server, &inputs).await?;
    report.add("digits requests per second, plain HTTP", over_http, "1/s", None);
    report.add(
        "digits requests per second over plain HTTP",
        per_second / over_http,
        "",
        None,
    );
    Ok(())
}

/// Latencies of the three ways, which are taken in turn.
async fn in_turn(
    report: &mut Report,
    serves: &Serves,
    client: &Asks,
    server: &http::Server,
    (requests, inputs): (&[CheckedRequest], &[Tensor]),
) -> Result<()> {
    let (tasks, model) = (&serves.executes.engine.tasks, root(&serves.executes));
    let session = client.open().await?;
    let mut plain = http::Client::connect(server).await?;
    let (mut alone, mut in_session, mut by_http) = (Vec::new(), Vec::new(), Vec::new());
    let before = serves.journal_bytes()?;
    for turn in 0..WARMING + MEASURED {
        let (request, input) = (&requests[turn % requests.len()], &inputs[turn % inputs.len()]);
        let began = Instant::now();
        let (right, _) = engine::ask(tasks, model, vec![input.clone()]).await?;
        let one = began.elapsed();
        let began = Instant::now();
        let answer = session.ask(request.clone()).await?;
        let two = began.elapsed();
        let began = Instant::now();
        let body = plain.ask(input.bytes()).await?;
        let three = began.elapsed();
        let told: Vec<u8> = answer
            .outputs
            .iter()
            .flat_map(|tensor| tensor.bytes())
            .copied()
            .collect();
        ensure!(told == right && body == right, "three ways give the same bits");
        if turn >= WARMING {
            alone.push(one);
            in_session.push(two);
            by_http.push(three);
        }
        if turn == 0 {
            let receipt = answer.receipt.encode().len();
            report.add("bytes of a receipt with its signature", receipt as f64, "B", None);
        }
    }
    let kept = serves.journal_bytes()?.saturating_sub(before) as f64 / (WARMING + MEASURED) as f64;
    report.add("bytes of the worker's journal for a digit", kept, "B", None);
    latencies(report, &mut alone, &mut in_session, &mut by_http);
    Ok(())
}

fn latencies(report: &mut Report, alone: &mut [Duration], in_session: &mut [Duration], by_http: &mut [Duration]) {
    for (percent, goal) in [(50, Some(GOAL_MS)), (99, None)] {
        let engine = percentile(alone, percent);
        let session = percentile(in_session, percent);
        let http = percentile(by_http, percent);
        report.add(
            &format!("digits latency of the engine alone p{percent}"),
            engine,
            "ms",
            None,
        );
        report.add(&format!("digits latency in a session p{percent}"), session, "ms", None);
        report.add(&format!("digits latency by plain HTTP p{percent}"), http, "ms", None);
        report.add(
            &format!("digits latency over engine p{percent}"),
            session - engine,
            "ms",
            goal,
        );
        report.add(
            &format!("digits latency over plain HTTP p{percent}"),
            session - http,
            "ms",
            None,
        );
    }
}

/// Milliseconds below which this many percent of the times are.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len().saturating_sub(1) * percent).div_ceil(100);
    times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Requests per second of these sessions together.
pub async fn in_sessions(sessions: &[Session], requests: &[CheckedRequest], count: usize) -> Result<f64> {
    let each = count.div_ceil(sessions.len());
    let began = Instant::now();
    let asking = sessions.iter().map(|session| async move {
        for request in requests.iter().cycle().take(each) {
            session.ask(request.clone()).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(asking).await?;
    Ok((each * sessions.len()) as f64 / began.elapsed().as_secs_f64())
}

async fn alone_per_second(serves: &Serves, inputs: &[Tensor]) -> Result<f64> {
    let (tasks, model) = (&serves.executes.engine.tasks, root(&serves.executes));
    let began = Instant::now();
    let asking = (0..AT_A_TIME).map(|_| async move {
        for input in inputs.iter().cycle().take(MANY / AT_A_TIME) {
            engine::ask(tasks, model, vec![input.clone()]).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(asking).await?;
    Ok(MANY as f64 / began.elapsed().as_secs_f64())
}

async fn http_per_second(server: &http::Server, inputs: &[Tensor]) -> Result<f64> {
    let clients = try_join_all((0..AT_A_TIME).map(|_| http::Client::connect(server))).await?;
    let began = Instant::now();
    let asking = clients.into_iter().map(|mut client| async move {
        for input in inputs.iter().cycle().take(MANY / AT_A_TIME) {
            client.ask(input.bytes()).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(asking).await?;
    Ok(MANY as f64 / began.elapsed().as_secs_f64())
}
