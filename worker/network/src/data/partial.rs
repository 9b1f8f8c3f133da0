//! Where verified bytes go: memory, or a file that a killed process can go on with.
//!
//! Beside the file lies a checklist: 32 bytes that name what is fetched into the file, and after them the index of each
//! window that is in the file, as u32 and its complement. Bytes of the file are synced before the checklist names
//! their windows, and the checklist is synced after. One that was cut in the middle of an entry ends before it, so
//! after `kill -9` or a power failure every window that is named is there.

use super::plan::{Plan, Window};
use crate::error::NetworkError;
use assay_ops::tensor::Digest;
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

/// Bytes that are synced together. Twice as many may be lost when the process is killed: those that are being synced,
/// and those that arrive meanwhile.
const COMMIT_BYTES: u64 = 64 << 20;

/// Where verified bytes go.
pub(crate) enum Sink {
    /// All bytes, in memory.
    Memory(Vec<u8>),
    /// A file and its checklist.
    File(Box<Partial>),
}

impl Sink {
    /// Keeps the bytes of a window.
    pub(crate) fn write(&mut self, index: u32, window: &Window, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Memory(all) => {
                let start = usize::try_from(window.offset).map_err(|_| io::ErrorKind::OutOfMemory)?;
                let place = all.get_mut(start..start.saturating_add(bytes.len()));
                place.ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
                Ok(())
            }
            Self::File(partial) => partial.write(index, window, bytes),
        }
    }

    /// Makes all windows so far survive.
    pub(crate) fn commit(&mut self) -> io::Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(partial) => partial.commit(),
        }
    }
}

/// A file that is being fetched.
pub(crate) struct Partial {
    file: Arc<File>,
    checklist: Arc<File>,
    checklist_path: PathBuf,
    written: Vec<u32>,
    written_bytes: u64,
    /// The thread that syncs the windows before those in `written`.
    committing: Option<JoinHandle<io::Result<()>>>,
}

impl Partial {
    /// Opens the file of a plan, and says which windows it has. A file that was begun for something else is begun anew.
    /// Nobody else can open the file's checklist until this is dropped.
    pub(crate) fn open(path: &Path, plan: &Plan) -> Result<(Self, Vec<u32>), NetworkError> {
        let checklist_path = checklist_path(path);
        let of_file = |error| NetworkError::of_file(path, error);
        let of_checklist = |error| NetworkError::of_file(&checklist_path, error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(of_file)?;
        let mut checklist = options.open(&checklist_path).map_err(of_checklist)?;
        checklist.try_lock().map_err(|error| of_checklist(error.into()))?;
        let mut finished = read_checklist(&mut checklist, plan).map_err(of_checklist)?;
        let has_size = file.metadata().map_err(of_file)?.len() == plan.file_bytes;
        if !has_size {
            finished = None;
        }
        if finished.is_none() {
            // From here on a file without a checklist is a complete one.
            sync_folder(path).map_err(of_file)?;
            checklist.set_len(0).map_err(of_checklist)?;
            checklist.sync_all().map_err(of_checklist)?;
            file.set_len(0).map_err(of_file)?;
            file.set_len(plan.file_bytes).map_err(of_file)?;
            file.write_all_at(&plan.prefix, 0).map_err(of_file)?;
            file.sync_all().map_err(of_file)?;
            checklist.write_all_at(&plan.name, 0).map_err(of_checklist)?;
            checklist.sync_all().map_err(of_checklist)?;
        }
        let finished = finished.unwrap_or_default();
        // What was cut in the middle of an entry is overwritten.
        let end = (size_of::<Digest>() + ENTRY_BYTES * finished.len()) as u64;
        checklist.set_len(end).map_err(of_checklist)?;
        checklist.seek(SeekFrom::Start(end)).map_err(of_checklist)?;
        let partial = Self {
            file: Arc::new(file),
            checklist: Arc::new(checklist),
            checklist_path,
            written: Vec::new(),
            written_bytes: 0,
            committing: None,
        };
        Ok((partial, finished))
    }

    fn write(&mut self, index: u32, window: &Window, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, window.offset)?;
        self.written.push(index);
        self.written_bytes += bytes.len() as u64;
        match self.written_bytes >= COMMIT_BYTES {
            true => self.begin_commit(),
            false => Ok(()),
        }
    }

    fn commit(&mut self) -> io::Result<()> {
        self.begin_commit()?;
        self.end_commit()
    }

    /// Starts a thread that makes the windows so far survive. Waits for the thread before it, so there is one at most.
    fn begin_commit(&mut self) -> io::Result<()> {
        self.end_commit()?;
        if self.written.is_empty() {
            return Ok(());
        }
        let entries: Vec<u8> = self.written.drain(..).flat_map(entry).collect();
        self.written_bytes = 0;
        let (file, checklist) = (self.file.clone(), self.checklist.clone());
        let thread = thread::Builder::new().name("assay-commit".to_owned()).spawn(move || {
            file.sync_data()?;
            (&*checklist).write_all(&entries)?;
            checklist.sync_data()
        });
        self.committing = Some(thread?);
        Ok(())
    }

