//! The engine's process: loads the packages, then executes what the parent asks for, one thing after the other.
//!
//! It talks to the parent over its standard input, which is a socket, so that nothing that a library prints can get
//! between frames. It ends when the parent is gone, however that ended, and in the midst of an execution too.

use super::{
    generation::{Generators, Job, Jobs},
    memory,
    message::{self, FrameError, MAX_FRAME_BYTES, Request, Response, SequenceJob, Setup},
    wire::{WireFault, WireTensor, WireTraced},
};
use crate::{dispute, serve::executor::output};
use assay_engine::{Engine, EngineChoice, LoadedModel};
use assay_exact::{digest::tensor_size_bytes, graph::Value};
use assay_ops::{
    program::EngineError,
    tensor::{Digest, Tensor},
};
use assay_package::{Package, PackageError};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    ffi::OsStr,
    io,
    os::{
        fd::AsFd,
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// Time between two messages that say that a trace goes on.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// Exit code of a process that does not understand its parent.
const NOT_UNDERSTOOD: i32 = 3;

/// Function that opens an engine.
pub type Open<'a> = dyn Fn(&Setup) -> Result<Box<dyn Engine>, EngineError> + 'a;

/// Why the engine's process ends.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// Standard input cannot be used.
    #[error("standard input is no socket: this command is for assay-worker itself, which starts it ({0})")]
    NoSocket(io::Error),
    /// The parent cannot be told or understood.
    #[error("the parent: {0}")]
    Parent(#[from] FrameError),
    /// The parent asks for something before it has said what to load.
    #[error("the parent asks before it has said what to load")]
    NotLoaded,
    /// The thread that listens cannot be started.
    #[error("no thread to listen on: {0}")]
    Thread(io::Error),
}

/// Why packages cannot be loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("there is no engine {0}")]
    NoSuchEngine(String),
    #[error("a limit of {bytes} bytes cannot be set: {source}")]
    Limit { bytes: u64, source: io::Error },
    #[error("model {}: {source}", folder.display())]
    Package { folder: PathBuf, source: PackageError },
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Does what the parent asks, with the engine that it names, until it is gone.
pub fn run() -> Result<(), ChildError> {
    run_with(&|setup| {
        let choice = choice(&setup.engine).ok_or_else(|| EngineError::Device {
            device: setup.engine.clone(),
            reason: LoadError::NoSuchEngine(setup.engine.clone()).to_string(),
        })?;
        let gpu = setup.gpu.map(|index| index as usize);
        assay_engine::open(choice, gpu, setup.threads as usize)
    })
}

/// The same with an engine that is opened like this.
pub fn run_with(open: &Open<'_>) -> Result<(), ChildError> {
    let standard_input = io::stdin().as_fd().try_clone_to_owned().map_err(ChildError::NoSocket)?;
    let mut parent = UnixStream::from(standard_input);
    // Asks the system whether it is one.
    parent.take_error().map_err(ChildError::NoSocket)?;
    let requests = listen(parent.try_clone().map_err(ChildError::NoSocket)?)?;
    let Ok(Request::Load(setup)) = requests.recv() else {
        return Err(ChildError::NotLoaded);
    };
    let (description, models) = match load(&setup, open) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(message::write(&mut parent, &Response::Refused(error.to_string()))?),
    };
    let roots = models.iter().map(LoadedModel::root).collect();
    message::write(&mut parent, &Response::Loaded { description, roots })?;
    let mut generators = Generators::default();
    let mut requests = Requests { requests, next: None };
    while let Some(request) = requests.wait() {
        answer(&mut parent, &models, &mut generators, &mut requests, request)?;
    }
    Ok(())
}

/// Requests of the parent.
struct Requests {
    requests: Receiver<Request>,
    /// One that was looked at and is for later.
    next: Option<Request>,
}

impl Requests {
    /// The next request, waited for; nothing once there will be none.
    fn wait(&mut self) -> Option<Request> {
        self.next.take().or_else(|| self.requests.recv().ok())
    }

