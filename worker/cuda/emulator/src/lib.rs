//! Executes the kernels of `assay-cuda` on the processor: a device for tests where there is no GPU.
//!
//! The source is the one that NVRTC gets. Threads of a block that exchange values take turns, warps are 32 of them, and
//! tensor cores multiply what the PTX manual says they do; so all but the driver and the compiler of the GPU is what it
//! is there.

use assay_cuda::device::{Device, DeviceError};
use std::{
    alloc::{Layout, alloc, dealloc},
    ffi::{CString, c_char, c_int, c_uint},
};

/// As a GPU's memory is aligned.
const ALIGNMENT: usize = 256;

// SAFETY: as emulator.cpp defines it. It keeps what it works with by thread.
unsafe extern "C" {
    fn assay_emulator_launch(
        name: *const c_char,
        blocks: c_uint,
        threads: c_uint,
        parameters: *const u64,
        words: u64,
    ) -> c_int;
}

/// A device that is the processor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Emulator;

fn layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.max(1), ALIGNMENT).ok()
}

fn failed(call: &str, reason: &str) -> DeviceError {
    DeviceError::Failed {
        call: call.to_owned(),
        reason: reason.to_owned(),
    }
}

impl Device for Emulator {
    fn name(&self) -> String {
        "emulated GPU".to_owned()
    }

    fn has_tensor_cores(&self) -> bool {
        true
    }

    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        let layout = layout(bytes).ok_or_else(|| failed("allocate", "too many bytes"))?;
        // SAFETY: the layout has at least one byte.
        let address = unsafe { alloc(layout) };
        if address.is_null() {
            return Err(failed("allocate", "there is no memory left"));
        }
        // What nobody has written shall not look like zeros.
        // SAFETY: there are as many bytes.
        unsafe { address.write_bytes(0xa5, bytes) };
        Ok(address as u64)
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        if let Some(layout) = layout(bytes) {
            // SAFETY: allocated with this layout, says the caller.
            unsafe { dealloc(address as *mut u8, layout) }
        }
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        // SAFETY: there is as much memory, says the caller.
        unsafe { (to as *mut u8).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        // SAFETY: there is as much memory, says the caller.
        unsafe { (from as *const u8).copy_to_nonoverlapping(to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    unsafe fn launch(
        &self,
        kernel: &'static str,
        blocks: u32,
        threads: u32,
        parameters: &[u64],
    ) -> Result<(), DeviceError> {
        let name = CString::new(kernel).unwrap_or_default();
        let words = parameters.len() as u64;
        // SAFETY: the parameters are what the kernel takes, says the caller, and as many words as are said here.
        match unsafe { assay_emulator_launch(name.as_ptr(), blocks, threads, parameters.as_ptr(), words) } {
            0 => Ok(()),
            1 => Err(failed(kernel, "there is no such kernel")),
            2 => Err(failed(kernel, "a block is no whole number of warps")),
            _ => Err(failed(kernel, "there are fewer parameters than the kernel reads")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_launch_with_fewer_parameters_than_the_kernel_reads_is_refused() {
        // SAFETY: nothing is executed, since the parameters are too few.
        let launched = unsafe { Emulator.launch("take_integers", 1, 32, &[0; 4]) };
        let error = launched.expect_err("the kernel reads five words").to_string();
        assert!(error.contains("fewer parameters"), "{error}");
    }
}
