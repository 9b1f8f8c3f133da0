//! Files that are either the old or the new ones, whenever the machine stops.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Replaces a file by one with this content and these permissions. The folder is made if it is not there.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    replace_by(path, |new| {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(new)?;
        file.write_all(content)
    })
}

/// Replaces a file by the one that `write` makes at the path that it is given. The folder is made if it is not there.
///
/// Nothing is left beside the file if it cannot be written.
pub fn replace_by(path: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let new = beside(path).ok_or(io::ErrorKind::InvalidInput)?;
    let written = write(&new)
        .and_then(|()| File::open(&new)?.sync_all())
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&new);
    }
    written?;
    File::open(folder)?.sync_all()
}

/// A path in the same folder that nobody else writes to, in this process or another one.
fn beside(path: &Path) -> Option<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = OsString::from(path.file_name()?);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".{}-{number}.new", std::process::id()));
    let new = path.with_file_name(name);
    // An earlier process with this number may have been killed.
    let _ = fs::remove_file(&new);
    Some(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn file_is_replaced_with_its_permissions_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep").join("file");
        for content in [b"first".as_slice(), b"second"] {
            replace(&path, content, 0o600).expect("replaces");
            assert_eq!(fs::read(&path).expect("reads"), content);
        }
        assert_eq!(
            fs::metadata(&path).expect("is there").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path().join("deep")).expect("reads").count(), 1);
    }

    #[test]
    fn file_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        replace(&path, b"old", 0o644).expect("replaces");
        let failed = replace_by(&path, |new| {
            fs::write(new, "half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.expect_err("full").kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).expect("reads"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 1);
    }

    #[test]
    fn several_threads_replace_a_file_by_whole_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for content in 0..4u8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        replace(path, &[content; 5000], 0o644).expect("replaces");
                    }
                });
            }
        });
        let content = fs::read(&path).expect("reads");
        assert!(content.len() == 5000 && content.iter().all(|byte| *byte == content[0]));
        assert_eq!(fs::read_dir(folder.path()).expect("reads").count(), 1);
    }
}
