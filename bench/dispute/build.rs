//! Lets the program find libtorch, which the worker's library is linked to, where the worker's build found it.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if let Ok(folder) = std::env::var("DEP_ASSAY_WORKER_LIBTORCH") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
