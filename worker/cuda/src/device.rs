//! Device that executes kernels, and has the memory that they work on.

/// Why a device did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A library is not installed, or not where the loader looks.
    #[error("{library} cannot be loaded; {way_out}")]
    Missing {
        /// The library.
        library: &'static str,
        /// Advice on it.
        way_out: &'static str,
    },
    /// There is no such GPU.
    #[error("there is no GPU with index {index}: CUDA finds {count} GPUs, counted from 0")]
    Absent {
        /// The GPU that was asked for.
        index: usize,
        /// Number of devices.
        count: usize,
    },
    /// The kernels do not compile for it.
    #[error("the kernels do not compile: {0}")]
    Compilation(String),
    /// A call failed.
    #[error("{call} failed: {reason}")]
    Failed {
        /// The call.
        call: String,
        /// Its message.
        reason: String,
    },
}

/// A GPU, or what stands in for one. What it is asked is done in order.
pub trait Device: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> String;

    /// Whether its tensor cores multiply bytes.
    fn has_tensor_cores(&self) -> bool;

    /// Memory of this many bytes, which hold anything; its address is a multiple of 256.
    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError>;

    /// Gives memory back.
    ///
    /// # Safety
    ///
    /// The address is one that [`allocate`](Self::allocate) gave for as many bytes, and nothing uses the memory
    /// afterwards.
    unsafe fn free(&self, address: u64, bytes: usize);

    /// Writes bytes to the device's memory.
    ///
    /// # Safety
    ///
    /// There is as much memory at this address.
    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), DeviceError>;

    /// Reads bytes from the device's memory, after everything that it was asked before is done.
    ///
    /// # Safety
    ///
    /// There is as much memory at this address.
    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError>;

    /// Executes a kernel of [`SOURCE`](crate::SOURCE).
    ///
    /// # Safety
    ///
    /// The parameters are those that the kernel takes, and all that it reads and writes by them is the device's memory.
    unsafe fn launch(
        &self,
        kernel: &'static str,
        blocks: u32,
        threads: u32,
        parameters: &[u64],
    ) -> Result<(), DeviceError>;
}
