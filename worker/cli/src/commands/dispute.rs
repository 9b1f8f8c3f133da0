//! `assay-worker dispute`: executes receipts again, challenges those that are wrong, and plays the disputes to the end.

use super::{
    checks::execution_config,
    verify::{Exchange, Finding, Told, find_package, on_paper, read_file},
};
use crate::{
    cli::{KeyArgs, NodeArgs},
    config::EngineArg,
};
use anyhow::{Context, bail};
use assay_client::chain::Nodes;
use assay_daemon::{
    config::Common,
    inspector::{HeldReceipt, Inspector, ReceiptOutcome},
    shutdown::Shutdown,
};
use assay_package::Package;
use assay_types::H256;
use clap::Args;
use serde_json::json;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Exit code where a wrong receipt has convicted nobody.
const NOT_CONVICTED: u8 = 1;
/// Exit code where a receipt was not checked, or its dispute is not over.
const UNDECIDED: u8 = 2;

/// Options of `dispute`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 each receipt is right or its worker convicted, 1 a worker of a wrong receipt is not \
    convicted, 2 a receipt could not be checked or its dispute is not over."
)]
pub struct DisputeArgs {
    /// File with receipts in JSON, as `assay_receipt` of a gateway gives them, or a folder of such files
    receipts: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Folder of the model's package, or a folder in which packages are
    #[arg(long, env = "ASSAY_MODELS_DIR", default_value = "models", value_name = "DIR")]
    models_dir: PathBuf,
    /// Folder where requests are kept for their disputes; `watch` of the same key and folder plays on what is left
    #[arg(long, env = "ASSAY_INPUTS_DIR", default_value = "inputs", value_name = "DIR")]
    inputs_dir: PathBuf,
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

/// A receipt of the files, with what a dispute needs of it or why there is none.
struct Row {
    told: Told,
    held: Result<HeldReceipt, String>,
}

/// Checks and disputes the receipts of files. Whatever prevents that leaves them undecided.
pub(super) async fn run(args: DisputeArgs) -> anyhow::Result<ExitCode> {
    let code = disputed(&args).await.unwrap_or_else(|error| {
        crate::report(&error);
        UNDECIDED
    });
    Ok(ExitCode::from(code))
}

async fn disputed(args: &DisputeArgs) -> anyhow::Result<u8> {
    let rows = read_all(&args.receipts, &args.models_dir)?;
    let held: Vec<HeldReceipt> = rows.iter().filter_map(|row| row.held.clone().ok()).collect();
    let outcomes = match held.is_empty() {
        true => Vec::new(),
        false => dispute(args, held).await?,
    };
    let mut outcomes = outcomes.into_iter();
    let rows = rows.into_iter().map(|row| {
        let outcome = match row.held {
            Ok(_) => outcomes.next().flatten(),
            Err(reason) => Some(ReceiptOutcome::Unchecked { reason }),
        };
        (row.told, outcome)
    });
    let rows: Vec<(Told, Option<ReceiptOutcome>)> = rows.collect();
    print(&rows, args.json)?;
    Ok(exit_code(rows.iter().map(|(_, outcome)| outcome)))
}

/// The receipts of a file, or of all files of a folder, each with what a dispute needs of it.
fn read_all(path: &Path, models_dir: &Path) -> anyhow::Result<Vec<Row>> {
    let mut packages: BTreeMap<H256, Package> = BTreeMap::new();
    let mut rows = Vec::new();
    for file in files(path)? {
        for told in read_file(&file)? {
            let root = told.signed.message.model_root;
            let package = match packages.entry(root) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(find_package(models_dir, root.0)?),
            };
            let held = held(&told, package);
            rows.push(Row { told, held });
        }
    }
    Ok(rows)
}

/// The file itself, or the files of a folder whose names end in `.json`, by their names.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let name = || path.display().to_string();
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(name)?;
    let entries = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>().with_context(name)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json") && file.is_file());
    files.sort();
    if files.is_empty() {
        bail!("{} holds no file whose name ends in .json", name());
    }
    Ok(files)
}

