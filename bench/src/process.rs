//! A program that executes one thing at a time when it is asked to, so that all that is compared takes turns: requests
//! and answers are lines of JSON.

use anyhow::{Context, Result, ensure};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    io::{BufRead, BufReader, ErrorKind, Write},
    num::NonZeroUsize,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The process, which ends with this.
pub struct Process {
    script: &'static str,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a script of the repository, from whose root `make bench` is run, with a number of threads and a file; the
    /// names of what it can execute come with it. Says so if there is nothing, and gives `None`.
    pub fn start(script: &'static str, threads: NonZeroUsize, file: &Path) -> Result<Option<(Self, Vec<String>)>> {
        let mut command = Command::new("python3");
        command.args([script, "--threads", &threads.to_string()]).arg(file);
        let mut process = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                println!("there is no python3, so nothing is compared by {script}");
                return Ok(None);
            }
            started => started.with_context(|| format!("cannot start {script}"))?,
        };
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            anyhow::bail!("{script} was started without pipes");
        };
        let mut started = Self {
            script,
            process,
            requests,
            answers: BufReader::new(answers),
        };
        match started.answer() {
            Ok(names) => Ok(Some((started, names))),
            // It has said on standard error what is missing.
            Err(_) => Ok(None),
        }
    }

    /// Asks for something, and gives the answer.
    pub fn ask<Answer: DeserializeOwned>(&mut self, request: &impl Serialize) -> Result<Answer> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.requests
            .write_all(&line)
            .with_context(|| format!("{} has ended", self.script))?;
        self.answer()
    }

    fn answer<Answer: DeserializeOwned>(&mut self) -> Result<Answer> {
        let (script, mut line) = (self.script, String::new());
        let bytes = self.answers.read_line(&mut line)?;
        ensure!(bytes > 0, "{script} has ended");
        serde_json::from_str(&line).with_context(|| format!("{script} answered {line:.60}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has no state to lose. If it has ended by itself, there is nothing to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
