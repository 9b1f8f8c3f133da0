//! Findings on a fake chain and of a machine that a test makes.

use super::{
    Finding, Level, chain, machine,
    machine::{Need, exactness},
    money, network, ports, work,
};
use crate::{
    config::{BlockPolicy, ModelPolicy, OfferPolicy, ServeConfig},
    serve,
    skeleton::tests::{MODEL, Tested, common, key},
};
use assay_client::chain::{
    AccountId, Balance, ChainError, ChainView, Constants, NodeHealth, Offer, OfferInfo, OfferTerms, WorkerInfo,
    fake::FakeChain,
};
use assay_types::WorkerStatus;
use polkadot_sdk::sp_runtime::FixedU128;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const TERMS: OfferTerms = OfferTerms {
    base: 5,
    rate: 0,
    min_deadline: 10,
    min_window: 10,
    max_window: 1_000,
};
const CONSTANTS: Constants = Constants {
    deadline: (10, 1_000),
    window: (10, 1_000),
    auction_phase: (5, 100),
    bid_deposit: 0,
    min_stake: 100,
    stake_floor: 10,
    stake_per_price: FixedU128::from_u32(10),
    existential_deposit: 1,
};

fn config(folder: &Path) -> ServeConfig {
    ServeConfig {
        common: common(folder),
        stake: None,
        models: vec![ModelPolicy {
            package: "tested".into(),
            offer: Some(OfferPolicy {
                base: TERMS.base,
                rate: TERMS.rate,
                capacity: 8,
            }),
            blocks: BlockPolicy {
                min_deadline: Some(TERMS.min_deadline),
                min_window: Some(TERMS.min_window),
                max_window: Some(TERMS.max_window),
            },
            bidding: None,
            sessions: None,
        }],
        pause_at_exit: false,
    }
}

fn worker(status: WorkerStatus) -> WorkerInfo {
    WorkerInfo {
        status,
        stake: 1 << 40,
        locked: 0,
        unbonding: Vec::new(),
        slashing: 0,
        rests_until: None,
        offers: vec![OfferInfo {
            version: MODEL,
            terms: TERMS,
            capacity: 8,
            load: 0,
            from: 0,
            waits: false,
        }],
        completed: 0,
        missed: 0,
        declined: 0,
        convicted: 0,
    }
}

fn offer(worker: AccountId, base: Balance, min_deadline: u32) -> Offer {
    Offer {
        worker,
        terms: OfferTerms {
            base,
            min_deadline,
            ..TERMS
        },
        capacity: 8,
        from: 0,
    }
}

/// A chain on which the tested model is registered, and our worker is with its offer. Its time is that of the clock.
fn chain_with(tested: &Tested, status: WorkerStatus) -> FakeChain {
    let chain = FakeChain::new();
    tested.register(&chain);
    let me = key().account();
    chain.author_with(|ledger, _| {
        ledger.workers.insert(me.clone(), worker(status));
        ledger.offers.insert(MODEL, vec![offer(me, 5, 10)]);
        ledger.timestamp_ms = super::now_ms();
    });
    chain
}

async fn looked(chain: &FakeChain, tested: &Tested) -> Vec<Finding> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut findings, packages) = (Vec::new(), [tested.package.clone()]);
    let tell = &mut |finding| findings.push(finding);
    network(&config(folder.path()), &packages, chain, tell).await;
    findings
}

fn levels(findings: &[Finding], what: &str) -> Vec<Level> {
    let found = findings.iter().filter(|finding| finding.what == what);
    found.map(|finding| finding.level).collect()
}

#[tokio::test]
async fn a_worker_whose_turn_is_next_has_nothing_to_do() {
    let tested = Tested::new();
    let findings = looked(&chain_with(&tested, WorkerStatus::Active), &tested).await;
    assert!(
        findings.iter().all(|finding| finding.level == Level::Fine),
        "{findings:?}"
    );
    let work: Vec<_> = findings
        .iter()
        .filter(|finding| finding.what == "work tested")
        .collect();
    assert!(
        work.len() == 1 && work[0].measured.contains("next to be taken"),
        "{work:?}"
    );
    assert_eq!(levels(&findings, "node"), [Level::Fine; 2]);
}

#[tokio::test]
async fn a_worker_without_work_is_told_why() {
    let tested = Tested::new();
    let findings = looked(&chain_with(&tested, WorkerStatus::Paused), &tested).await;
    assert_eq!(levels(&findings, "stake"), [Level::Note]);
    let chain = chain_with(&tested, WorkerStatus::Active);
    let rival = AccountId::new([7; 32]);
    chain.author_with(|ledger, _| {
        let book = ledger.offers.entry(MODEL).or_default();
        book.push(offer(rival.clone(), 3, 5));
    });
    let findings = looked(&chain, &tested).await;
    assert_eq!(levels(&findings, "work tested"), [Level::Note]);
    // The price, and the deadline.
    assert_eq!(levels(&findings, "market tested"), [Level::Note; 2]);
    let text = format!("{findings:?}");
    assert!(
        text.contains("is asked first") && text.contains("1 of 1 other offers cost less"),
        "{text}"
    );
    assert!(text.contains("lower min_deadline"), "{text}");
}

