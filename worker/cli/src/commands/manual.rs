//! `assay-worker completions` and `assay-worker man`: what shells and manuals are told of the command line.

use crate::cli::Cli;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::{fs, path::PathBuf, process::ExitCode};

/// Name of the program.
const PROGRAM: &str = "assay-worker";

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for the program and one for each subcommand into this folder, instead of printing the first
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &CompletionsArgs) -> ExitCode {
    print!("{}", script(args.shell));
    ExitCode::SUCCESS
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

pub(super) fn man(args: &ManArgs) -> anyhow::Result<ExitCode> {
    match &args.dir {
        Some(dir) => {
            fs::create_dir_all(dir).with_context(|| format!("--dir {}", dir.display()))?;
            clap_mangen::generate_to(Cli::command(), dir).with_context(|| format!("--dir {}", dir.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page)?;
            print!("{}", String::from_utf8_lossy(&page));
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_completes_the_subcommands() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in ["serve", "doctor", "completions"] {
                assert!(script.contains(command), "{shell}: {command}");
            }
        }
    }

    #[test]
    fn every_subcommand_has_a_page() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let args = ManArgs {
            dir: Some(folder.path().join("man1")),
        };
        man(&args).expect("the folder can be written");
        for page in [
            "assay-worker.1",
            "assay-worker-serve.1",
            "assay-worker-network-status.1",
        ] {
            let text = fs::read_to_string(folder.path().join("man1").join(page)).expect(page);
            assert!(text.contains(".TH"), "{page}");
        }
    }
}
