//! A GPU through CUDA's driver, with the kernels compiled for it by NVRTC.

use crate::{
    SOURCE,
    device::{Device, DeviceError},
};
use cudarc::{
    driver::{result, sys},
    nvrtc::{self, CompileError, CompileOptions, result::NvrtcError},
};
use std::{
    collections::HashMap,
    ffi::{CString, c_char, c_void},
    sync::{Mutex, PoisonError},
};

/// Tensor cores multiply 16 by 32 bytes at once from this compute capability on.
const TENSOR_CORES_SINCE: i32 = 80;
/// The kernels need an instruction that adds four products of bytes.
const LEAST_CAPABILITY: i32 = 61;

/// Architecture that is tried where NVRTC is older than the GPU.
const OLDER_CAPABILITIES: [i32; 3] = [90, 80, 75];

/// A GPU, its primary context, and the kernels.
pub struct Gpu {
    name: String,
    /// Architecture that the kernels are compiled for.
    capability: i32,
    device: sys::CUdevice,
    context: Handle<sys::CUcontext>,
    module: Handle<sys::CUmodule>,
    functions: Mutex<HashMap<&'static str, Handle<sys::CUfunction>>>,
}

/// A handle of the driver, which may be used on any thread.
#[derive(Clone, Copy)]
struct Handle<T>(T);

// SAFETY: contexts, modules and functions belong to the process; the driver locks what it has to.
unsafe impl<T> Send for Handle<T> {}
// SAFETY: the same.
unsafe impl<T> Sync for Handle<T> {}

/// The default stream: everything is done in the order in which it is asked for.
const STREAM: sys::CUstream = std::ptr::null_mut();

fn failed(call: &str) -> impl FnOnce(result::DriverError) -> DeviceError + '_ {
    move |error| DeviceError::Failed {
        call: call.to_owned(),
        reason: error.to_string(),
    }
}

impl Gpu {
    /// Opens a GPU by its index and compiles the kernels for it, which takes some seconds.
    pub fn new(index: usize) -> Result<Self, DeviceError> {
        // SAFETY: looks whether the library can be loaded.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceError::Missing {
                library: "libcuda",
                way_out: "it comes with NVIDIA's driver",
            });
        }
        // SAFETY: the same.
        if !unsafe { nvrtc::sys::is_culib_present() } {
            return Err(DeviceError::Missing {
                library: "libnvrtc",
                way_out: "install the CUDA toolkit or PyPI's nvidia-cuda-nvrtc, and name its lib folder in LD_LIBRARY_PATH",
            });
        }
        result::init().map_err(failed("cuInit"))?;
        let count = result::device::get_count().map_err(failed("cuDeviceGetCount"))?;
        let count = usize::try_from(count).unwrap_or(0);
        if index >= count {
            return Err(DeviceError::Absent { index, count });
        }
        let device = result::device::get(index as i32).map_err(failed("cuDeviceGet"))?;
        let name = result::device::get_name(device).map_err(failed("cuDeviceGetName"))?;
        let attribute = |attribute| {
            // SAFETY: the device is there.
            let value = unsafe { result::device::get_attribute(device, attribute) };
            value.map_err(failed("cuDeviceGetAttribute"))
        };
        use sys::CUdevice_attribute::{
            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR,
            CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
        };
        let capability = attribute(MAJOR)? * 10 + attribute(MINOR)?;
        if capability < LEAST_CAPABILITY {
            return Err(DeviceError::Compilation(format!(
                "{name} has compute capability {}.{}; the minimum is 6.1",
                capability / 10,
                capability % 10
            )));
        }
        let (image, capability) = compile_for(capability)?;
        // SAFETY: the device is there; the context is released when this is dropped.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(failed("cuDevicePrimaryCtxRetain"))?;
        let mut gpu = Self {
            name,
            capability,
            device,
            context: Handle(context),
            module: Handle(std::ptr::null_mut()),
            functions: Mutex::default(),
        };
        gpu.enter()?;
        // SAFETY: NVRTC ends the image with a zero.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        gpu.module = Handle(module.map_err(failed("cuModuleLoadData"))?);
        Ok(gpu)
    }

    /// Makes its context that of the calling thread.
    fn enter(&self) -> Result<(), DeviceError> {
        // SAFETY: the context is retained as long as this is there.
        unsafe { result::ctx::set_current(self.context.0) }.map_err(failed("cuCtxSetCurrent"))
    }

    fn function(&self, kernel: &'static str) -> Result<sys::CUfunction, DeviceError> {
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(function) = functions.get(kernel) {
            return Ok(function.0);
        }
        let name = CString::new(kernel).unwrap_or_default();
        // SAFETY: the module is loaded.
        let function = unsafe { result::module::get_function(self.module.0, name) };
        let function = function.map_err(failed(kernel))?;
        functions.insert(kernel, Handle(function));
        Ok(function)
    }
}

