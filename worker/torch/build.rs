//! Finds libtorch, and tells dependents how their binaries and tests find it at run time without `LD_LIBRARY_PATH`.
//!
//! A link argument holds for one package's executables. So this one hands the arguments on as
//! `DEP_ASSAY_TORCH_ARGUMENTS`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// `at::cuda::getCurrentDeviceProperties()`.
const CUDA_SYMBOL: &str = "-Wl,-u,_ZN2at4cuda26getCurrentDevicePropertiesEv";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["LIBTORCH", "LIBTORCH_LIB", "LIBTORCH_USE_PYTORCH", "VIRTUAL_ENV"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    // Without one of the variables torch-sys takes libtorch from the system's own folders, which the loader searches.
    let Some(folder) = library_folder() else {
        return;
    };
    println!("cargo::rustc-link-search=native={}", folder.display());
    let mut arguments = vec![format!("-Wl,-rpath,{}", folder.display())];
    // The CUDA library registers its operators when it is loaded, and nothing here names a symbol of it, so linkers
    // would leave it out as unneeded, and the GPU with it. GNU ld and lld keep it for the flags; mold keeps the first
    // mention of a library, which torch-sys makes without them, but keeps it for an undefined symbol.
    if folder.join("libtorch_cuda.so").exists() {
        let cuda = [CUDA_SYMBOL, "-Wl,--no-as-needed", "-ltorch_cuda", "-Wl,--as-needed"];
        arguments.extend(cuda.map(str::to_owned));
    }
    for argument in &arguments {
        println!("cargo::rustc-link-arg={argument}");
    }
    println!("cargo::metadata=arguments={}", arguments.join(" "));
}

/// The folder of libtorch's libraries, found in the same order as torch-sys finds it.
fn library_folder() -> Option<PathBuf> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        let python = if env::var_os("VIRTUAL_ENV").is_some() {
            "python"
        } else {
            "python3"
        };
        let script = "import pathlib, torch; print(pathlib.Path(torch.__file__).parent / 'lib')";
        let output = Command::new(python).args(["-c", script]).output().ok()?;
        return Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim())).filter(|folder| folder.is_dir());
    }
    let root = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH"))?;
    Some(Path::new(&root).join("lib"))
}
