//! Output of the program, to readers that may be gone: `head` closes its end of a pipe once it has its lines.
//!
//! `println!`, `print!` and `eprintln!` in this crate are the macros below. Those of the standard library panic where
//! nobody reads.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    process,
};

/// Exit code of a program that the system ends because nobody reads its output: 128 and the number of SIGPIPE.
const NOBODY_READS: i32 = 141;

/// Prints a result, without a line's end.
macro_rules! print {
    ($($text:tt)*) => { $crate::output::result(format_args!($($text)*)) };
}

/// Prints a line of a result.
macro_rules! println {
    () => { $crate::output::result(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::result(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a line that is no result.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::note(format_args!($($text)*)) };
}

/// Writes to standard output. Ends the program where that cannot be done: quietly if nobody reads any more.
pub(crate) fn result(text: Arguments<'_>) {
    match io::stdout().lock().write_fmt(text) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(NOBODY_READS),
        Err(error) => {
            note(format_args!("error: standard output cannot be written: {error}"));
            process::exit(1)
        }
    }
}

/// Writes a line to standard error, if somebody reads it.
pub(crate) fn note(text: Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(format_args!("{text}\n"));
}

/// Prints an error, once: an error that repeats the text of its cause stands for both.
pub fn report(error: &anyhow::Error) {
    note(format_args!("error: {}", in_full(error)));
}

fn in_full(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        match text.as_str() {
            "" => text = cause,
            told if told.contains(&cause) => {}
            _ => text = format!("{text}: {cause}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use assay_daemon::models::read_all;
    use std::{fs, path::Path};

    #[test]
    fn every_cause_is_told_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("manifest.toml"), "format = 0").expect("the folder can be written");
        let error = read_all([folder.path().to_owned()]).expect_err("no manifest");
        let error = Err::<(), _>(error).context("--models-dir").expect_err("the same");
        let text = in_full(&error);
        assert!(text.starts_with("--models-dir: model "), "{text}");
        assert_eq!(text.matches("the manifest is not valid").count(), 1, "{text}");
        let error = fs::read(Path::new("/no/such/file"))
            .context("outer")
            .expect_err("no file");
        assert_eq!(in_full(&error), "outer: No such file or directory (os error 2)");
    }
}
