//! Results of configurations, and refusals.

use super::*;
use assay_client::units::UNIT;
use assay_daemon::config::{BidPolicy, BlockPolicy, OfferPolicy, SessionPolicy};
use std::path::PathBuf;

fn file(text: &str) -> File {
    toml::from_str(text).expect("valid TOML")
}

fn args() -> ServeArgs {
    with(|_| {})
}

fn with(change: impl FnOnce(&mut CommonArgs)) -> ServeArgs {
    let mut common = CommonArgs {
        key: Some("//Alice".into()),
        models_dir: Some(PathBuf::from(".")),
        ..Default::default()
    };
    change(&mut common);
    ServeArgs {
        common,
        models: vec!["digits,price=0.5".into()],
        ..Default::default()
    }
}

#[test]
fn a_flag_counts_more_than_the_file() {
    let file = file("threads = 3\nstake = '7'\n[[model]]\npackage = 'other'\nprice = '1'");
    let config = merge(&with(|common| common.threads = Some(2)), file).expect("valid");
    assert_eq!(config.common.threads, 2);
    assert_eq!(config.stake, Some(7 * UNIT));
    assert_eq!(config.models.len(), 1);
    assert_eq!(config.models[0].package, "digits");
    let offer = OfferPolicy {
        base: UNIT / 2,
        rate: 0,
        capacity: 8,
    };
    assert_eq!(config.models[0].offer, Some(offer));
    assert_eq!(config.models[0].blocks, BlockPolicy::default());
    assert_eq!(config.common.nodes, [DEFAULT_NODE]);
}

#[test]
fn an_error_names_the_field() {
    let cases = [
        (with(|common| common.key = None), "key: "),
        (with(|common| common.node = vec!["http://x".into()]), "node: "),
        (
            ServeArgs {
                stake: Some("much".into()),
                ..args()
            },
            "stake: ",
        ),
        (with(|common| common.threads = Some(0)), "threads: "),
        (with(|common| common.gpu = Some(0)), "gpu: "),
        (with(|common| common.max_memory = Some("12".into())), "max_memory: "),
        (with(|common| common.max_memory = Some("1MiB".into())), "max_memory: "),
        (with(|common| common.max_tip_percent = Some(101.0)), "max_tip_percent: "),
        (with(|common| common.audit_percent = Some(-1.0)), "audit_percent: "),
        (
            ServeArgs {
                models: vec!["digits".into()],
                ..args()
            },
            "model digits: price: ",
        ),
        (
            ServeArgs {
                models: vec!["digits,bid=1,bid-min=2".into()],
                ..args()
            },
            "model digits: bid_min: ",
        ),
        (
            ServeArgs {
                models: vec!["digits,price=1,rate=1".into()],
                ..args()
            },
            "model digits: price: ",
        ),
        (
            ServeArgs {
                models: vec!["digits,rate=1,bid=1".into()],
                ..args()
            },
            "model digits: rate: ",
        ),
        (
            ServeArgs {
                models: vec!["digits,price=1,min-window=9,max-window=8".into()],
                ..args()
            },
            "model digits: min_window: ",
        ),
        (
            ServeArgs {
                models: vec!["digits,price=1".into(), "digits,bid=1".into()],
                ..args()
            },
            "model digits: is given twice",
        ),
        (
            with(|common| common.models_dir = Some("no such folder".into())),
            "models_dir: ",
        ),
    ];
    for (args, start) in cases {
        let error = merge(&args, File::default()).expect_err(start).to_string();
        assert!(error.starts_with(start), "{error}");
    }
}

#[test]
fn an_offer_has_a_base_a_rate_and_blocks() {
    let offer = Some(OfferPolicy {
        base: UNIT / 10,
        rate: UNIT / 20,
        capacity: 3,
    });
    let blocks = BlockPolicy {
        min_deadline: Some(40),
        min_window: Some(30),
        max_window: Some(90),
    };
    let text = "[[model]]\npackage = 'digits'\nbase = '0.1'\nrate = '0.05'\ncapacity = 3\nmin_deadline = 40\n\
                min_window = 30\nmax_window = 90";
    let by_file = ServeArgs {
        models: Vec::new(),
        ..args()
    };
    let flag = "digits,base=0.1,rate=0.05,capacity=3,min-deadline=40,min-window=30,max-window=90";
    let by_flag = ServeArgs {
        models: vec![flag.into()],
        ..args()
    };
    for (args, file) in [(by_file, file(text)), (by_flag, File::default())] {
        let config = merge(&args, file).expect("valid");
        assert_eq!((config.models[0].offer, config.models[0].blocks), (offer, blocks));
    }
}

