//! The machine that a report is about.

use assay_kernels::instructions::Instructions;
use serde::Serialize;
use std::fs;

/// Facts that a reader needs in order to place the numbers.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor, as the system names it.
    pub processor: String,
    /// Processors that the system has.
    pub cores: usize,
    /// Threads that everything is measured with.
    pub threads: usize,
    /// Instructions of the processor that our kernels use.
    pub instructions: &'static str,
    /// libtorch's version.
    pub libtorch: &'static str,
}

impl Machine {
    /// Asks the system.
    pub fn new(threads: usize) -> Self {
        let description = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = description.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split(':').nth(1))
                .map(|value| value.trim().to_owned())
        };
        let number = |name| field(name).unwrap_or_else(|| "?".to_owned());
        let processor = format!(
            "{} (family {}, model {})",
            field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            number("cpu family"),
            number("model\t"),
        );
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(1, |count| count.get()),
            threads,
            instructions: Instructions::detect().name(),
            libtorch: "2.11",
        }
    }
}