/// The kernels for a GPU of this compute capability, and the capability that they are compiled for: an older one where
/// NVRTC does not know such a new GPU, which executes them all the same.
fn compile_for(capability: i32) -> Result<(Vec<c_char>, i32), DeviceError> {
    let newest = compile(capability).map(|image| (image, capability));
    newest.or_else(|error| {
        let older = OLDER_CAPABILITIES.into_iter().filter(|older| *older < capability);
        let images = older.map(|older| compile(older).map(|image| (image, older)));
        images.flatten().next().ok_or(error)
    })
}

/// The kernels as PTX for this compute capability, with a zero at the end. Nothing is contracted or flushed to zero,
/// and division and roots are those of IEEE 754.
pub fn compile(capability: i32) -> Result<Vec<c_char>, DeviceError> {
    let options = CompileOptions {
        ftz: Some(false),
        prec_sqrt: Some(true),
        prec_div: Some(true),
        fmad: Some(false),
        use_fast_math: Some(false),
        name: Some("assay.cu".to_owned()),
        options: vec![
            format!("--gpu-architecture=compute_{capability}"),
            "--std=c++17".to_owned(),
        ],
        ..CompileOptions::default()
    };
    let ptx = nvrtc::compile_ptx_with_opts(SOURCE, options).map_err(|error| {
        DeviceError::Compilation(match error {
            CompileError::CompileError { log, .. } => log.to_string_lossy().into_owned(),
            CompileError::CreationError(NvrtcError(error)) | CompileError::GetPtxError(NvrtcError(error)) => {
                format!("NVRTC says {error:?}")
            }
            other => format!("{other:?}"),
        })
    })?;
    let image = ptx.as_bytes().unwrap_or_default();
    Ok(image.iter().map(|byte| *byte as c_char).collect())
}

impl Device for Gpu {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn has_tensor_cores(&self) -> bool {
        self.capability >= TENSOR_CORES_SINCE
    }

    fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
        self.enter()?;
        // SAFETY: the memory is freed by `free`.
        unsafe { result::malloc_sync(bytes) }.map_err(failed("cuMemAlloc"))
    }

    unsafe fn free(&self, address: u64, _bytes: usize) {
        if self.enter().is_ok() {
            // SAFETY: of the caller. The driver waits for what uses the memory. It fails only if the context is lost,
            // and the memory with it.
            let _ = unsafe { result::free_sync(address) };
        }
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: of the caller.
        unsafe { result::memcpy_htod_sync(to, bytes) }.map_err(failed("cuMemcpyHtoD"))
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: of the caller. The copy waits for the default stream.
        unsafe { result::memcpy_dtoh_sync(to, from) }.map_err(failed("cuMemcpyDtoH"))
    }

    unsafe fn launch(
        &self,
        kernel: &'static str,
        blocks: u32,
        threads: u32,
        parameters: &[u64],
    ) -> Result<(), DeviceError> {
        self.enter()?;
        let function = self.function(kernel)?;
        // The driver reads as many words as the kernel takes.
        let mut parameters = [parameters.as_ptr().cast_mut().cast::<c_void>()];
        // SAFETY: of the caller.
        let launched =
            unsafe { result::launch_kernel(function, (blocks, 1, 1), (threads, 1, 1), 0, STREAM, &mut parameters) };
        launched.map_err(failed(kernel))
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        if self.enter().is_ok() && !self.module.0.is_null() {
            // SAFETY: the module is loaded, and nothing can launch its kernels any more.
            let _ = unsafe { result::module::unload(self.module.0) };
        }
        // SAFETY: retained once, by `new`.
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}
