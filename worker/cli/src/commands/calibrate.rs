//! `assay-worker models import --calibrate`

use anyhow::bail;
use assay_engine::{Engine, EngineChoice};
use assay_exact::quantise::Precision;
use assay_import::{Calibration, Form, ImportOptions, OnProgress, import, import_with};
use assay_package::Package;
use assay_text::inputs::{self, JobInput, text};
use std::path::Path;

/// Imports an archive whose activations and weights are balanced by what the model computes for the inputs of a file.
pub(super) fn smoothed(
    model: &Path,
    options: ImportOptions,
    file: &Path,
    on_progress: &mut OnProgress<'_>,
) -> anyhow::Result<Package> {
    if options.precision == Precision::Int16 {
        bail!("--calibrate is for --precision int8 and int16int8; int16 loses too little to win it back")
    }
    // What is next to fp32 shows what the layers take.
    let fine = ImportOptions {
        precision: Precision::Int16,
        ..options.clone()
    };
    let fine = import(model, fine)?;
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let engine: Box<dyn Engine> = assay_engine::open(EngineChoice::Cpu, None, threads)?;
    let loaded = engine.load(&fine)?;
    let mut calibration = Calibration::new(fine.graph().graph());
    for job in read(file, &fine)? {
        loaded.trace(&job.tensors, &mut |node, output| {
            if calibration.wants(node) {
                calibration.add(node, &output.tensor()?);
            }
            Ok(())
        })?;
    }
    Ok(import_with(model, options, Form::Smoothed(&calibration), on_progress)?)
}

/// The inputs of a file: texts, one a line, for a model that has a tokenizer, or tensors.
fn read(file: &Path, package: &Package) -> anyhow::Result<Vec<JobInput>> {
    if file.extension().is_some_and(|extension| extension == "txt") {
        let texts = text::read_texts(file)?;
        return Ok(text::from_texts(&texts, &text::tokenizer(package)?, package.graph())?);
    }
    Ok(inputs::read(file, package.graph())?)
}
