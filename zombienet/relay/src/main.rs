//! The relay-chain node: the Polkadot SDK's, with Westend's runtime compiled in for chain specifications.

use std::process::ExitCode;

fn main() -> ExitCode {
    match polkadot_cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assay-relay: {error}");
            ExitCode::FAILURE
        }
    }
}
