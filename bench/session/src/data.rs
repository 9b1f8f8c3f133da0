//! Data by digest against a plain TCP copy of the same bytes: from file to file, on loopback.
//!
//! Provider and fetcher are both in this process. What hashing and encryption take therefore comes out of the same
//! cores as both ends of the copy.

use anyhow::{Result, anyhow, ensure};
use assay_bench_chain::report::Report;
use assay_network::{LocalStore, Multiaddr, NetworkConfig, Node, Sources, quic, tcp};
use assay_ops::tensor::DataType;
use std::{
    fs::File,
    io::{self, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// Bytes that are copied.
const BYTES: u64 = 256 << 20;
/// Rounds of each kind, in turn; the fastest of each counts.
const ROUNDS: usize = 3;
/// Share of a plain copy's rate that data by digest is to reach.
const GOAL: f64 = 0.8;

/// Measures both, and adds rates and their ratios to the report.
pub async fn measure(report: &mut Report) -> Result<()> {
    println!("\nData by digest, {} MiB", BYTES >> 20);
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("source");
    write_source(&source)?;
    let (mut plain, mut by_quic, mut by_tcp) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for round in 0..ROUNDS {
        let (from, to) = (source.clone(), folder.path().join("plain"));
        plain = plain.min(spawn_blocking(move || plain_copy(&from, &to)).await??);
        for (name, listen, fastest) in [
            ("quic", quic(Ipv4Addr::LOCALHOST, 0), &mut by_quic),
            ("tcp", tcp(Ipv4Addr::LOCALHOST, 0), &mut by_tcp),
        ] {
            let folder = folder.path().join(format!("{name}-{round}"));
            let time = copy_by_digest(&source, &folder, listen).await?;
            *fastest = time.min(*fastest);
        }
    }
    let rate = |time: Duration| BYTES as f64 / time.as_secs_f64() / 1e6;
    report.add("plain tcp copy", rate(plain), "MB/s", None);
    report.add("data by digest over quic", rate(by_quic), "MB/s", None);
    report.add("data by digest over noise", rate(by_tcp), "MB/s", None);
    let best = rate(by_quic.min(by_tcp)) / rate(plain);
    report.add_at_least("data by digest over plain tcp", best, "", GOAL);
    Ok(())
}

fn write_source(path: &Path) -> Result<()> {
    let mut file = io::BufWriter::new(File::create(path)?);
    let mut state = 1u64;
    for _ in 0..BYTES / 8 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        file.write_all(&state.to_le_bytes())?;
    }
    Ok(file.into_inner()?.sync_all()?)
}

fn plain_copy(source: &Path, target: &Path) -> Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut file = File::open(source)?;
    let mut copy = File::create(target)?;
    let start = Instant::now();
    let sender = std::thread::spawn(move || -> io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        move_all(&mut file, &mut stream)
    });
    move_all(&mut TcpStream::connect(address)?, &mut copy)?;
    copy.sync_all()?;
    let time = start.elapsed();
    sender.join().map_err(|_| anyhow!("the sender panicked"))??;
    ensure!(copy.metadata()?.len() == BYTES, "the plain copy is whole");
    Ok(time)
}

fn move_all(from: &mut impl io::Read, to: &mut impl Write) -> io::Result<()> {
    let mut block = vec![0; 1 << 20];
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&block[..read])?;
    }
}

/// The time in which one node fetches the source from another. What the provider hashes at its start is not in it.
async fn copy_by_digest(source: &Path, folder: &Path, listen: Multiaddr) -> Result<Duration> {
    let store = Arc::new(LocalStore::new());
    // Words, since no dimension has more than 2^32 - 1 elements.
    let (from, words) = (source.to_owned(), u32::try_from(BYTES / 8)?);
    let provided = store.clone();
    let digest = spawn_blocking(move || provided.add_file(&from, 0, DataType::Int64, &[words])).await??;
    let configured = |name: &str, listen: Vec<Multiaddr>| {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder)?;
        let mut config = NetworkConfig::new(folder);
        config.listen = listen;
        config.is_reachable = true;
        Ok::<_, io::Error>(config)
    };
    let provider = Node::start(configured("provider", vec![listen])?, store).await?;
    let fetcher = Node::start(configured("fetcher", Vec::new())?, Arc::new(LocalStore::new())).await?;
    let listening = provider.status().await?.listening.into_iter();
    let addresses = listening.filter_map(|address| address.with_p2p(provider.peer()).ok());
    fetcher.connect(provider.peer(), addresses.collect()).await?;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    let start = Instant::now();
    let copy = folder.join("copy");
    fetcher.tensor_into(digest, BYTES, &copy, &sources).await?;
    let time = start.elapsed();
    ensure!(std::fs::metadata(&copy)?.len() == BYTES, "the copy is whole");
    std::fs::remove_file(copy)?;
    Ok(time)
}
