//! Copies a file through the network and by a plain TCP connection, both on loopback and from disk to disk, and prints
//! how they compare. `cargo run --example copy -- 512` takes 512 MiB.
//!
//! Both sides run in this process, so on two cores they share what hashing and encryption take.

use anyhow::Context;
use assay_network::{LocalStore, Multiaddr, NetworkConfig, Node, Sources, quic, tcp};
use assay_ops::tensor::{Blake2b256, DataType, Digest};
use std::{
    fs::File,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes that the plain copy moves at a time.
const BLOCK: usize = 1 << 20;
/// Rounds, of which the fastest counts.
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mebibytes: usize = match std::env::args().nth(1) {
        Some(argument) => argument.parse().context("the argument is a number of MiB")?,
        None => 512,
    };
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("source");
    write_source(&source, mebibytes)?;
    let size = (mebibytes as u64) << 20;

    let (mut plain, mut hashed) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        plain = plain.min(plain_copy(&source, &folder.path().join("plain"))?);
        hashed = hashed.min(hash(&source)?);
    }
    report("plain TCP copy", size, plain, plain);
    report("hashing alone, one core", size, hashed, plain);
    for (name, listen) in [
        ("network over QUIC", quic(Ipv4Addr::LOCALHOST, 0)),
        ("network over TCP", tcp(Ipv4Addr::LOCALHOST, 0)),
    ] {
        let mut fastest = Duration::MAX;
        for round in 0..ROUNDS {
            let folder = folder.path().join(format!("{name} {round}"));
            fastest = fastest.min(network_copy(&source, size, &folder, listen.clone()).await?);
        }
        report(name, size, fastest, plain);
    }
    Ok(())
}

fn report(name: &str, size: u64, time: Duration, plain: Duration) {
    let rate = size as f64 / time.as_secs_f64() / 1e6;
    let share = 100.0 * plain.as_secs_f64() / time.as_secs_f64();
    println!("{name:<24} {rate:>7.0} MB/s  {share:>4.0} % of a plain TCP copy");
}

fn write_source(path: &Path, mebibytes: usize) -> anyhow::Result<()> {
    let mut file = File::create(path)?;
    let mut state = 1u64;
    for _ in 0..mebibytes {
        let block: Vec<u8> = (0..BLOCK / 8)
            .flat_map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state.to_le_bytes()
            })
            .collect();
        file.write_all(&block)?;
    }
    Ok(file.sync_all()?)
}

fn plain_copy(source: &Path, target: &Path) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let mut file = File::open(source)?;
    let start = Instant::now();
    let sender = std::thread::spawn(move || -> anyhow::Result<()> {
        let (mut stream, _) = listener.accept()?;
        move_all(&mut file, &mut stream)
    });
    let mut copy = File::create(target)?;
    move_all(&mut TcpStream::connect(address)?, &mut copy)?;
    copy.sync_all()?;
    let time = start.elapsed();
    sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))??;
    Ok(time)
}

fn move_all(from: &mut impl Read, to: &mut impl Write) -> anyhow::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        let read = from.read(&mut block)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&block[..read])?;
    }
}

/// The time that the tree over the file's chunks takes, which bounds what a verified copy can reach on one core.
fn hash(source: &Path) -> anyhow::Result<Duration> {
    let bytes = std::fs::read(source)?;
    let start = Instant::now();
    let root: Digest = assay_exact::digest::tensor_tree_root::<Blake2b256>(&bytes);
    anyhow::ensure!(root != Digest::default());
    Ok(start.elapsed())
}

async fn network_copy(source: &Path, size: u64, folder: &Path, listen: Multiaddr) -> anyhow::Result<Duration> {
    let store = Arc::new(LocalStore::new());
    // A tensor of words, as no dimension has more than 2^32 - 1 elements.
    let digest = store.add_file(source, 0, DataType::Int64, &[(size / 8) as u32])?;
    let configured = |name: &str, listen: Vec<Multiaddr>| {
        let mut config = NetworkConfig::new(folder.join(name));
        config.listen = listen;
        config.is_reachable = true;
        config
    };
    let provider = Node::start(configured("provider", vec![listen]), store).await?;
    let fetcher = Node::start(configured("fetcher", Vec::new()), Arc::new(LocalStore::new())).await?;
    let listening = provider.status().await?.listening;
    let addresses = listening
        .into_iter()
        .filter_map(|address| address.with_p2p(provider.peer()).ok());
    fetcher.connect(provider.peer(), addresses.collect()).await?;
    let sources = Sources {
        peers: vec![provider.peer()],
        search: None,
    };
    let start = Instant::now();
    fetcher
        .tensor_into(digest, size, &folder.join("copy"), &sources)
        .await?;
    Ok(start.elapsed())
}