    fn end_commit(&mut self) -> io::Result<()> {
        match self.committing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(committed)) => committed,
            Some(Err(_)) => Err(io::Error::other("the thread that syncs a file has panicked")),
        }
    }

    /// Removes the checklist of a file that is complete.
    pub(crate) fn finish(self) -> Result<(), NetworkError> {
        fs::remove_file(&self.checklist_path).map_err(|error| NetworkError::of_file(&self.checklist_path, error))
    }
}

const ENTRY_BYTES: usize = 2 * size_of::<u32>();

fn entry(index: u32) -> [u8; ENTRY_BYTES] {
    let mut entry = [0; ENTRY_BYTES];
    entry[..size_of::<u32>()].copy_from_slice(&index.to_le_bytes());
    entry[size_of::<u32>()..].copy_from_slice(&(!index).to_le_bytes());
    entry
}

/// The windows that a checklist names, up to its first entry that is none; `None` if it is of another plan.
fn read_checklist(checklist: &mut File, plan: &Plan) -> io::Result<Option<Vec<u32>>> {
    let most = size_of::<Digest>() + ENTRY_BYTES * plan.windows.len();
    let mut bytes = Vec::new();
    checklist.take(most as u64).read_to_end(&mut bytes)?;
    let Some(entries) = bytes.strip_prefix(plan.name.as_slice()) else {
        return Ok(None);
    };
    let (entries, _) = entries.as_chunks::<ENTRY_BYTES>();
    let indices = entries.iter().map_while(|bytes| {
        let index = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        (entry(index) == *bytes && (index as usize) < plan.windows.len()).then_some(index)
    });
    Ok(Some(indices.collect()))
}

/// The checklist of a file lies beside it.
pub(crate) fn checklist_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".windows");
    path.with_file_name(name)
}

/// Makes the names of files in a file's folder survive.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::plan::Piece;

    fn plan(digest: u8) -> Plan {
        let piece = Piece {
            digest: [digest; 32],
            bytes: 3 << 20,
            offset: 8,
        };
        Plan::new(b"a prefix".to_vec(), vec![piece]).expect("a plan")
    }

    #[test]
    fn killed_fetch_has_what_was_committed_and_no_more() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, plan) = (folder.path().join("file"), plan(1));
        let (mut partial, finished) = Partial::open(&path, &plan).expect("opens");
        assert_eq!((finished.as_slice(), plan.windows.len()), (&[][..], 3));
        partial.write(2, &plan.windows[2], &[3; 1 << 20]).expect("writes");
        partial.commit().expect("commits");
        partial.write(0, &plan.windows[0], &[4; 1 << 20]).expect("writes");
        // Neither `commit` nor a destructor writes the rest: so does a killed process.
        drop(partial);
        let mut checklist = OpenOptions::new()
            .append(true)
            .open(checklist_path(&path))
            .expect("opens");
        checklist.write_all(&[1, 0, 0]).expect("a cut entry");
        let (mut partial, finished) = Partial::open(&path, &plan).expect("opens again");
        assert_eq!(finished, [2]);
        partial.write(1, &plan.windows[1], &[5; 1 << 20]).expect("writes");
        partial.commit().expect("commits");
        assert!(Partial::open(&path, &plan).is_err(), "it is being fetched");
        drop(partial);
        let (partial, finished) = Partial::open(&path, &plan).expect("opens again");
        assert_eq!(finished, [2, 1]);
        partial.finish().expect("finishes");
        assert!(!checklist_path(&path).exists());
        let bytes = fs::read(&path).expect("reads");
        assert_eq!(bytes[..8], *b"a prefix");
        assert_eq!(bytes[8 + (2 << 20)..], [3; 1 << 20]);
    }

    #[test]
    fn windows_arrive_while_those_before_are_synced() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, plan) = (folder.path().join("file"), plan(1));
        let (mut partial, _) = Partial::open(&path, &plan).expect("opens");
        for index in [1, 0, 2] {
            let window = &plan.windows[index as usize];
            partial
                .write(index, window, &vec![index as u8; 1 << 20])
                .expect("writes");
            partial.begin_commit().expect("begins to sync");
        }
        partial.commit().expect("commits");
        drop(partial);
        let (partial, finished) = Partial::open(&path, &plan).expect("opens again");
        assert_eq!(finished, [1, 0, 2]);
        drop(partial);
        let bytes = fs::read(&path).expect("reads");
        let windows = bytes[8..].chunks(1 << 20);
        assert!(
            windows
                .zip(0u8..)
                .all(|(window, index)| window.iter().all(|byte| *byte == index))
        );
    }

    #[test]
    fn file_of_something_else_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let (mut partial, _) = Partial::open(&path, &plan(1)).expect("opens");
        partial.write(2, &plan(1).windows[2], &[3; 1 << 20]).expect("writes");
        partial.commit().expect("commits");
        drop(partial);
        let (_, finished) = Partial::open(&path, &plan(2)).expect("opens");
        assert!(finished.is_empty());
        assert!(fs::read(&path).expect("reads")[8..].iter().all(|byte| *byte == 0));
    }
}