/// Needs of a dispute from a receipt, if everything of it that can be checked without an execution holds.
fn held(told: &Told, package: &Package) -> Result<HeldReceipt, String> {
    let (checks, exchange) = on_paper(told, package);
    if let Some(check) = checks.iter().find(|check| check.finding == Finding::Fails) {
        return Err(format!("`{}` does not hold: {}", check.name, check.detail));
    }
    let missing = || {
        let unknown = checks.iter().filter(|check| check.finding == Finding::Unknown);
        let details: Vec<&str> = unknown.map(|check| check.detail.as_str()).collect();
        details.join("; ")
    };
    let Exchange { inputs, outputs } = exchange.ok_or_else(missing)?;
    Ok(HeldReceipt {
        receipt: told.signed.clone(),
        symbols: told.symbols.clone().unwrap_or_default(),
        inputs,
        outputs,
    })
}

/// Has the receipts checked and disputed.
async fn dispute(args: &DisputeArgs, held: Vec<HeldReceipt>) -> anyhow::Result<Vec<Option<ReceiptOutcome>>> {
    args.engine.check_gpu(args.gpu)?;
    let key = super::load_key(&args.key)?;
    let genesis = super::connect(&args.node).await?.genesis();
    let common = Common {
        nodes: args.node.node.clone(),
        engine: args.engine.into(),
        gpu: args.gpu,
        ..execution_config(&key, &args.models_dir, &args.inputs_dir)
    };
    let roots = held.iter().map(|held| held.receipt.message.model_root).collect();
    let inspector = Inspector::new(common, genesis, Some(roots));
    let mut shutdown = Shutdown::on_signal(false);
    let outcomes = inspector.dispute(Nodes, held, &mut shutdown).await?;
    let open = inspector.open_challenges();
    if open > 0 {
        eprintln!(
            "{open} challenges of this account go on, and their bonds are lost if nobody plays them: give the same \
             command again, or start `watch` with this key and --inputs-dir, before a clock runs out"
        );
    }
    Ok(outcomes)
}

fn exit_code<'o>(outcomes: impl Iterator<Item = &'o Option<ReceiptOutcome>>) -> u8 {
    let code = |outcome: &Option<ReceiptOutcome>| match outcome {
        Some(ReceiptOutcome::Right | ReceiptOutcome::Convicted) => 0,
        Some(ReceiptOutcome::Acquitted | ReceiptOutcome::NotChallenged { .. }) => NOT_CONVICTED,
        Some(ReceiptOutcome::Unchecked { .. } | ReceiptOutcome::Missed) | None => UNDECIDED,
    };
    // A wrong receipt counts more than one of which nothing is known.
    let codes: Vec<u8> = outcomes.map(code).collect();
    let is_there = |code: &u8| codes.contains(code);
    [NOT_CONVICTED, UNDECIDED]
        .into_iter()
        .find(is_there)
        .unwrap_or_default()
}

/// A word for programs and a sentence for people.
fn in_words(outcome: &Option<ReceiptOutcome>) -> (&'static str, String) {
    match outcome {
        Some(ReceiptOutcome::Right) => ("right", "the model gives this output, bit for bit".to_owned()),
        Some(ReceiptOutcome::Convicted) => (
            "convicted",
            "the receipt was wrong, and its worker is convicted".to_owned(),
        ),
        Some(ReceiptOutcome::Acquitted) => (
            "acquitted",
            "the receipt is WRONG by our execution, and the dispute ended without a conviction".to_owned(),
        ),
        Some(ReceiptOutcome::Missed) => (
            "missed",
            "the receipt is WRONG, and its dispute ended while no node was reached: `assay-worker status` shows the money"
                .to_owned(),
        ),
        Some(ReceiptOutcome::NotChallenged { reason }) => (
            "not_challenged",
            format!("the receipt is WRONG and is not challenged: {reason}"),
        ),
        Some(ReceiptOutcome::Unchecked { reason }) => ("unchecked", format!("the receipt is not checked: {reason}")),
        None => (
            "undecided",
            "the program was ended before the receipt was decided".to_owned(),
        ),
    }
}

