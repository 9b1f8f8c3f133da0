//! `assay-worker verify`: checks a receipt without its worker and without the gateway.

mod checks;
mod past;
mod receipt;

pub(super) use checks::{Check, Exchange, Finding, on_chain, on_paper};
pub(super) use receipt::{Told, read, written};

use crate::config::{self, EngineArg};
use anyhow::{Context, bail};
use assay_client::chain::Client;
use assay_engine::Engine;
use assay_package::{Package, search};
use clap::Args;
use serde_json::{Value, json};
use std::{
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Maximum size of a file of receipts.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Exit code where something is wrong.
const WRONG: u8 = 1;
/// Exit code where it is not known whether something is wrong.
const UNDECIDED: u8 = 2;
/// Advice on a wrong receipt.
const HOW_TO_DISPUTE: &str = "\
the receipt is WRONG. Anybody who has this file can dispute it while its session is open, or in its window of challenges:
`assay-worker dispute FILE --key KEY --node URL` challenges it with a bond and plays the dispute to its end. The gateway's
account does so by itself for the receipts that it draws (`--check-percent`)";

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all holds, 1 something is wrong, 2 it cannot be decided with what is here.")]
pub struct VerifyArgs {
    /// File with a receipt in JSON, as `assay_receipt` of a gateway gives it, or with a list of them
    receipt: PathBuf,
    /// Folder of the model's package, or a folder in which packages are
    #[arg(long, env = "ASSAY_MODELS_DIR", default_value = "models", value_name = "DIR")]
    models_dir: PathBuf,
    /// WebSocket address of a node, to check the receipt against the chain too; give several for fail-over
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    node: Vec<String>,
    /// Execute nothing: signature and digests alone
    #[arg(long)]
    no_execution: bool,
    /// Engine that runs the model
    #[arg(long, value_enum, default_value_t = EngineArg::Cpu)]
    engine: EngineArg,
    /// The GPU for the engine, by its index [default: 0 for cuda, none for torch]
    #[arg(long, value_name = "INDEX")]
    gpu: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks the receipts of a file. What prevents a check leaves it undecided.
pub(super) async fn run(args: VerifyArgs) -> anyhow::Result<ExitCode> {
    Ok(match verified(&args).await {
        Ok(Finding::Holds) => ExitCode::SUCCESS,
        Ok(Finding::Fails) => {
            eprintln!("{HOW_TO_DISPUTE}");
            ExitCode::from(WRONG)
        }
        Ok(Finding::Unknown) => ExitCode::from(UNDECIDED),
        Err(error) => {
            crate::report(&error);
            ExitCode::from(UNDECIDED)
        }
    })
}

/// Finding about all receipts of the file together.
async fn verified(args: &VerifyArgs) -> anyhow::Result<Finding> {
    let receipts = read_file(&args.receipt)?;
    let client = match args.node.is_empty() {
        true => None,
        false => Some(connect(&args.node).await?),
    };
    let engine = match args.no_execution {
        true => None,
        false => Some(open_engine(args)?),
    };
    let mut all = Vec::new();
    for told in &receipts {
        let package = find_package(&args.models_dir, told.signed.message.model_root.0)?;
        let (mut checks, exchange) = on_paper(told, &package);
        if let Some(engine) = &engine {
            checks.push(checks::by_execution(told, exchange, &package, engine.as_ref()));
        }
        if let Some(client) = &client {
            checks.extend(on_chain(told, client).await?);
            settle_signature(&mut checks);
        }
        all.push(checks);
    }
    print(&receipts, &all, args.json)?;
    Ok(verdict(all.iter().flatten()))
}

async fn connect(nodes: &[String]) -> anyhow::Result<Client> {
    for node in nodes {
        config::check_node(node)?;
    }
    Ok(Client::connect(nodes).await?)
}

fn open_engine(args: &VerifyArgs) -> anyhow::Result<Box<dyn Engine>> {
    args.engine.check_gpu(args.gpu)?;
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(assay_engine::open(args.engine.into(), args.gpu, threads)?)
}

/// The receipts of a file.
pub(super) fn read_file(path: &Path) -> anyhow::Result<Vec<Told>> {
    let name = || path.display().to_string();
    if fs::metadata(path).with_context(name)?.len() > MAX_FILE_BYTES {
        bail!("{} has more than {MAX_FILE_BYTES} bytes: cut it", name());
    }
    let text = fs::read_to_string(path).with_context(name)?;
    let value: Value = serde_json::from_str(&text).with_context(name)?;
    read(&value).with_context(name)
}

/// The package of this root in this folder or below it.
pub(super) fn find_package(folder: &Path, root: [u8; 32]) -> anyhow::Result<Package> {
    let mut loaded = search::folders(folder)
        .into_iter()
        .filter_map(|folder| match Package::load(&folder) {
            Ok(package) => Some(package),
            Err(error) => {
                eprintln!("{} is passed over: {error}", folder.display());
                None
            }
        });
    let found = loaded.find(|package| package.root() == root);
    found.with_context(|| {
        let (root, folder) = (hex::encode(root), folder.display());
        format!("no package in {folder} has the root 0x{root} of the receipt: name its folder with --models-dir")
    })
}

/// A key that the file does not tell is known to the chain.
pub(super) fn settle_signature(checks: &mut Vec<Check>) {
    let is_signed = |check: &Check| check.name == "session" && check.finding == Finding::Holds;
    if checks.iter().any(is_signed) {
        checks.retain(|check| check.name != "signature" || check.finding != Finding::Unknown);
    }
}

/// Finding of several checks together: wrong if one fails, and undecided if one is not known.
pub(super) fn verdict<'c>(checks: impl Iterator<Item = &'c Check>) -> Finding {
    checks.fold(Finding::Holds, |so_far, check| match (so_far, check.finding) {
        (Finding::Fails, _) | (_, Finding::Fails) => Finding::Fails,
        (Finding::Unknown, _) | (_, Finding::Unknown) => Finding::Unknown,
        (Finding::Holds, Finding::Holds) => Finding::Holds,
    })
}

fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Holds => "holds",
        Finding::Fails => "FAILS",
        Finding::Unknown => "unknown",
    }
}

