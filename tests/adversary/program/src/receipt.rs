//! A receipt that is signed by hand, honestly or not: what disputes about sessions are tested with.

use crate::story::{Kind, Story};
use anyhow::{Context, ensure};
use assay_client::chain::{Client, H256, Receipt, SignedReceipt};
use assay_daemon::{
    dispute::JobExecution,
    games::SharedExecution,
    job_input::lists,
    models::{Models, read},
};
use assay_engine::{Engine, ReferenceEngine};
use assay_player::{Execution, committed};
use assay_text::inputs;
use assay_types::{SessionId, SessionSignature, offer::work_at, schema::ModelKind};
use assay_worker::config::DEFAULT_NODE;
use clap::Args;
use codec::Encode;
use polkadot_sdk::sp_core::{Pair, sr25519};
use std::{fs, path::PathBuf, sync::Arc};

/// Options of `receipt`.
#[derive(Debug, Args)]
pub struct ReceiptArgs {
    /// Subject of the lie; without it the receipt is honest
    #[arg(long)]
    lie: Option<Kind>,
    /// The session
    #[arg(long)]
    session: SessionId,
    /// Number of the request within the session
    #[arg(long, default_value_t = 0)]
    sequence: u32,
    /// Folder of the session's model
    #[arg(long, value_name = "DIR")]
    package: PathBuf,
    /// File or folder of inputs, as for `assay-worker request`
    #[arg(long, value_name = "PATH")]
    input: PathBuf,
    /// Position of the input in it
    #[arg(long, default_value_t = 0)]
    index: usize,
    /// Folder of inputs into which the request is put; give those of all who are to play
    #[arg(long, value_name = "DIR")]
    keep_in: Vec<PathBuf>,
    /// Seed of the Sr25519 key that the session names for receipts, as 64 hexadecimal digits
    #[arg(long, value_name = "SEED")]
    session_seed: String,
    /// WebSocket address of a node
    #[arg(long, env = "ASSAY_NODE", value_name = "URL", default_value = DEFAULT_NODE)]
    node: String,
}

/// Signs a receipt of a request that nobody has sent, and prints it with its signature, in SCALE and hexadecimal.
pub async fn run(args: ReceiptArgs) -> anyhow::Result<()> {
    let seed: [u8; 32] = hex::decode(&args.session_seed)
        .ok()
        .and_then(|seed| seed.try_into().ok())
        .context("--session-seed: is not 64 hexadecimal digits")?;
    let client = Client::connect(std::slice::from_ref(&args.node)).await?;
    let snapshot = client.finalized().await?;
    let session = snapshot
        .session(args.session)
        .await?
        .context("the session is not over")?;
    let version = snapshot.version(session.model).await?;
    let parts = version.context("the session's model is registered")?.parts;
    ensure!(
        parts.kind == ModelKind::Plain,
        "a generation is not signed for by hand: its sequence is not among the inputs"
    );

    let execution = execute(&args, session.model_root)?;
    let outputs = match args.lie {
        Some(kind) => Story::new(kind, execution.clone())?.output()?.digest,
        None => committed(&*execution).output_digest,
    };
    let digest = committed(&*execution).input_digest;
    for folder in &args.keep_in {
        fs::create_dir_all(folder)?;
        fs::write(folder.join(lists::file_name(digest)), lists::encode(execution.inputs()))?;
    }
    let units = work_at(&parts, &execution.trace().symbols);
    let requests = u128::from(args.sequence) + 1;
    let message = Receipt {
        genesis: client.genesis(),
        session: args.session,
        sequence: args.sequence,
        model_root: session.model_root,
        input_digest: digest,
        output_digest: outputs,
        units,
        owed: session.terms.price(units).saturating_mul(requests),
        block: snapshot.now(),
    };
    let signature = sr25519::Pair::from_seed(&seed).sign(&message.message());
    let signed = SignedReceipt {
        message,
        signature: SessionSignature::Sr25519(signature),
    };
    println!("{}", hex::encode(signed.encode()));
    Ok(())
}

fn execute(args: &ReceiptArgs, root: H256) -> anyhow::Result<SharedExecution> {
    let package = read(args.package.clone())?;
    let models = Models::load(&ReferenceEngine as &dyn Engine, [&package])?;
    let model = models
        .get(&root)
        .context("the package is not that of the session's model")?;
    let found = inputs::read(&args.input, package.graph())?;
    let input = found.into_iter().nth(args.index).context("there is such an input")?;
    Ok(Arc::new(JobExecution::new(model.subject()?, input.tensors)?))
}