    /// Jobs for the generation of this model that goes on, if that is what is asked for next.
    fn more(&mut self, generated: u32) -> Result<Option<Jobs>, FrameError> {
        if self.next.is_none() {
            self.next = self.requests.try_recv().ok();
        }
        match self.next.take() {
            Some(Request::Generate { model, first, jobs }) if model == generated => numbered(first, jobs).map(Some),
            other => {
                self.next = other;
                Ok(None)
            }
        }
    }
}

/// The requests. A thread reads them, so that the end of the parent is noticed during an execution.
fn listen(mut parent: UnixStream) -> Result<Receiver<Request>, ChildError> {
    let (sender, requests) = channel();
    let listen = move || loop {
        match message::read(&mut parent) {
            Ok(request) => {
                if sender.send(request).is_err() {
                    return;
                }
            }
            Err(FrameError::Closed) => std::process::exit(0),
            Err(error) => {
                tracing::error!(%error, "the parent is not understood");
                std::process::exit(NOT_UNDERSTOOD);
            }
        }
    };
    let builder = thread::Builder::new().name("requests".to_owned());
    builder.spawn(listen).map_err(ChildError::Thread)?;
    Ok(requests)
}

fn load(setup: &Setup, open: &Open<'_>) -> Result<(String, Vec<LoadedModel>), LoadError> {
    // A driver's reservations count as memory without being any.
    if choice(&setup.engine)
        .is_none_or(|choice| !choice.takes_gpu() || (setup.engine == "torch" && setup.gpu.is_none()))
    {
        limit(memory::hard_limit(setup.max_memory))?;
    }
    let engine = open(setup)?;
    let models = setup.packages.iter().map(|folder| {
        let folder = Path::new(OsStr::from_bytes(folder));
        let package = Package::load(folder).map_err(|source| LoadError::Package {
            folder: folder.to_owned(),
            source,
        })?;
        Ok(engine.load(&package)?)
    });
    let models = models.collect::<Result<Vec<_>, LoadError>>()?;
    // What is used now stays used.
    let for_runs = setup.max_memory.saturating_sub(memory::resident().unwrap_or(0));
    let models = models.into_iter().map(|model| model.with_memory_limit(for_runs));
    Ok((engine.description(), models.collect()))
}

/// Has the system refuse this process more memory than this; what needs more then ends the process instead of the
/// machine.
fn limit(bytes: u64) -> Result<(), LoadError> {
    let mut limit = getrlimit(Resource::Data);
    let bytes = limit.maximum.map_or(bytes, |most| most.min(bytes));
    limit.current = Some(bytes);
    setrlimit(Resource::Data, limit).map_err(|error| LoadError::Limit {
        bytes,
        source: error.into(),
    })
}

/// The engine of this name.
fn choice(name: &str) -> Option<EngineChoice> {
    let choices = [
        EngineChoice::Cpu,
        EngineChoice::Cuda,
        EngineChoice::Torch,
        EngineChoice::Reference,
    ];
    choices.into_iter().find(|choice| choice.name() == name)
}

