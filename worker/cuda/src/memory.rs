//! The device's memory, which is used again: to allocate some waits for the GPU.

use crate::device::{Device, DeviceError};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Sizes are rounded up to multiples of this, or of an eighth of themselves, so that memory fits what comes later.
const GRAIN: usize = 512;

/// Memory that nobody uses, by its size.
pub struct Pool {
    device: Arc<dyn Device>,
    free: Mutex<HashMap<usize, Vec<u64>>>,
}

/// Some memory; it goes back to its pool when it is dropped.
pub struct Buffer {
    pool: Arc<Pool>,
    address: u64,
    size: usize,
}

impl Pool {
    /// No memory yet.
    pub fn new(device: Arc<dyn Device>) -> Arc<Self> {
        Arc::new(Self {
            device,
            free: Mutex::default(),
        })
    }

    /// The device whose memory it is.
    pub fn device(&self) -> &dyn Device {
        &*self.device
    }

    /// Memory of at least this many bytes. If there is no more, what nobody uses is freed first.
    pub fn take(self: &Arc<Self>, bytes: usize) -> Result<Buffer, DeviceError> {
        let size = rounded(bytes);
        let kept = self.lock().get_mut(&size).and_then(Vec::pop);
        let address = match kept {
            Some(address) => address,
            None => self.device.allocate(size).or_else(|_| {
                self.clear();
                self.device.allocate(size)
            })?,
        };
        Ok(Buffer {
            pool: self.clone(),
            address,
            size,
        })
    }

    /// Bytes that nobody uses and that it keeps.
    pub fn kept_bytes(&self) -> usize {
        self.lock().iter().map(|(size, addresses)| size * addresses.len()).sum()
    }

    fn clear(&self) {
        for (size, addresses) in std::mem::take(&mut *self.lock()) {
            for address in addresses {
                // SAFETY: allocated with this size, and no buffer has it.
                unsafe { self.device.free(address, size) }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Vec<u64>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Buffer {
    /// Where it is.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Writes bytes to its beginning.
    ///
    /// # Panics
    ///
    /// If they are more than it has.
    pub fn upload(&self, bytes: &[u8]) -> Result<(), DeviceError> {
        assert!(bytes.len() <= self.size, "no place for the bytes");
        // SAFETY: there is place.
        unsafe { self.pool.device.upload(self.address, bytes) }
    }

    /// Its first bytes.
    ///
    /// # Panics
    ///
    /// If it has not as many.
    pub fn download(&self, bytes: usize) -> Result<Vec<u8>, DeviceError> {
        assert!(bytes <= self.size, "not as many bytes");
        let mut read = vec![0; bytes];
        // SAFETY: they are there.
        unsafe { self.pool.device.download(self.address, &mut read) }?;
        Ok(read)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // What the device was asked before may still use the memory; what it is asked later comes after that.
        self.pool.lock().entry(self.size).or_default().push(self.address);
    }
}

fn rounded(bytes: usize) -> usize {
    let grain = (bytes.next_power_of_two() / 8).max(GRAIN);
    bytes.max(1).next_multiple_of(grain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_by_less_than_a_quarter() {
        for bytes in (1..3000).chain([1 << 20, (1 << 20) + 1, 3 << 28]) {
            let size = rounded(bytes);
            assert!(size >= bytes && size.is_multiple_of(GRAIN));
            assert!(size <= bytes.max(8 * GRAIN) * 5 / 4, "{bytes} became {size}");
        }
    }
}