#[tokio::test]
async fn a_model_that_is_not_on_chain_is_named() {
    let tested = Tested::new();
    let findings = looked(&FakeChain::new(), &tested).await;
    assert_eq!(levels(&findings, "models"), [Level::Broken]);
    assert!(format!("{findings:?}").contains("is not registered on this chain"));
    assert_eq!(levels(&findings, "stake"), [Level::Broken]);
}

#[tokio::test]
async fn without_a_node_nothing_more_is_looked_at() {
    let (tested, chain) = (Tested::new(), FakeChain::new());
    chain.break_off();
    let findings = looked(&chain, &tested).await;
    assert_eq!(levels(&findings, "node"), [Level::Broken; 2]);
    assert_eq!(levels(&findings, "nodes"), [Level::Broken]);
    assert_eq!(findings.len(), 3);
}

#[test]
fn a_node_of_another_release_is_told_from_one_that_is_down() {
    let other = ChainError::OtherRuntime {
        url: "ws://a".into(),
        differences: vec!["call Market.claim: gone".into()],
    };
    let finding = chain::unreachable("ws://a", &other);
    assert!(finding.measured.contains("Market.claim"), "{finding:?}");
    assert!(finding.advice.is_some_and(|advice| advice.contains("same release")));
    let down = ChainError::NoNode {
        tried: "refused".into(),
    };
    let finding = chain::unreachable("ws://a", &down);
    assert!(finding.advice.is_some_and(|advice| advice.contains("start the node")));
}

