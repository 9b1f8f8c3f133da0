//! The engine's process with an engine that fails when a job's first number says so: what the tests of the supervisor
//! are made with.
//!
//! The argument is a folder. The process writes its number to `pid` there, and `running` when an execution begins; it
//! cannot load anything while `refuse` is there.

use assay_engine::{Engine, EngineError, OnNode, Program, ReferenceEngine};
use assay_ops::tensor::Tensor;
use assay_package::Package;
use std::{
    fs,
    io::Write,
    os::{fd::AsFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{ExitCode, abort, exit, id},
    thread::sleep,
    time::Duration,
};

/// An engine with faults.
struct Faulty(PathBuf);

/// A program with faults.
struct FaultyProgram {
    inner: Box<dyn Program>,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("which folder?");
        return ExitCode::FAILURE;
    };
    println!("what is printed is no part of the conversation");
    let outcome = assay_daemon::engine::run_with(&|_| {
        if folder.join("refuse").exists() {
            return Err(failed("it is told to refuse"));
        }
        mark(&folder, "pid");
        Ok(Box::new(Faulty(folder.clone())))
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn failed(reason: &str) -> EngineError {
    EngineError::Failed {
        engine: "faulty".to_owned(),
        reason: reason.to_owned(),
    }
}

/// Leaves a file with this process's number.
fn mark(folder: &Path, name: &str) {
    let path = folder.join(name);
    let aside = path.with_extension("new");
    fs::write(&aside, id().to_string()).expect("the folder can be written");
    fs::rename(aside, path).expect("the folder can be written");
}

impl Engine for Faulty {
    fn description(&self) -> String {
        "faulty".to_owned()
    }

    fn prepare(&self, package: &Package) -> Result<Box<dyn Program>, EngineError> {
        Ok(Box::new(FaultyProgram {
            inner: ReferenceEngine.prepare(package)?,
            folder: self.0.clone(),
        }))
    }
}

impl FaultyProgram {
    /// Does what the first number of each row of the first input says.
    fn fail(&self, inputs: &[Tensor]) -> Result<(), EngineError> {
        mark(&self.folder, "running");
        let [_, width] = *inputs[0].shape() else { return Ok(()) };
        for number in inputs[0].numbers().step_by(width as usize) {
            match f32::from_bits(number.to_bits()) as u32 {
                12 => sleep(Duration::from_millis(300)),
                13 => panic!("told to panic"),
                14 => sleep(Duration::from_secs(3600)),
                15 => abort(),
                16 => {
                    let parent = std::io::stdin().as_fd().try_clone_to_owned().expect("it is open");
                    let mut parent = UnixStream::from(parent);
                    parent.write_all(b"no frame at all").expect("the parent reads");
                }
                17 => drop(std::hint::black_box(vec![1u8; 4 << 30])),
                18 => exit(0),
                19 => return Err(failed("told to fail")),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Program for FaultyProgram {
    fn evaluate(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
        self.fail(inputs)?;
        self.inner.evaluate(inputs)
    }

    fn evaluate_with(&self, inputs: &[Tensor], on_node: &mut OnNode<'_>) -> Result<Vec<Tensor>, EngineError> {
        self.fail(inputs)?;
        self.inner.evaluate_with(inputs, on_node)
    }
}
