//! When models are audited, and what is said of it: all of them when they are loaded, and a share of the jobs that are
//! served. What was found is logged and written to `<data dir>/audits.json`.

use super::{
    audit::{self, AuditError, Audited, Random},
    order::{Order, Task},
};
use crate::{
    models::{Model, Models},
    serve::memory::Output,
};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_package::atomic;
use assay_types::{H256, schema::ModelKind};
use polkadot_sdk::sp_runtime::Perbill;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// Name of the record in the data folder.
const RECORD_FILE: &str = "audits.json";
/// Bytes of a reason that the record keeps.
const MAX_REASON: usize = 1000;

/// Audits a share of the jobs that are served, one at a time, on a thread of its own. A job that comes during an audit
/// is not audited.
pub(crate) struct Auditor {
    share: Perbill,
    random: Random,
    jobs: SyncSender<Served>,
}

/// A job that was served and is to be audited.
struct Served {
    model: Arc<Model>,
    inputs: Vec<Tensor>,
    output: H256,
}

/// Findings on all models, as they are written down.
#[derive(Debug, Default, Serialize)]
struct Record {
    #[serde(skip)]
    path: PathBuf,
    models: BTreeMap<String, ModelRecord>,
}

/// Findings on one model.
#[derive(Debug, Default, Serialize)]
struct ModelRecord {
    /// The model's name.
    name: String,
    /// Second since 1970 of the last audit.
    audited_at: u64,
    /// Audits that found nothing: that at load, and those of jobs.
    passed: u64,
    /// Elements that were judged in them.
    elements: u64,
    /// Audits that could not be made.
    failed: u64,
    /// Findings of the last audit that found anything.
    difference: Option<String>,
}

impl Auditor {
    /// Audits all models, and starts the thread. Gives the models that are not to be served with the reasons.
    pub(super) fn start(
        models: &Models,
        orders: &SyncSender<Order>,
        data_dir: &Path,
        share: Perbill,
        max_work: u64,
    ) -> Result<(Self, BTreeMap<H256, String>), EngineError> {
        let failed = |error: std::io::Error| EngineError::Failed {
            engine: "the audit".to_owned(),
            reason: error.to_string(),
        };
        let mut random = Random::new().map_err(failed)?;
        let mut record = Record {
            path: data_dir.join(RECORD_FILE),
            ..Record::default()
        };
        let mut faults = BTreeMap::new();
        for (root, model) in models.iter() {
            let run = |inputs| probe(orders, root.0, inputs);
            let audited = audit::loaded(&model.package, model.tracer(), &run, &mut random, max_work);
            record.note(*root, model, &audited);
            if let Err(error) = audited {
                faults.insert(*root, error.to_string());
            }
        }
        let (jobs, queue) = sync_channel(0);
        let orders = orders.clone();
        let builder = thread::Builder::new().name("audits".to_owned());
        builder
            .spawn(move || audit_all(&queue, &orders, record, random))
            .map_err(failed)?;
        let random = Random::new().map_err(failed)?;
        Ok((Self { share, random, jobs }, faults))
    }

    /// Draws whether a job is audited that was served with this output.
    pub(crate) fn offer(&mut self, model: &Arc<Model>, task: &Task, output: &Output) {
        // A generation is made by another graph, and its sequence comes with the output: its check graph was audited.
        let is_plain = model.package.parts().kind == ModelKind::Plain;
        if !is_plain || self.random.below(1_000_000_000) >= u64::from(self.share.deconstruct()) {
            return;
        }
        // Full while another job is being audited.
        let _ = self.jobs.try_send(Served {
            model: model.clone(),
            inputs: task.inputs.clone(),
            output: output.digest,
        });
    }
}

/// Audits jobs until nobody offers any.
fn audit_all(queue: &Receiver<Served>, orders: &SyncSender<Order>, mut record: Record, mut random: Random) {
    for Served { model, inputs, output } in queue {
        let root = model.package.root();
        let audited = audit::served(&model.package, model.tracer(), &inputs, output, &mut random);
        record.note(H256(root), &model, &audited);
        if let Err(error) = audited
            && error.is_difference()
        {
            let reason = error.to_string();
            // Without a supervisor nothing is served any more.
            let _ = orders.send(Order::Distrust { model: root, reason });
        }
    }
}

/// Has a job executed as those that are served, and gives the digest of its outputs.
fn probe(orders: &SyncSender<Order>, model: Digest, inputs: Vec<Tensor>) -> Result<H256, EngineError> {
    let gone = || EngineError::Failed {
        engine: "the engine's process".to_owned(),
        reason: "its supervisor has ended; start the program again".to_owned(),
    };
    let (reply, answer) = sync_channel(1);
    orders.send(Order::Probe { model, inputs, reply }).map_err(|_| gone())?;
    let output = answer.recv().map_err(|_| gone())??;
    Ok(output.digest)
}

impl Record {
    /// Notes what was found, and says so.
    fn note(&mut self, root: H256, model: &Model, audited: &Result<Audited, AuditError>) {
        let name = &model.package.manifest().name;
        let entry = self.models.entry(format!("{root:?}")).or_default();
        entry.name.clone_from(name);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        entry.audited_at = now.as_secs();
        match audited {
            Ok(audited) => {
                entry.passed = entry.passed.saturating_add(1);
                entry.elements = entry.elements.saturating_add(audited.elements);
                tracing::debug!(
                    model = name,
                    operators = audited.operators,
                    elements = audited.elements,
                    "an audit finds what the definition gives"
                );
            }
            Err(error) if error.is_difference() => {
                entry.difference = Some(error.to_string().chars().take(MAX_REASON).collect());
                tracing::error!(
                    model = name,
                    %error,
                    "THIS MACHINE DOES NOT GIVE WHAT THE MODEL'S DEFINITION GIVES: A CLAIM OF IT WOULD BE CONVICTED"
                );
            }
            Err(error) => {
                entry.failed = entry.failed.saturating_add(1);
                tracing::error!(model = name, %error, "a model cannot be audited");
            }
        }
        if let Err(error) = self.write() {
            tracing::warn!(path = %self.path.display(), %error, "the record of audits cannot be written");
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        atomic::replace(&self.path, &text, 0o644)
    }
}
