//! Where requests are kept, and how one is gone on with.

use anyhow::bail;
use assay_types::JobId;
use clap::Args;
use std::{
    env,
    path::{Path, PathBuf},
};

/// Where requests are kept.
#[derive(Clone, Debug, Args)]
pub struct JournalArgs {
    /// Folder in which requests are kept until their results are there; without it $XDG_STATE_HOME/assay/requests or
    /// ~/.local/state/assay/requests
    #[arg(long, env = "ASSAY_JOURNAL", value_name = "DIR")]
    pub journal: Option<PathBuf>,
}

impl JournalArgs {
    /// The folder.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.journal {
            return Ok(folder.clone());
        }
        let state = default_state(env::var_os("XDG_STATE_HOME").as_deref(), env::var_os("HOME").as_deref());
        match state {
            Some(state) => Ok(state.join("assay").join("requests")),
            None => bail!("neither HOME nor XDG_STATE_HOME is set: say with --journal where requests are kept"),
        }
    }

    /// A command about this request, in this folder.
    pub fn command(&self, words: &str, id: u64) -> String {
        match &self.journal {
            None => format!("assay-worker {words} {id}"),
            Some(folder) => format!("assay-worker {words} {id} --journal {}", folder.display()),
        }
    }
}

fn default_state(state: Option<&std::ffi::OsStr>, home: Option<&std::ffi::OsStr>) -> Option<PathBuf> {
    // A relative path is to be ignored, as the XDG base directory specification says.
    let state = state.map(Path::new).filter(|path| path.is_absolute());
    let home = home.map(Path::new).filter(|path| path.is_absolute());
    state.map(Path::to_owned).or_else(|| Some(home?.join(".local/state")))
}

/// Job numbers, neighbours together: `3-5, 9`.
pub fn ranges(jobs: impl IntoIterator<Item = JobId>) -> String {
    let mut jobs: Vec<JobId> = jobs.into_iter().collect();
    jobs.sort_unstable();
    jobs.dedup();
    let parts = jobs.chunk_by(|one, next| one + 1 == *next).map(|run| match run {
        [only] => only.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn neighbouring_numbers_are_written_together() {
        assert_eq!(ranges([5, 3, 4, 9, 11, 10]), "3-5, 9-11");
        assert_eq!(ranges([7]), "7");
        assert_eq!(ranges([]), "");
    }

    #[test]
    fn requests_are_kept_where_the_desktop_s_rules_say() {
        let path = |state: &str, home: &str| default_state(Some(OsStr::new(state)), Some(OsStr::new(home)));
        assert_eq!(path("/state", "/user"), Some("/state".into()));
        assert_eq!(path("", "/user"), Some("/user/.local/state".into()));
        assert_eq!(path("relative", "/user"), Some("/user/.local/state".into()));
        assert_eq!(default_state(None, None), None);
    }
}
