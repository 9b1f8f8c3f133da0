//! Compiles the kernels' source for the processor, together with what stands in for CUDA.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/emulator.cpp");
    let source = env::var("DEP_ASSAY_CUDA_SOURCE").expect("assay-cuda says where its kernels are");
    println!("cargo::rerun-if-changed={source}");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .opt_level(2)
        .flag("-ffp-contract=off")
        .flag("-fno-fast-math")
        // Signed integers wrap, as they do on the GPU.
        .flag("-fwrapv")
        .define("ASSAY_KERNELS", format!("\"{source}\"").as_str())
        .warnings(false)
        .file("src/emulator.cpp")
        .compile("assay_cuda_emulator");
}
