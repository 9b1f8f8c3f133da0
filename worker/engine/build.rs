//! Hands on how binaries that execute models find libtorch at run time, as the build script of `assay-torch` says.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(arguments) = env::var("DEP_ASSAY_TORCH_ARGUMENTS") {
        for argument in arguments.split(' ') {
            println!("cargo::rustc-link-arg={argument}");
        }
        println!("cargo::metadata=arguments={arguments}");
    }
}
