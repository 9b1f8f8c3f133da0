//! A disk in memory that crashes on demand.

use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

/// A disk in memory that knows what was synced.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<(Mutex<Content>, Condvar)>);

#[derive(Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
    syncs: u64,
    /// Whether whoever syncs waits.
    is_held: bool,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.0.lock().expect("nobody panics with the disk")
    }

    /// Lets whoever syncs wait, or go on.
    pub fn hold(&self, is_held: bool) {
        self.content().is_held = is_held;
        self.0.1.notify_all();
    }

    /// Number of syncs of the disk.
    pub fn syncs(&self) -> u64 {
        self.content().syncs
    }

    /// The disk as it is after the power has failed: what was not synced is lost.
    pub fn after_power_failure(&self) -> Self {
        Self::with(self.content().synced.clone())
    }

    /// The disk as it is after the process was killed: what was written is there.
    pub fn after_kill(&self) -> Self {
        Self::with(self.content().written.clone())
    }

    fn with(bytes: Vec<u8>) -> Self {
        let content = Content {
            written: bytes.clone(),
            synced: bytes,
            ..Content::default()
        };
        Self(Arc::new((Mutex::new(content), Condvar::new())))
    }
}

fn range(offset: u64, length: usize, content: &[u8]) -> io::Result<std::ops::Range<usize>> {
    let start = usize::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    match start.checked_add(length).filter(|end| *end <= content.len()) {
        Some(end) => Ok(start..end),
        None => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let content = self.content();
        out.copy_from_slice(&content.written[range(offset, out.len(), &content.written)?]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.content().written.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let held = self.0.1.wait_while(self.content(), |content| content.is_held);
        let mut content = held.expect("nobody panics with the disk");
        content.synced = content.written.clone();
        content.syncs += 1;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut content = self.content();
        let range = range(offset, data.len(), &content.written)?;
        content.written[range].copy_from_slice(data);
        Ok(())
    }
}
