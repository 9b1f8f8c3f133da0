//! One process that executes, as its parent sees it: started, asked, and ended.

use super::message::{self, FrameError, Request, Response, Setup};
use assay_ops::tensor::Digest;
use std::{
    ffi::OsString,
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{
            net::UnixStream,
            process::{CommandExt, ExitStatusExt},
        },
    },
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Variable in which programs may have got their key, which is no business of whatever executes models.
const KEY_VARIABLE: &str = "ASSAY_KEY";
/// Longest wait for the exit status of a process that has closed its connection.
const ENDING: Duration = Duration::from_secs(2);
/// Time between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// The program that executes, and what it is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineProgram {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl EngineProgram {
    /// The running program with these arguments. It is found even if it was replaced on disk meanwhile.
    pub fn this_one(arguments: &[&str]) -> Self {
        Self {
            program: "/proc/self/exe".into(),
            arguments: arguments.iter().map(Into::into).collect(),
        }
    }
}

/// Why a process is of no more use.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    /// It cannot be started.
    #[error("{} cannot be started: {source}", program.display())]
    NotStarted { program: PathBuf, source: io::Error },
    /// It cannot load what it is to load.
    #[error("{0}")]
    Refused(String),
    /// It ended.
    #[error("the engine's process ended: {0}")]
    Ended(String),
    /// It did not answer in time.
    #[error("the engine's process did not answer within {} s and was killed", .0.as_secs())]
    Late(Duration),
    /// It answered something else.
    #[error("the engine's process is not understood and was killed: {0}")]
    Garbled(String),
    /// The request is too long for a frame; it was not sent.
    #[error("{0}")]
    TooLong(FrameError),
}

/// A process that has loaded its packages. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    socket: UnixStream,
    description: String,
}

impl Process {
    /// Starts the program and waits until it has loaded its packages, which must have these roots.
    pub fn start(
        program: &EngineProgram,
        setup: &Setup,
        roots: &[Digest],
        patience: Duration,
    ) -> Result<Self, ProcessError> {
        let not_started = |source: io::Error| ProcessError::NotStarted {
            program: program.program.clone(),
            source,
        };
        let (socket, other) = UnixStream::pair().map_err(not_started)?;
        let errors = io::stderr().as_fd().try_clone_to_owned().map_err(not_started)?;
        let child = Command::new(&program.program)
            .args(&program.arguments)
            .arg0("assay-engine")
            .env_remove(KEY_VARIABLE)
            .stdin(OwnedFd::from(other))
            .stdout(Stdio::from(errors))
            // A signal from the keyboard is for the parent, which lets it finish its work.
            .process_group(0)
            .spawn()
            .map_err(not_started)?;
        let mut process = Self {
            child,
            socket,
            description: String::new(),
        };
        process.ask(&Request::Load(setup.clone()), patience)?;
        match process.answer(patience)? {
            Response::Loaded {
                description,
                roots: loaded,
            } if loaded == roots => process.description = description,
            Response::Loaded { .. } => {
                return Err(ProcessError::Refused(
                    "a package in models_dir was replaced while this program ran; start it again".to_owned(),
                ));
            }
            Response::Refused(reason) => return Err(ProcessError::Refused(reason)),
            _ => return Err(unexpected()),
        }
        Ok(process)
    }

    /// The engine's description of itself.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The process, for tests that kill it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Why it is gone, if it is.
    pub fn end(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(in_words(status)),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Asks for something.
    pub fn ask(&mut self, request: &Request, patience: Duration) -> Result<(), ProcessError> {
        let mut socket = Limited::new(&self.socket, patience);
        let sent = message::write(&mut socket, request);
        sent.map_err(|error| match error {
            error @ FrameError::TooLong { .. } => ProcessError::TooLong(error),
            error => self.lost(error, patience),
        })
    }

    /// Its answer.
    pub fn answer(&mut self, patience: Duration) -> Result<Response, ProcessError> {
        let answer = message::read(&mut Limited::new(&self.socket, patience));
        answer.map_err(|error| self.lost(error, patience))
    }

    fn lost(&mut self, error: FrameError, patience: Duration) -> ProcessError {
        if error.is_late() {
            return ProcessError::Late(patience);
        }
        if matches!(error, FrameError::Closed | FrameError::Io(_)) {
            let until = Instant::now() + ENDING;
            while Instant::now() < until {
                if let Some(end) = self.end() {
                    return ProcessError::Ended(end);
                }
                std::thread::sleep(LOOK);
            }
        }
        ProcessError::Garbled(error.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Each fails only if the process has ended, which is what is wanted.
        let _ = self.socket.shutdown(Shutdown::Both);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer to another question.
pub(super) fn unexpected() -> ProcessError {
    ProcessError::Garbled("it answers something that was not asked".to_owned())
}

fn in_words(status: ExitStatus) -> String {
    match status.signal() {
        Some(9) => "it was killed, as the system does for want of memory".to_owned(),
        Some(6) => "it aborted, as it does for want of memory; its last words are above".to_owned(),
        _ => format!("{status}"),
    }
}

/// A socket that gives up at a moment.
struct Limited<'a> {
    socket: &'a UnixStream,
    until: Instant,
}

impl<'a> Limited<'a> {
    fn new(socket: &'a UnixStream, patience: Duration) -> Self {
        Self {
            socket,
            until: Instant::now() + patience,
        }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        // A limit of zero is refused as none.
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

impl Read for Limited<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(to)
    }
}

impl Write for Limited<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
