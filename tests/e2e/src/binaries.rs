//! The programs under test, which lie beside the tests that were built with them.

use anyhow::{Context, ensure};
use std::path::PathBuf;

/// The path of a program of this workspace.
pub(crate) fn binary(name: &str) -> anyhow::Result<PathBuf> {
    // target/debug/deps/it-0123456789abcdef
    let test = std::env::current_exe()?;
    let folder = test
        .ancestors()
        .nth(2)
        .context("a test lies in a folder of the target directory")?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is not there: run `make build` first",
        path.display()
    );
    Ok(path)
}
