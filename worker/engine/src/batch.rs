//! Independent jobs executed as one, along the batch dimension.
//!
//! Rows do not influence each other in exact arithmetic, so this changes no bit of any result.

use super::{EngineError, LoadedModel};
use assay_ops::tensor::Tensor;
use std::collections::BTreeMap;

/// Most bytes of input that are executed at once, so that many jobs do not exhaust the device's memory.
const MAX_BATCH_BYTES: usize = 64 << 20;

/// Jobs that may be executed as one.
struct Group {
    /// Position of each job, and how many rows it has.
    jobs: Vec<(usize, u32)>,
    rows: u32,
    bytes: usize,
}

pub(super) fn run_jobs(model: &LoadedModel, jobs: &[Vec<Tensor>]) -> Vec<Result<Vec<Tensor>, EngineError>> {
    let Some(batch) = model.graph.batch_symbol() else {
        return jobs.iter().map(|inputs| model.run(inputs)).collect();
    };
    let max_rows = model
        .graph
        .graph()
        .symbols
        .get(usize::from(batch))
        .map_or(1, |symbol| symbol.max);
    let mut results: Vec<Option<Result<Vec<Tensor>, EngineError>>> = jobs.iter().map(|_| None).collect();
    // Jobs go together if all other dynamic dimensions are the same.
    let mut open: BTreeMap<Vec<u32>, Group> = BTreeMap::new();
    let mut groups = Vec::new();
    for (position, inputs) in jobs.iter().enumerate() {
        let mut symbols = match model.bind(inputs) {
            Ok(symbols) => symbols,
            Err(error) => {
                results[position] = Some(Err(error.into()));
                continue;
            }
        };
        let rows = std::mem::take(&mut symbols[usize::from(batch)]);
        let bytes = inputs.iter().map(|input| input.bytes().len()).sum::<usize>();
        let group = open.entry(symbols).or_insert_with(Group::empty);
        let fits = group.rows.checked_add(rows).is_some_and(|sum| sum <= max_rows);
        if !group.jobs.is_empty() && (!fits || group.bytes + bytes > MAX_BATCH_BYTES) {
            groups.extend(with_room(model, jobs, std::mem::replace(group, Group::empty())));
        }
        group.jobs.push((position, rows));
        group.rows += rows;
        group.bytes += bytes;
    }
    groups.extend(open.into_values().flat_map(|group| with_room(model, jobs, group)));
    for group in groups {
        for (position, result) in run_group(model, jobs, &group) {
            results[position] = Some(result);
        }
    }
    results
        .into_iter()
        .map(|result| result.expect("every job was refused or is in one group; qed"))
        .collect()
}

impl Group {
    fn empty() -> Self {
        Self {
            jobs: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    fn of(jobs: &[Vec<Tensor>], positions: Vec<(usize, u32)>) -> Self {
        let inputs = positions.iter().flat_map(|(position, _)| &jobs[*position]);
        Self {
            rows: positions.iter().map(|(_, rows)| rows).sum(),
            bytes: inputs.map(|input| input.bytes().len()).sum(),
            jobs: positions,
        }
    }
}

/// A group in halves, and these in halves, until each fits into the memory that there may be, or has one job.
fn with_room(model: &LoadedModel, jobs: &[Vec<Tensor>], group: Group) -> Vec<Group> {
    if model.memory_limit == u64::MAX || group.jobs.len() < 2 {
        return vec![group];
    }
    let symbols = model.graph.batch_symbol().zip(group.jobs.first());
    let symbols = symbols.and_then(|(batch, (position, _))| {
        let mut symbols = model.bind(jobs.get(*position)?).ok()?;
        *symbols.get_mut(usize::from(batch))? = group.rows;
        Some(symbols)
    });
    let needed = symbols.map_or(u64::MAX, |symbols| model.peak_bytes(&symbols));
    if needed <= model.memory_limit {
        return vec![group];
    }
    tracing::info!(
        jobs = group.jobs.len(),
        needed_mib = needed >> 20,
        limit_mib = model.memory_limit >> 20,
        "together, the jobs need more memory than there may be: running them in two parts"
    );
    let mut first = group.jobs;
    let second = first.split_off(first.len() / 2);
    let halves = [first, second].into_iter();
    halves
        .flat_map(|half| with_room(model, jobs, Group::of(jobs, half)))
        .collect()
}

fn run_group(
    model: &LoadedModel,
    jobs: &[Vec<Tensor>],
    group: &Group,
) -> Vec<(usize, Result<Vec<Tensor>, EngineError>)> {
    if let [(position, _)] = group.jobs.as_slice() {
        return vec![(*position, model.run(&jobs[*position]))];
    }
    let inputs: Vec<Tensor> = (0..model.graph.graph().inputs.len())
        .map(|input| {
            join(
                &group
                    .jobs
                    .iter()
                    .map(|(position, _)| &jobs[*position][input])
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    match model.run(&inputs) {
        Ok(outputs) => {
            let mut parts: Vec<Vec<Tensor>> = group.jobs.iter().map(|_| Vec::new()).collect();
            for output in &outputs {
                for (part, tensor) in parts.iter_mut().zip(split(output, &group.jobs)) {
                    part.push(tensor);
                }
            }
            group
                .jobs
                .iter()
                .map(|(position, _)| *position)
                .zip(parts.into_iter().map(Ok))
                .collect()
        }
        // One job may fit where all together do not.
        Err(_) => group
            .jobs
            .iter()
            .map(|(position, _)| (*position, model.run(&jobs[*position])))
            .collect(),
    }
}

/// Tensors of the same type, alike in all dimensions but the outermost, one after the other.
fn join(tensors: &[&Tensor]) -> Tensor {
    let mut shape = tensors[0].shape().to_vec();
    shape[0] = tensors.iter().map(|tensor| tensor.shape()[0]).sum();
    let bytes = tensors.iter().flat_map(|tensor| tensor.bytes()).copied().collect();
    Tensor::new(tensors[0].dtype(), shape, bytes).expect("rows of one size; qed")
}

/// The rows of each job, in the order in which they were joined.
fn split(tensor: &Tensor, jobs: &[(usize, u32)]) -> Vec<Tensor> {
    let rows: usize = jobs.iter().map(|(_, rows)| *rows as usize).sum();
    let row_bytes = tensor.bytes().len() / rows;
    let mut rest = tensor.bytes();
    let parts = jobs.iter().map(|(_, rows)| {
        let (part, after) = rest.split_at(*rows as usize * row_bytes);
        rest = after;
        let mut shape = tensor.shape().to_vec();
        shape[0] = *rows;
        Tensor::new(tensor.dtype(), shape, part.to_vec()).expect("rows of one size; qed")
    });
    parts.collect()
}