fn print(rows: &[(Told, Option<ReceiptOutcome>)], is_json: bool) -> anyhow::Result<()> {
    if is_json {
        let rows = rows.iter().map(|(told, outcome)| {
            let (word, detail) = in_words(outcome);
            let said = &told.signed.message;
            json!({ "session": said.session, "sequence": said.sequence, "outcome": word, "detail": detail })
        });
        println!("{}", serde_json::to_string_pretty(&rows.collect::<Vec<_>>())?);
        return Ok(());
    }
    for (told, outcome) in rows {
        let said = &told.signed.message;
        let (_, detail) = in_words(outcome);
        println!("receipt {} of session {}: {detail}", said.sequence, said.session);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::verify::tests::receipt;
    use serde_json::Value;

    fn models() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/digits")
    }

    fn rows(files: &[(&str, Value)]) -> anyhow::Result<Vec<Row>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, value) in files {
            fs::write(folder.path().join(name), value.to_string()).expect("the folder can be written");
        }
        read_all(folder.path(), &models())
    }

    #[test]
    fn receipts_of_a_folder_are_read_by_the_names_of_its_files() {
        let (right, wrong) = (receipt(|_| {}), receipt(|output| output[0] ^= 1));
        let files = [
            ("b.json", wrong),
            ("a.json", json!([right, right])),
            ("notes.txt", json!("no receipt")),
        ];
        let rows = rows(&files).expect("receipts");
        let held: Vec<HeldReceipt> = rows.into_iter().map(|row| row.held.expect("complete")).collect();
        assert_eq!((held.len(), &held[0]), (3, &held[1]));
        assert_ne!(held[0], held[2]);
        assert_eq!(held[0].inputs, held[2].inputs);
    }

    #[test]
    fn a_receipt_that_is_incomplete_or_changed_is_not_disputed() {
        let mut partial = receipt(|_| {});
        partial.as_object_mut().expect("an object").remove("output");
        let mut changed = receipt(|_| {});
        changed["owed"] = json!("1");
        let rows = rows(&[("a.json", partial), ("b.json", changed)]).expect("receipts");
        let reasons: Vec<String> = rows.into_iter().filter_map(|row| row.held.err()).collect();
        assert_eq!(reasons.len(), 2);
        assert!(reasons[0].contains("`output` is missing"), "{reasons:?}");
        assert!(reasons[1].contains("quotation"), "{reasons:?}");
    }

    #[test]
    fn a_folder_without_receipts_and_a_model_that_is_not_here_are_named() {
        let error = rows(&[]).err().expect("no file").to_string();
        assert!(error.contains(".json"), "{error}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("receipt.json");
        fs::write(&file, receipt(|_| {}).to_string()).expect("the folder can be written");
        let error = read_all(&file, folder.path()).err().expect("no package").to_string();
        assert!(error.contains("--models-dir"), "{error}");
    }

    #[test]
    fn a_wrong_receipt_counts_more_than_one_of_which_nothing_is_known() {
        let code = |outcomes: &[Option<ReceiptOutcome>]| exit_code(outcomes.iter());
        let unchecked = Some(ReceiptOutcome::Unchecked { reason: String::new() });
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[Some(ReceiptOutcome::Right), Some(ReceiptOutcome::Convicted)]), 0);
        assert_eq!(code(&[Some(ReceiptOutcome::Right), None]), UNDECIDED);
        assert_eq!(code(&[unchecked, Some(ReceiptOutcome::Acquitted)]), NOT_CONVICTED);
    }
}