fn answer(
    parent: &mut UnixStream,
    models: &[LoadedModel],
    generators: &mut Generators,
    requests: &mut Requests,
    request: Request,
) -> Result<(), FrameError> {
    match request {
        Request::Load(_) => Err(FrameError::Garbled("the packages are loaded already".to_owned())),
        Request::Run { model, jobs } => run_jobs(parent, model_at(models, model)?, jobs),
        Request::Generate { model, first, jobs } => {
            let jobs = numbered(first, jobs)?;
            let more = &mut || requests.more(model);
            generators.run(parent, (model, model_at(models, model)?), jobs, more)
        }
        Request::Trace { model, inputs, wanted } => {
            let (model, wanted) = (model_at(models, model)?, wanted.into());
            let mut said = Instant::now();
            let traced = dispute::trace(model, &tensors(inputs)?, &wanted, &mut || {
                if said.elapsed() >= SIGN_OF_LIFE {
                    said = Instant::now();
                    // A parent that is gone is noticed by the thread that listens.
                    let _ = message::write(parent, &Response::Alive);
                }
            });
            let traced = match traced {
                Ok(traced) => traced,
                Err(error) => return message::write(parent, &Response::Traced(Err(error.into()))),
            };
            for (wanted, tensors) in [(true, traced.wanted), (false, traced.others)] {
                for (operator, tensor) in tensors {
                    let tensor = WireTensor::of(std::sync::Arc::unwrap_or_clone(tensor));
                    let message = Response::Tensor {
                        operator,
                        wanted,
                        tensor,
                    };
                    message::write(parent, &message)?;
                }
            }
            message::write(parent, &Response::Traced(Ok(WireTraced::from(traced.trace))))
        }
        Request::Test => message::write(parent, &Response::Tested(test(models))),
    }
}

/// Runs jobs and says what came of each as soon as it is known.
fn run_jobs(parent: &mut UnixStream, model: &LoadedModel, jobs: Vec<Vec<WireTensor>>) -> Result<(), FrameError> {
    let jobs = jobs.into_iter().map(tensors).collect::<Result<Vec<_>, _>>()?;
    // Jobs that do not run together anyway are answered one by one.
    let together = if model.graph().batch_symbol().is_some() {
        jobs.len().max(1)
    } else {
        1
    };
    let mut position = 0;
    for jobs in jobs.chunks(together) {
        for result in model.run_jobs(jobs) {
            let result = result.map(|tensors| output(&tensors).into()).map_err(WireFault::from);
            match message::write(parent, &Response::Ran(position, result)) {
                Err(FrameError::TooLong { bytes }) => {
                    let fault = WireFault::TooLarge {
                        needed: bytes,
                        limit: MAX_FRAME_BYTES.into(),
                    };
                    message::write(parent, &Response::Ran(position, Err(fault)))?;
                }
                written => written?,
            }
            position += 1;
        }
    }
    Ok(())
}

/// Executes every model once.
fn test(models: &[LoadedModel]) -> Result<(), String> {
    for model in models {
        let root: Digest = model.root();
        let zeros = zeros(model).ok_or_else(|| format!("model {root:02x?} takes nothing that can be made up"))?;
        model.run(&zeros).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Zeros of the smallest shape that the model takes.
fn zeros(model: &LoadedModel) -> Option<Vec<Tensor>> {
    let graph = model.graph();
    let smallest: Vec<u32> = graph.graph().symbols.iter().map(|symbol| symbol.min).collect();
    let inputs = (0..).zip(&graph.graph().inputs).map(|(index, input)| {
        let shape = graph.shape(Value::Input(index), &smallest)?;
        let bytes = usize::try_from(tensor_size_bytes(input.dtype, &shape)?).ok()?;
        Tensor::new(input.dtype, shape, vec![0; bytes]).ok()
    });
    inputs.collect()
}

fn model_at(models: &[LoadedModel], position: u32) -> Result<&LoadedModel, FrameError> {
    let model = models.get(position as usize);
    model.ok_or_else(|| FrameError::Garbled(format!("there is no model {position}")))
}

/// Jobs with their positions.
fn numbered(first: u32, jobs: Vec<SequenceJob>) -> Result<Jobs, FrameError> {
    let jobs = (first..).zip(jobs).map(|(position, job)| {
        Ok(Job {
            position,
            inputs: tensors(job.inputs)?,
            streams: job.streams,
        })
    });
    jobs.collect()
}

fn tensors(tensors: Vec<WireTensor>) -> Result<Vec<Tensor>, FrameError> {
    let tensors = tensors.into_iter().map(WireTensor::tensor).collect::<Option<_>>();
    tensors.ok_or_else(|| FrameError::Garbled("a tensor has another size than its shape".to_owned()))
}