fn print(receipts: &[Told], all: &[Vec<Check>], is_json: bool) -> anyhow::Result<()> {
    if is_json {
        let check =
            |check: &Check| json!({ "name": check.name, "finding": word(check.finding), "detail": check.detail });
        let rows = receipts.iter().zip(all).map(|(told, checks)| {
            json!({
                "session": told.signed.message.session,
                "sequence": told.signed.message.sequence,
                "verdict": word(verdict(checks.iter())),
                "checks": checks.iter().map(check).collect::<Vec<_>>(),
            })
        });
        println!("{}", serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
        return Ok(());
    }
    for (told, checks) in receipts.iter().zip(all) {
        println!(
            "receipt {} of session {}",
            told.signed.message.sequence, told.signed.message.session
        );
        for check in checks {
            println!("  {:<10} {:<8} {}", check.name, word(check.finding), check.detail);
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::commands) use super::checks::tests::receipt;

    fn args(receipt: PathBuf) -> VerifyArgs {
        VerifyArgs {
            receipt,
            models_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits"),
            node: Vec::new(),
            no_execution: false,
            engine: EngineArg::Reference,
            gpu: None,
            json: false,
        }
    }

    async fn verified_file(text: &str) -> anyhow::Result<Finding> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("receipt.json");
        fs::write(&path, text).expect("the folder can be written");
        verified(&args(path)).await
    }

    #[tokio::test]
    async fn file_is_right_or_wrong_by_the_package_that_is_found() {
        let right = receipt(|_| {});
        let wrong = receipt(|output| output[0] ^= 1);
        let both = json!([right, wrong]);
        let mut partial = right.clone();
        partial.as_object_mut().expect("an object").remove("output");
        for (value, expected) in [
            (right, Finding::Holds),
            (wrong, Finding::Fails),
            (both, Finding::Fails),
            (partial, Finding::Unknown),
        ] {
            let finding = verified_file(&value.to_string()).await.expect("it is decided");
            assert_eq!(finding, expected, "{value}");
        }
    }

    #[tokio::test]
    async fn file_that_cannot_be_read_and_model_that_is_not_here_are_named() {
        let error = verified_file("{}").await.expect_err("no receipt");
        assert!(format!("{error:#}").contains("signed"), "{error:#}");
        let error = verified_file("no JSON").await.expect_err("no JSON");
        assert!(format!("{error:#}").contains("receipt.json"), "{error:#}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("receipt.json");
        fs::write(&path, receipt(|_| {}).to_string()).expect("the folder can be written");
        let mut elsewhere = args(path);
        elsewhere.models_dir = folder.path().to_owned();
        let error = verified(&elsewhere).await.expect_err("no package");
        assert!(format!("{error:#}").contains("--models-dir"), "{error:#}");
    }

    #[test]
    fn key_that_the_chain_knows_takes_the_place_of_the_one_that_is_missing() {
        let unknown = Check::unknown("signature", "missing");
        let mut checks = vec![unknown.clone(), Check::new("session", true, "", String::new)];
        settle_signature(&mut checks);
        assert_eq!(verdict(checks.iter()), Finding::Holds);
        let mut checks = vec![unknown, Check::new("session", false, "", String::new)];
        settle_signature(&mut checks);
        assert_eq!(checks.len(), 2);
    }
}