/// A worker that serves a model in sessions alone, with these lines in its terms and these at the end of the file.
fn in_sessions(terms: &str, rest: &str) -> Result<ServeConfig, ConfigError> {
    let args = ServeArgs {
        models: Vec::new(),
        ..args()
    };
    let text = format!("[[model]]\npackage = 'digits'\n[model.session]\n{terms}\n{rest}");
    merge(&args, file(&text))
}

#[test]
fn terms_of_sessions_have_budgets_and_defaults() {
    let config = in_sessions("base = '0.001'\nmin_budget = '1'\nmax_budget = '50'", "[network]");
    let policy = SessionPolicy {
        base: UNIT / 1_000,
        rate: 0,
        min_budget: UNIT,
        max_budget: 50 * UNIT,
        lock_percent: 100,
        max_blocks: 3_600,
        window_blocks: None,
        capacity: 8,
    };
    let model = &config.expect("valid").models[0];
    assert_eq!((model.sessions, model.offer), (Some(policy), None));
}

#[test]
fn terms_of_sessions_that_nobody_can_use_are_refused() {
    let cases = [
        ("min_budget = '1'\nmax_budget = '2'", "[network]", "session.base: "),
        ("base = '1'\nmax_budget = '2'", "[network]", "session.min_budget: "),
        (
            "base = '2'\nmin_budget = '1'\nmax_budget = '3'",
            "[network]",
            "session.min_budget: ",
        ),
        (
            "base = '1'\nmin_budget = '3'\nmax_budget = '2'",
            "[network]",
            "session.max_budget: ",
        ),
        (
            "base = '1'\nmin_budget = '1'\nmax_budget = '2'\ncapacity = 0",
            "[network]",
            "session.capacity: ",
        ),
        ("base = '1'\nmin_budget = '1'\nmax_budget = '2'", "", "session: "),
    ];
    for (terms, rest, start) in cases {
        let error = in_sessions(terms, rest).expect_err(start).to_string();
        assert!(error.starts_with(&format!("model digits: {start}")), "{error}");
    }
}

#[test]
fn the_maximum_tip_is_a_percent_unless_told_otherwise() {
    let percent = |args: &ServeArgs, text: &str| {
        let config = merge(args, file(text)).expect("valid");
        config.common.max_tip.deconstruct() / 10_000
    };
    assert_eq!(percent(&args(), ""), 1_000);
    assert_eq!(percent(&args(), "max_tip_percent = 0.25"), 250);
    let flag = with(|common| common.max_tip_percent = Some(0.0));
    assert_eq!(percent(&flag, "max_tip_percent = 0.25"), 0);
}

#[test]
fn a_mistyped_field_of_the_file_is_refused() {
    assert!(
        toml::from_str::<File>("thread = 3")
            .expect_err("unknown")
            .to_string()
            .contains("thread")
    );
}

#[test]
fn a_bid_follows_the_ceiling_down_to_the_least() {
    let policy = BidPolicy {
        price: 10,
        least: 6,
        max_bids: 1,
    };
    assert_eq!(policy.bid(20), Some(10));
    assert_eq!(policy.bid(8), Some(8));
    assert_eq!(policy.bid(5), None);
}

#[test]
fn terms_of_sessions_are_given_by_a_flag_for_a_worker_in_the_network() {
    let flag = "digits,session-base=0.01,session-rate=0.5,min-budget=1,max-budget=5,sessions=3";
    let args = |joins| ServeArgs {
        models: vec![flag.into()],
        ..with(|common| common.network.join = joins)
    };
    let config = merge(&args(true), File::default()).expect("valid");
    let policy = SessionPolicy {
        base: UNIT / 100,
        rate: UNIT / 2,
        min_budget: UNIT,
        max_budget: 5 * UNIT,
        lock_percent: 100,
        max_blocks: 3_600,
        window_blocks: None,
        capacity: 3,
    };
    assert_eq!(config.models[0].sessions, Some(policy));
    let error = merge(&args(false), File::default()).expect_err("nobody reaches it");
    assert!(error.to_string().starts_with("model digits: session: "), "{error}");
}