#[tokio::test]
async fn a_node_that_is_behind_or_alone_is_broken_and_late_finality_is_not() {
    let chain = FakeChain::new();
    let level = async |health: NodeHealth| {
        chain.faults(|faults| faults.health = health);
        let findings = chain::synced(&chain.connection()).await.expect("it answers");
        findings.iter().map(|finding| finding.level).collect::<Vec<_>>()
    };
    let health = NodeHealth {
        peers: 0,
        is_syncing: false,
        should_have_peers: true,
    };
    assert_eq!(level(health).await, [Level::Broken]);
    assert_eq!(level(NodeHealth { peers: 1, ..health }).await, [Level::Fine]);
    assert_eq!(
        level(NodeHealth {
            should_have_peers: false,
            ..health
        })
        .await,
        [Level::Fine]
    );
    let behind = NodeHealth {
        peers: 1,
        is_syncing: true,
        ..health
    };
    assert_eq!(level(behind).await, [Level::Broken]);
    chain.faults(|faults| faults.finality_lag = 200);
    for _ in 0..150 {
        chain.author();
    }
    assert_eq!(level(NodeHealth { peers: 1, ..health }).await, [Level::Note]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_seen_in_either_direction_but_not_on_a_development_chain() {
    let chain = FakeChain::new();
    chain.author_with(|ledger, _| ledger.timestamp_ms = 1_000_000);
    let state = chain.connection().finalized().await.expect("it answers");
    for (now_ms, level) in [
        (1_000_000, Level::Fine),
        (995_000, Level::Fine),
        (994_000, Level::Broken),
        (1_060_000, Level::Fine),
        (1_061_000, Level::Broken),
    ] {
        let finding = chain::clock(&state, false, now_ms).await.expect("it answers");
        assert_eq!(finding.level, level, "{finding:?}");
        let finding = chain::clock(&state, true, now_ms).await.expect("it answers");
        assert_eq!(finding.level, Level::Fine);
    }
}

#[test]
fn money_for_fees_and_for_the_stake_is_asked_for() {
    let me = key().account();
    let unit = assay_client::units::UNIT;
    for (free, missing, level) in [
        (1, 0, Level::Broken),
        (unit - 1, 0, Level::Note),
        (2 * unit, 0, Level::Fine),
        (2 * unit, 2 * unit, Level::Broken),
        (2 * unit, 3 * unit / 2, Level::Note),
        (4 * unit, 3 * unit, Level::Fine),
    ] {
        let finding = money::purse(&me, free, missing, &CONSTANTS);
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(level == Level::Fine || finding.advice.is_some_and(|advice| advice.contains(&me.to_string())));
    }
}

#[test]
fn a_record_that_keeps_jobs_away_is_broken_and_a_pause_is_a_note() {
    let level = |change: fn(&mut WorkerInfo)| {
        let mut info = worker(WorkerStatus::Active);
        change(&mut info);
        money::stake(Some(&info), None, &CONSTANTS).level
    };
    assert_eq!(level(|_| {}), Level::Fine);
    assert_eq!(level(|info| info.status = WorkerStatus::Paused), Level::Note);
    assert_eq!(level(|info| info.status = WorkerStatus::Left), Level::Broken);
    assert_eq!(level(|info| info.stake = 99), Level::Broken);
    assert_eq!(level(|info| info.slashing = 1), Level::Broken);
    assert_eq!(money::stake(None, Some(100), &CONSTANTS).level, Level::Note);
    assert_eq!(money::stake(None, Some(99), &CONSTANTS).level, Level::Broken);
    assert_eq!(money::stake(None, None, &CONSTANTS).level, Level::Broken);
}

#[tokio::test]
async fn an_offer_is_compared_with_those_of_others_alone() {
    let (tested, folder) = (Tested::new(), tempfile::tempdir().expect("a temporary folder"));
    let chain = chain_with(&tested, WorkerStatus::Active);
    let state = chain.connection().finalized().await.expect("it answers");
    let packages = [tested.package.clone()];
    let served = serve::resolve(&state, &config(folder.path()), &packages)
        .await
        .expect("registered");
    let (me, served) = (key().account(), &served[&MODEL]);
    let book = |base, deadline| vec![offer(me.clone(), 1, 1), offer(AccountId::new([7; 32]), base, deadline)];
    let level = |book: &[Offer]| {
        work::rivals(&me, served, book)
            .iter()
            .map(|finding| finding.level)
            .collect::<Vec<_>>()
    };
    assert_eq!(level(&book(9, 10)), [Level::Fine]);
    assert_eq!(level(&book(4, 10)), [Level::Note]);
    assert_eq!(level(&book(9, 9)), [Level::Fine, Level::Note]);
    assert_eq!(level(&[]), [Level::Fine]);
}

#[test]
fn files_that_others_can_read_or_write_are_broken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("network-key");
    assert_eq!(machine::private(&file).level, Level::Fine);
    fs::write(&file, "secret").expect("the folder can be written");
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own");
    for (mode, level) in [
        (0o600, Level::Fine),
        (0o400, Level::Fine),
        (0o640, Level::Broken),
        (0o602, Level::Broken),
    ] {
        set(&file, mode);
        assert_eq!(machine::private(&file).level, level, "{mode:o}");
    }
    set(folder.path(), 0o700);
    assert_eq!(machine::folder(folder.path()).level, Level::Fine);
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    set(folder.path(), 0o777);
    assert_eq!(machine::folder(folder.path()).level, Level::Broken);
    set(folder.path(), 0o700);
    assert_eq!(machine::folder(&folder.path().join("none")).level, Level::Note);
    assert_eq!(machine::folder(&file).level, Level::Broken);
    assert!(machine::free_bytes(&folder.path().join("a/b")).is_some());
}

#[test]
fn disk_and_memory_are_compared_with_what_is_needed() {
    let path = Path::new("data");
    assert_eq!(machine::disk(path, Some((1 << 30) - 1)).level, Level::Broken);
    assert_eq!(machine::disk(path, Some(1 << 30)).level, Level::Note);
    assert_eq!(machine::disk(path, Some(48 << 30)).level, Level::Fine);
    assert_eq!(machine::disk(path, None).level, Level::Note);
    let need = |weights, peak| Need {
        name: "tested".into(),
        weights,
        peak,
    };
    let needs = [need(60, 10), need(30, 20)];
    assert_eq!(machine::memory(110, Some(110), &needs).level, Level::Fine);
    assert_eq!(machine::memory(110, None, &needs).level, Level::Fine);
    assert_eq!(machine::memory(110, Some(109), &needs).level, Level::Note);
    assert_eq!(machine::memory(109, Some(200), &needs).level, Level::Note);
    assert_eq!(machine::memory(89, Some(200), &needs).level, Level::Broken);
    let tested = Tested::new();
    let needs = machine::needs(&[("tested".into(), tested.package.clone())]);
    assert!(needs.len() == 1 && needs[0].peak > 0, "{needs:?}");
    assert_eq!(exactness("tested", Some("node 3 differs")).level, Level::Broken);
    assert_eq!(exactness("tested", None).level, Level::Fine);
}

#[test]
fn a_package_that_is_missing_ends_the_look_at_the_machine() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut findings = Vec::new();
    let packages = super::machine(&config(folder.path()), None, &mut |finding| findings.push(finding));
    assert!(packages.is_empty());
    assert_eq!(levels(&findings, "packages"), [Level::Broken], "{findings:?}");
}

#[test]
fn a_port_that_a_program_listens_on_is_not_free() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port();
    let addresses = [
        format!("/ip4/127.0.0.1/tcp/{port}"),
        "/ip4/127.0.0.1/udp/0/quic-v1".into(),
        "/dns/a.example/tcp/1".into(),
    ];
    let addresses: Vec<assay_network::Multiaddr> = addresses
        .iter()
        .map(|text: &String| text.parse().expect("an address"))
        .collect();
    let found: Vec<_> = ports(&addresses)
        .iter()
        .map(|port| (port.is_udp, port.is_free))
        .collect();
    assert_eq!(found, [(false, false), (true, true)]);
}
