//! Ends the nodes if this process is killed and cannot do it itself.

use anyhow::Context;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// Waits until its standard input is closed, which the kernel does however its parent ends. Then it kills what is left,
/// our nodes' programs that were started in the folder `$0`, until nothing is. Ctrl-C goes to all processes of a
/// terminal, so it must not end this one.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
left=1
while [ $left = 1 ]; do
    left=0
    for process in /proc/[0-9]*; do
        case $(readlink "$process/exe") in */assay-node* | */assay-relay*) ;; *) continue ;; esac
        if tr '\0' '\n' <"$process/cmdline" | grep -qF -- "$0"; then
            left=1
            kill -KILL "${process#/proc/}"
        fi
    done
    [ $left = 0 ] || sleep 0.1
done 2>/dev/null
"#;

/// The guard's process. Dropping this lets it do its work and waits for it.
#[derive(Debug)]
pub(crate) struct Guard(Child);

impl Guard {
    /// Guards the nodes that write to this folder.
    pub(crate) fn over(folder: &Path) -> anyhow::Result<Self> {
        let child = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            .spawn()
            .context("sh guards the nodes")?;
        Ok(Self(child))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("the guard of the nodes: {error}");
        }
    }
}
